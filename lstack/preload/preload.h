/* What the interposed names have in common. */
#ifndef GZ_PRELOAD_H
#define GZ_PRELOAD_H

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>

#include "runtime/engine.h"

#define GZ_EXPORT __attribute__((visibility("default")))

/* The engine, once this process was selected; NULL: every call is libc's. */
extern const struct gz_engine *gz_engine;

/* libc's own function behind an interposed name; ends the process when there is none. */
void *gz_libc(const char *name);

/* Looked up at the first use: that may come before any constructor ran. */
#define LIBC(name)                                              \
    ({                                                          \
        static __typeof__(&name) found_;                        \
        if (__builtin_expect(found_ == NULL, 0))                \
            found_ = (__typeof__(&name))gz_libc(#name);         \
        found_;                                                 \
    })

/* Whether `fd` means something to the engine. */
static inline int gz_ours(int fd)
{
    const struct gz_engine *engine = gz_engine;

    return __builtin_expect(engine != NULL, 0) && (uint32_t)fd < engine->limit &&
        __atomic_load_n(&engine->kinds[fd], __ATOMIC_ACQUIRE) != GZ_KIND_NONE;
}

/* A result as libc answers it. */
static inline long gz_result(long result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

/* Leaves the wrapper with the engine's answer unless the call is the kernel's. */
#define ASK_ENGINE(call)                        \
    do {                                        \
        long answer_ = gz_engine->call;         \
        if (answer_ != GZ_KERNEL)               \
            return gz_result(answer_);          \
    } while (0)

#define DIVERT(fd, call)        \
    do {                        \
        if (gz_ours(fd))        \
            ASK_ENGINE(call);   \
    } while (0)

/* The kernel gave out this number. */
static inline int gz_fresh(int fd)
{
    if (gz_ours(fd))
        gz_engine->forget(fd);
    return fd;
}

#endif
