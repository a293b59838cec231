/* The epoll family. */
#include <sys/epoll.h>
#include <time.h>

#include "preload.h"

static int64_t from_milliseconds(int timeout)
{
    return timeout < 0 ? GZ_FOREVER : (int64_t)timeout * 1000000;
}

GZ_EXPORT int epoll_create(int size)
{
    if (gz_engine != NULL && size > 0)
        return (int)gz_result(gz_engine->epoll_create(0));
    return LIBC(epoll_create)(size);
}

GZ_EXPORT int epoll_create1(int flags)
{
    if (gz_engine != NULL)
        return (int)gz_result(gz_engine->epoll_create(flags));
    return LIBC(epoll_create1)(flags);
}

GZ_EXPORT int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    DIVERT(epoll, epoll_ctl(epoll, operation, fd, event));
    return LIBC(epoll_ctl)(epoll, operation, fd, event);
}

GZ_EXPORT int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    DIVERT(epoll, epoll_wait(epoll, events, most, from_milliseconds(timeout), NULL));
    return LIBC(epoll_wait)(epoll, events, most, timeout);
}

GZ_EXPORT int epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout, const sigset_t *mask)
{
    DIVERT(epoll, epoll_wait(epoll, events, most, from_milliseconds(timeout), mask));
    return LIBC(epoll_pwait)(epoll, events, most, timeout, mask);
}

GZ_EXPORT int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *timeout,
    const sigset_t *mask)
{
    int64_t limit = timeout == NULL ? GZ_FOREVER : timeout->tv_sec * 1000000000ll + timeout->tv_nsec;

    DIVERT(epoll, epoll_wait(epoll, events, most, limit, mask));
    return LIBC(epoll_pwait2)(epoll, events, most, timeout, mask);
}
