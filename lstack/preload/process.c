/* Descriptors and processes: close, dup, fcntl, ioctl, fork, signals. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "preload.h"

GZ_EXPORT int close(int fd)
{
    DIVERT(fd, close(fd));
    return LIBC(close)(fd);
}

/* libc closes the descriptor itself, unseen. */
GZ_EXPORT int fclose(FILE *file)
{
    int fd = gz_engine != NULL ? fileno(file) : -1;

    if (fd >= 0 && gz_ours(fd)) {
        fflush(file);
        gz_engine->forget(fd);
    }
    return LIBC(fclose)(file);
}

/* Closes what is the application's, one by one where the engine has a part in it. */
static int close_all(unsigned first, unsigned last, int flags)
{
    unsigned start = first;

    for (unsigned fd = first; fd <= last && fd < gz_engine->limit; fd++) {
        if (gz_engine->kinds[fd] == GZ_KIND_NONE)
            continue;
        if (fd > start && LIBC(close_range)(start, fd - 1, flags) != 0)
            return -1;
        if (gz_engine->kinds[fd] != GZ_KIND_INTERNAL)
            close((int)fd);
        start = fd + 1;
    }
    return start > last || start < first ? 0 : LIBC(close_range)(start, last, flags);
}

GZ_EXPORT int close_range(unsigned first, unsigned last, int flags)
{
    if (gz_engine == NULL || (flags & CLOSE_RANGE_CLOEXEC) != 0 || first > last)
        return LIBC(close_range)(first, last, flags);
    return close_all(first, last, flags);
}

GZ_EXPORT void closefrom(int first)
{
    if (gz_engine == NULL)
        LIBC(closefrom)(first);
    else
        close_all(first < 0 ? 0 : (unsigned)first, ~0u, 0);
}

GZ_EXPORT int dup(int fd)
{
    DIVERT(fd, duplicate(fd, -1, 0, 0));
    return gz_fresh(LIBC(dup)(fd));
}

GZ_EXPORT int dup2(int fd, int target)
{
    if (gz_ours(fd) || gz_ours(target))
        ASK_ENGINE(duplicate(fd, target, -1, 0));
    return LIBC(dup2)(fd, target);
}

GZ_EXPORT int dup3(int fd, int target, int flags)
{
    if (fd != target && (gz_ours(fd) || gz_ours(target)))
        ASK_ENGINE(duplicate(fd, target, -1, flags));
    return LIBC(dup3)(fd, target, flags);
}

static int control(int fd, int command, long argument)
{
    DIVERT(fd, control(fd, command, argument));
    int result = LIBC(fcntl)(fd, command, argument);

    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? gz_fresh(result) : result;
}

GZ_EXPORT int fcntl(int fd, int command, ...)
{
    va_list arguments;

    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return control(fd, command, argument);
}

GZ_EXPORT int fcntl64(int fd, int command, ...)
{
    va_list arguments;

    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return control(fd, command, argument);
}

GZ_EXPORT int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;

    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    DIVERT(fd, ioctl(fd, request, argument));
    return LIBC(ioctl)(fd, request, argument);
}

GZ_EXPORT pid_t fork(void)
{
    const struct gz_engine *engine = gz_engine;

    if (engine == NULL)
        return LIBC(fork)();
    engine->fork_prepare();
    pid_t child = LIBC(fork)();

    if (child == 0)
        engine->fork_child();
    else
        engine->fork_parent(child);
    return child;
}

/* A wrapper cannot return twice from one frame: a child of vfork gets a copy of the process. */
GZ_EXPORT pid_t vfork(void)
{
    return fork();
}

GZ_EXPORT int pthread_create(pthread_t *restrict id, const pthread_attr_t *restrict attributes,
    void *(*run)(void *), void *restrict argument)
{
    return gz_engine != NULL ? gz_engine->create(id, attributes, run, argument)
                             : LIBC(pthread_create)(id, attributes, run, argument);
}

GZ_EXPORT int pthread_cancel(pthread_t thread)
{
    return gz_engine != NULL ? gz_engine->cancel(thread) : LIBC(pthread_cancel)(thread);
}

GZ_EXPORT int sigaction(int number, const struct sigaction *restrict set, struct sigaction *restrict old)
{
    if (gz_engine == NULL)
        return LIBC(sigaction)(number, set, old);
    return (int)gz_result(gz_engine->action(number, set, old));
}

GZ_EXPORT sighandler_t signal(int number, sighandler_t handler)
{
    struct sigaction set = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

    if (gz_engine == NULL)
        return LIBC(signal)(number, handler);
    sigemptyset(&set.sa_mask);
    return sigaction(number, &set, &old) != 0 ? SIG_ERR : old.sa_handler;
}
