/* Calls no socket function itself: `serve` is linked in, or loaded from the object that an argument names. */
#include <dlfcn.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

typedef int serve_function(const char *address, int port, size_t most, nfds_t watched);

extern serve_function serve __attribute__((weak));

int main(int count, char **arguments)
{
    serve_function *function = serve;

    if (count > 3) {
        void *object = dlopen(arguments[3], RTLD_NOW);

        function = object == NULL ? NULL : (serve_function *)dlsym(object, "serve");
    }
    if (count < 3 || function == NULL) {
        fprintf(stderr, "usage: link-main ADDRESS PORT [OBJECT]\n");
        return 2;
    }
    return function(arguments[1], atoi(arguments[2]), 4096, 1);
}
