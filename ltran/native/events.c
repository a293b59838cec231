#include "events.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forwarder.h"

#define EVENTS_MOST 32

static struct {
    napi_threadsafe_function function;
    pthread_t thread;
    int epoll, links, end, interval;
    bool runs;
} events = { .epoll = -1 };

static void deliver(napi_env env, napi_value callback, void *context, void *data)
{
    uint64_t packed = (uint64_t)(uintptr_t)data;
    napi_value arguments[2], receiver;

    (void)context;
    if (env == NULL)
        return;
    napi_create_uint32(env, (uint32_t)(packed >> 32), &arguments[0]);
    napi_create_uint32(env, (uint32_t)packed, &arguments[1]);
    napi_get_undefined(env, &receiver);
    napi_call_function(env, receiver, callback, 2, arguments, NULL);
}

void gz_events_tell(enum gz_event event, uint32_t number)
{
    uint64_t packed = (uint64_t)event << 32 | number;

    if (events.runs)
        napi_call_threadsafe_function(events.function, (void *)(uintptr_t)packed, napi_tsfn_nonblocking);
}

/*
 * What the messages say does not matter, the state is asked for; what is left of them comes as the next
 * event.
 */
static void look_at_links(bool has_message)
{
    char message[8192];

    if (has_message && recv(events.links, message, sizeof(message), MSG_DONTWAIT) < 0 && errno != EAGAIN)
        errno = 0; /* Messages were lost: as good as one that came. */
    uint32_t changed = gz_nics_look();

    if (changed != 0)
        gz_events_tell(GZ_EVENT_LINK, changed);
}

static void *tell_events(void *argument)
{
    struct epoll_event ready[EVENTS_MOST];

    for (;;) {
        int count = epoll_wait(events.epoll, ready, EVENTS_MOST, events.interval);
        bool has_message = false;

        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;

            if (fd == events.end)
                return argument;
            if (fd == events.links)
                has_message = true;
            else
                gz_events_tell(GZ_EVENT_READABLE, (uint32_t)fd);
        }
        look_at_links(has_message);
    }
}

static int watch(int fd, uint32_t flags)
{
    struct epoll_event event = { .events = EPOLLIN | flags, .data.fd = fd };
    int result = epoll_ctl(events.epoll, EPOLL_CTL_MOD, fd, &event);

    if (result != 0 && errno == ENOENT)
        result = epoll_ctl(events.epoll, EPOLL_CTL_ADD, fd, &event);
    return result == 0 ? 0 : -errno;
}

int gz_events_watch(int fd)
{
    return watch(fd, EPOLLONESHOT);
}

static int prepare(void)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

    events.epoll = epoll_create1(EPOLL_CLOEXEC);
    events.end = eventfd(0, EFD_CLOEXEC);
    events.links = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (events.epoll < 0 || events.end < 0 || events.links < 0)
        return -errno;
    if (bind(events.links, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return -errno;
    return watch(events.end, 0) != 0 ? -errno : watch(events.links, 0);
}

int gz_events_start(napi_env env, napi_value callback, int interval)
{
    sigset_t all, before;
    napi_value name;
    int failed = prepare();

    if (failed != 0)
        return failed;
    events.interval = interval;
    napi_create_string_utf8(env, "ltran", NAPI_AUTO_LENGTH, &name);
    if (napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, NULL, deliver,
            &events.function) != napi_ok)
        return -ENOMEM;
    events.runs = true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&events.thread, NULL, tell_events, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        pthread_setname_np(events.thread, "ltran-events");
    return -failed;
}

void gz_events_stop(void)
{
    if (!events.runs)
        return;
    events.runs = false;
    eventfd_write(events.end, 1);
    pthread_join(events.thread, NULL);
    napi_release_threadsafe_function(events.function, napi_tsfn_abort);
    close(events.epoll);
    close(events.links);
    close(events.end);
}
