# For programs that are linked with the stack in place of being started with LD_PRELOAD:
#
#   -include /etc/gazelle/lstack.Makefile
#   test: test.c
#           gcc test.c -o test ${LSTACK_LIBS}
#
# This file works where it lies in a clone (conf/), through a symbolic link to it, and copied to etc/gazelle of a prefix whose
# lib or lib64 has the libraries. LSTACK_FOLDER names their folder in any other case.

# This file's own folder, links resolved: MAKEFILE_LIST ends with it, and its path may contain blanks.
LSTACK_SELF := $(shell list='$(MAKEFILE_LIST)'; \
	while ! [ -f "$$list" ] && list=$$(expr "$$list" : '[^ ]* \(.*\)'); do :; done; \
	[ -f "$$list" ] && dirname "$$(readlink -f "$$list")")

# The first folder that has liblstack.so.
LSTACK_FOLDER ?= $(shell for folder in '$(LSTACK_SELF)/../build' '$(LSTACK_SELF)/../../lib' '$(LSTACK_SELF)/../../lib64' \
	/usr/local/lib /usr/lib64 /usr/lib; do \
	[ -f "$$folder/liblstack.so" ] && readlink -f "$$folder" && break; done)

LSTACK_CHECK = $(if $(LSTACK_FOLDER),,$(error no liblstack.so: run npm run build, or set LSTACK_FOLDER))

# liblstack.so stands before libc, so that its names win, and stays needed if the program itself calls none of them.
LSTACK_LIBS = $(LSTACK_CHECK)-L'$(LSTACK_FOLDER)' -Wl,-rpath,'$(LSTACK_FOLDER)' \
	-Wl,--push-state,--no-as-needed -llstack -Wl,--pop-state
