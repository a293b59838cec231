/*
 * The allocator of the whole process. Opened with RTLD_DEEPBIND, the engine and its libraries would find
 * libc's malloc and free, while libc itself (strdup, getifaddrs) allocates with the application's, which may
 * be another one: what one gave the other must not get back. Exported, so that the libraries opened with the
 * engine use these too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define GZ_PUBLIC __attribute__((visibility("default")))

/* The definition that the application sees. */
static void *global(const char *name)
{
    void *program = dlopen(NULL, RTLD_LAZY);
    void *function = program == NULL ? NULL : dlsym(program, name);

    if (function == NULL)
        _exit(1);
    return function;
}

#define GLOBAL(name)                                                        \
    ({                                                                      \
        static __typeof__(&name) found_;                                    \
        if (__builtin_expect(found_ == NULL, 0))                            \
            found_ = (__typeof__(&name))global(#name);                      \
        found_;                                                             \
    })

void *memalign(size_t alignment, size_t size);

GZ_PUBLIC void *malloc(size_t size)
{
    return GLOBAL(malloc)(size);
}

GZ_PUBLIC void free(void *memory)
{
    GLOBAL(free)(memory);
}

GZ_PUBLIC void *calloc(size_t count, size_t size)
{
    return GLOBAL(calloc)(count, size);
}

GZ_PUBLIC void *realloc(void *memory, size_t size)
{
    return GLOBAL(realloc)(memory, size);
}

GZ_PUBLIC void *aligned_alloc(size_t alignment, size_t size)
{
    return GLOBAL(aligned_alloc)(alignment, size);
}

GZ_PUBLIC void *memalign(size_t alignment, size_t size)
{
    return GLOBAL(memalign)(alignment, size);
}

GZ_PUBLIC int posix_memalign(void **memory, size_t alignment, size_t size)
{
    return GLOBAL(posix_memalign)(memory, alignment, size);
}
