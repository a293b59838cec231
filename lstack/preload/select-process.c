/*
 * Which processes use the stack: those that GAZELLE_BIND_PROCNAME names. A name matches the program file
 * (/proc/self/exe), the name it was executed under (AT_EXECFN), or argv[0] as it was at the start.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "preload.h"

#define ENGINE_FILE "liblstack-engine.so"

const struct gz_engine *gz_engine;

void *gz_libc(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    if (function == NULL) {
        dprintf(STDERR_FILENO, "gazelle: libc has no %s\n", name);
        _exit(1);
    }
    return function;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Whether the comma-separated list has the last part of `path`. */
static bool listed(const char *list, const char *path)
{
    const char *name = base_name(path);
    size_t length = strlen(name);

    if (length == 0)
        return false;
    while (list != NULL) {
        const char *entry = list + strspn(list, " ");
        const char *end = strchr(entry, ',');
        size_t size = end == NULL ? strlen(entry) : (size_t)(end - entry);

        while (size > 0 && entry[size - 1] == ' ')
            size--;
        if (size == length && memcmp(entry, name, length) == 0)
            return true;
        list = end == NULL ? NULL : end + 1;
    }
    return false;
}

static bool program_listed(const char *list)
{
    char path[PATH_MAX];
    const char *executed = (const char *)getauxval(AT_EXECFN);
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (length > 0) {
        path[length] = 0;
        if (listed(list, path))
            return true;
    }
    if (executed != NULL && listed(list, executed))
        return true;
    int fd = LIBC(open)("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    length = LIBC(read)(fd, path, sizeof(path) - 1);
    LIBC(close)(fd);
    if (length <= 0)
        return false;
    path[length] = 0;
    return listed(list, path);
}

/* Loaded by LD_PRELOAD, and not linked into the program. */
static bool preloaded(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload != NULL && strstr(preload, "liblstack.so") != NULL;
}

static bool selected(void)
{
    const char *list = getenv("GAZELLE_BIND_PROCNAME");

    if (list == NULL || *list == 0)
        return !preloaded();
    return program_listed(list);
}

/* The engine lies beside this library. */
static void open_engine(void)
{
    Dl_info self;
    char path[PATH_MAX];
    void *object = NULL;

    if (dladdr((void *)open_engine, &self) != 0 && self.dli_fname != NULL) {
        int folder = (int)(base_name(self.dli_fname) - self.dli_fname);

        snprintf(path, sizeof(path), "%.*s" ENGINE_FILE, folder, self.dli_fname);
        /* Its own calls of socket, poll or sigaction go to libc, not to our wrappers. */
        object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    }
    if (object == NULL) {
        dprintf(STDERR_FILENO, "gazelle: cannot load " ENGINE_FILE ": %s; it must lie beside liblstack.so\n",
            dlerror());
        _exit(1);
    }
    gz_engine_open_function *open = (gz_engine_open_function *)dlsym(object, GZ_ENGINE_OPEN);

    if (open == NULL) {
        dprintf(STDERR_FILENO, "gazelle: %s is of another version\n", path);
        _exit(1);
    }
    gz_engine = open();
}

__attribute__((constructor)) static void start(void)
{
    if (selected())
        open_engine();
}
