/* Epoll instances that are watched themselves: by poll, by select, by other instances. */
#include "subject.h"

#include <pthread.h>
#include <sys/eventfd.h>

static void wait_and_print(int epoll, int ms)
{
    struct epoll_event events[8];
    int count = epoll_wait(epoll, events, 8, ms);

    printf("  epoll_wait -> %d %s\n", count, count < 0 ? name_of(errno) : "");
    for (int i = 0; i < count; i++)
        printf("    %llu: %s\n", (unsigned long long)events[i].data.u64, events_text(events[i].events));
}

static void add(int epoll, int fd, unsigned wanted, unsigned long long data)
{
    struct epoll_event event = { .events = wanted, .data.u64 = data };

    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static void poll_and_print(int fd, int ms)
{
    struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT };

    DO(poll(&entry, 1, ms));
    printf("    %s\n", events_text((unsigned)entry.revents));
}

static void select_and_print(int fd, int ms)
{
    struct timeval limit = { ms / 1000, ms % 1000 * 1000 };
    fd_set readable, writable;

    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(fd, &readable);
    FD_SET(fd, &writable);
    DO(select(fd + 1, &readable, &writable, NULL, &limit));
    printf("    readable %d writable %d\n", FD_ISSET(fd, &readable), FD_ISSET(fd, &writable));
}

/* Lets the peer send while the subject waits. */
static void *send_soon(void *argument)
{
    (void)argument;
    milliseconds(60);
    peer("send 0 3");
    return NULL;
}

static void in_poll_and_select(void)
{
    int epoll = FD(epoll_create1(0)), fd = accepted(), counter = eventfd(0, EFD_NONBLOCK);
    char bytes[8];
    pthread_t thread;

    poll_and_print(epoll, 0);
    add(epoll, fd, EPOLLIN, 1);
    add(epoll, counter, EPOLLIN, 2);
    poll_and_print(epoll, 20);
    select_and_print(epoll, 20);
    pthread_create(&thread, NULL, send_soon, NULL);
    poll_and_print(epoll, 2000);
    pthread_join(thread, NULL);
    select_and_print(epoll, 1000);
    poll_and_print(epoll, 0);
    DO(read(fd, bytes, 8));
    poll_and_print(epoll, 20);
    pthread_create(&thread, NULL, send_soon, NULL);
    select_and_print(epoll, 2000);
    pthread_join(thread, NULL);
    DO(read(fd, bytes, 8));
    DO(write(counter, "12345678", 8));
    poll_and_print(epoll, 1000);
    DO(read(counter, bytes, 8));
    poll_and_print(epoll, 0);
    DO(close(fd));
    poll_and_print(epoll, 0);
    DO(close(epoll));
    DO(close(counter));
    PEER("close 0");
}

static void in_another(void)
{
    int outer = FD(epoll_create1(0)), inner = FD(epoll_create1(0)), fd = accepted();
    struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = 3 };
    char bytes[8];
    pthread_t thread;

    add(outer, inner, EPOLLIN, 1);
    add(inner, fd, EPOLLIN, 2);
    wait_and_print(outer, 20);
    pthread_create(&thread, NULL, send_soon, NULL);
    wait_and_print(outer, 2000);
    pthread_join(thread, NULL);
    wait_and_print(outer, 1000);
    wait_and_print(inner, 1000);
    wait_and_print(outer, 1000);
    DO(read(fd, bytes, 8));
    wait_and_print(outer, 20);
    DO(epoll_ctl(inner, EPOLL_CTL_MOD, fd, &event));
    PEER("send 0 2");
    await(fd, POLLIN);
    wait_and_print(outer, 1000);
    wait_and_print(inner, 1000);
    wait_and_print(outer, 20);
    DO(epoll_ctl(inner, EPOLL_CTL_MOD, fd, &event));
    wait_and_print(outer, 1000);
    DO(epoll_ctl(inner, EPOLL_CTL_DEL, fd, NULL));
    wait_and_print(outer, 20);
    add(inner, fd, EPOLLIN, 4);
    wait_and_print(outer, 1000);
    DO(epoll_ctl(outer, EPOLL_CTL_DEL, inner, NULL));
    DO(epoll_ctl(outer, EPOLL_CTL_DEL, inner, NULL));
    wait_and_print(outer, 20);
    add(outer, inner, EPOLLIN, 5);
    wait_and_print(outer, 1000);
    DO(close(inner));
    wait_and_print(outer, 20);
    DO(close(outer));
    DO(close(fd));
    PEER("close 0");
}

static void edge_triggered(void)
{
    int outer = FD(epoll_create1(0)), inner = FD(epoll_create1(0)), fd = accepted();
    char bytes[8];

    add(inner, fd, EPOLLIN, 2);
    add(outer, inner, EPOLLIN | EPOLLET, 1);
    PEER("send 0 2");
    wait_and_print(outer, 1000);
    wait_and_print(outer, 20);
    wait_and_print(inner, 1000);
    wait_and_print(outer, 20);
    PEER("send 0 2");
    wait_and_print(outer, 1000);
    DO(read(fd, bytes, 8));
    wait_and_print(outer, 20);
    DO(close(fd));
    DO(close(inner));
    DO(close(outer));
    PEER("close 0");
}

static void chains_and_loops(void)
{
    int chain[8], fd = accepted();

    for (int i = 0; i < 8; i++)
        chain[i] = epoll_create1(0);
    add(chain[0], fd, EPOLLIN, 0);
    for (int i = 1; i < 8; i++)
        add(chain[i], chain[i - 1], EPOLLIN, (unsigned)i);
    add(chain[0], chain[0], EPOLLIN, 9);
    add(chain[0], chain[3], EPOLLIN, 9);
    add(chain[0], chain[4], EPOLLIN, 9);
    add(chain[2], chain[1], EPOLLIN, 9);
    PEER("send 0 2");
    for (int i = 0; i < 4; i++)
        wait_and_print(chain[i], 1000);
    poll_and_print(chain[3], 1000);
    for (int i = 0; i < 8; i++)
        close(chain[i]);
    DO(close(fd));
    PEER("close 0");
}

const struct scenario nested_scenarios[] = {
    { "an epoll instance in poll and select", in_poll_and_select },
    { "an epoll instance in another", in_another },
    { "an epoll instance in another, edge triggered", edge_triggered },
    { "chains and loops of epoll instances", chains_and_loops },
    { NULL, NULL },
};
