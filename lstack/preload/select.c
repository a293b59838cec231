/* poll and select. Lists without a socket of ours go straight to libc. */
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#include "preload.h"

#define NS 1000000000ll

int __poll_chk(struct pollfd *list, nfds_t count, int timeout, size_t size);
int __ppoll_chk(
    struct pollfd *list, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size);
void __chk_fail(void) __attribute__((noreturn));

static bool any_ours(const struct pollfd *list, nfds_t count)
{
    if (gz_engine == NULL)
        return false;
    for (nfds_t i = 0; i < count; i++)
        if (list[i].fd >= 0 && gz_ours(list[i].fd))
            return true;
    return false;
}

GZ_EXPORT int poll(struct pollfd *list, nfds_t count, int timeout)
{
    if (any_ours(list, count))
        ASK_ENGINE(poll(list, count, timeout < 0 ? GZ_FOREVER : (int64_t)timeout * 1000000, NULL));
    return LIBC(poll)(list, count, timeout);
}

GZ_EXPORT int __poll_chk(struct pollfd *list, nfds_t count, int timeout, size_t size)
{
    if (size / sizeof(*list) < count)
        __chk_fail();
    return poll(list, count, timeout);
}

static int64_t from_timespec(const struct timespec *timeout)
{
    return timeout == NULL ? GZ_FOREVER : timeout->tv_sec * NS + timeout->tv_nsec;
}

GZ_EXPORT int ppoll(struct pollfd *list, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    if (any_ours(list, count))
        ASK_ENGINE(poll(list, count, from_timespec(timeout), mask));
    return LIBC(ppoll)(list, count, timeout, mask);
}

GZ_EXPORT int __ppoll_chk(
    struct pollfd *list, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size)
{
    if (size / sizeof(*list) < count)
        __chk_fail();
    return ppoll(list, count, timeout, mask);
}

struct sets {
    fd_set *read;
    fd_set *write;
    fd_set *except;
};

/* What select wants of a descriptor, in terms of poll. */
static short events_of(const struct sets *sets, int fd)
{
    short events = 0;

    if (sets->read != NULL && FD_ISSET(fd, sets->read))
        events |= POLLIN;
    if (sets->write != NULL && FD_ISSET(fd, sets->write))
        events |= POLLOUT;
    if (sets->except != NULL && FD_ISSET(fd, sets->except))
        events |= POLLPRI;
    return events;
}

static bool sets_have_ours(int count, const struct sets *sets)
{
    if (gz_engine == NULL)
        return false;
    for (int fd = 0; fd < count && fd < FD_SETSIZE; fd++)
        if (gz_ours(fd) && events_of(sets, fd) != 0)
            return true;
    return false;
}

static int settle(fd_set *set, int fd, bool ready)
{
    if (set == NULL || !FD_ISSET(fd, set))
        return 0;
    if (ready)
        return 1;
    FD_CLR(fd, set);
    return 0;
}

/* Writes poll's answer into the sets; answers how many bits are set. */
static long answer(const struct pollfd *list, int count, const struct sets *sets)
{
    long bits = 0;

    for (int i = 0; i < count; i++)
        if (list[i].revents & POLLNVAL)
            return -EBADF;
    for (int i = 0; i < count; i++) {
        short ready = list[i].revents;

        bits += settle(sets->read, list[i].fd, (ready & (POLLIN | POLLHUP | POLLERR)) != 0);
        bits += settle(sets->write, list[i].fd, (ready & (POLLOUT | POLLERR)) != 0);
        bits += settle(sets->except, list[i].fd, (ready & POLLPRI) != 0);
    }
    return bits;
}

static long select_by_poll(int count, const struct sets *sets, int64_t timeout, const sigset_t *mask)
{
    struct pollfd list[FD_SETSIZE] = { { .fd = -1 } };
    int used = 0;

    if (count < 0)
        return -EINVAL;
    for (int fd = 0; fd < count && fd < FD_SETSIZE; fd++) {
        short events = events_of(sets, fd);

        if (events != 0)
            list[used++] = (struct pollfd){ .fd = fd, .events = events };
    }
    long result = gz_engine->poll(list, (nfds_t)used, timeout, mask);

    return result < 0 ? result : answer(list, used, sets);
}

GZ_EXPORT int select(int count, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except,
    struct timeval *restrict timeout)
{
    struct sets sets = { read, write, except };
    struct timespec begin, end;

    if (!sets_have_ours(count, &sets))
        return LIBC(select)(count, read, write, except, timeout);
    if (timeout != NULL && (timeout->tv_sec < 0 || timeout->tv_usec < 0))
        return (int)gz_result(-EINVAL);
    int64_t limit = timeout == NULL ? GZ_FOREVER : timeout->tv_sec * NS + timeout->tv_usec * 1000;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    long result = select_by_poll(count, &sets, limit, NULL);

    /* Linux leaves the time that was left. */
    if (timeout != NULL) {
        clock_gettime(CLOCK_MONOTONIC, &end);
        int64_t left = limit - ((end.tv_sec - begin.tv_sec) * NS + end.tv_nsec - begin.tv_nsec);

        if (left < 0)
            left = 0;
        timeout->tv_sec = left / NS;
        timeout->tv_usec = left % NS / 1000;
    }
    return (int)gz_result(result);
}

GZ_EXPORT int pselect(int count, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except,
    const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
    struct sets sets = { read, write, except };

    if (!sets_have_ours(count, &sets))
        return LIBC(pselect)(count, read, write, except, timeout, mask);
    return (int)gz_result(select_by_poll(count, &sets, from_timespec(timeout), mask));
}
