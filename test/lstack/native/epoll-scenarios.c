/* epoll, poll and select. */
#include "subject.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

/* Waits at most `ms` and prints what came, by the data of each event. */
static int wait_and_print(int epoll, int most, int ms)
{
    struct epoll_event events[8];
    int count = epoll_wait(epoll, events, most, ms);

    printf("  epoll_wait -> %d %s\n", count, count < 0 ? name_of(errno) : "");
    for (int i = 0; i < count; i++)
        printf("    %llu: %s\n", (unsigned long long)events[i].data.u64, events_text(events[i].events));
    return count;
}

static struct epoll_event event(unsigned wanted, unsigned long long data)
{
    return (struct epoll_event){ .events = wanted, .data.u64 = data };
}

static void level(void)
{
    int epoll = FD(epoll_create1(EPOLL_CLOEXEC)), fd = accepted();
    struct epoll_event wanted = event(EPOLLIN, 7);
    char bytes[8];

    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
    wait_and_print(epoll, 8, 0);
    PEER("send 0 6");
    wait_and_print(epoll, 8, 1000);
    wait_and_print(epoll, 8, 1000);
    DO(read(fd, bytes, 3));
    wait_and_print(epoll, 8, 1000);
    DO(read(fd, bytes, 3));
    wait_and_print(epoll, 8, 30);
    wanted = event(EPOLLOUT | EPOLLRDHUP, 8);
    DO(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &wanted));
    wait_and_print(epoll, 8, 1000);
    PEER("shutdown 0 1");
    await(fd, POLLRDHUP);
    wait_and_print(epoll, 8, 1000);
    DO(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL));
    DO(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL));
    DO(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &wanted));
    wait_and_print(epoll, 8, 0);
    DO(close(fd));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
    DO(close(epoll));
    PEER("close 0");
}

static void edge(void)
{
    int epoll = FD(epoll_create(1)), fd = accepted();
    struct epoll_event wanted = event(EPOLLIN | EPOLLOUT | EPOLLET, 1);
    char bytes[8];

    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
    wait_and_print(epoll, 8, 1000);
    wait_and_print(epoll, 8, 30);
    PEER("send 0 4");
    wait_and_print(epoll, 8, 1000);
    DO(read(fd, bytes, 2));
    wait_and_print(epoll, 8, 30);
    PEER("send 0 4");
    wait_and_print(epoll, 8, 1000);
    PEER("close 0");
    wait_and_print(epoll, 8, 1000);
    wait_and_print(epoll, 8, 30);
    DO(close(fd));
    wait_and_print(epoll, 8, 0);
    DO(close(epoll));
}

static void one_shot(void)
{
    int epoll = FD(epoll_create1(0)), fd = accepted();
    struct epoll_event wanted = event(EPOLLIN | EPOLLONESHOT, 1);

    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
    PEER("send 0 4");
    wait_and_print(epoll, 8, 1000);
    wait_and_print(epoll, 8, 30);
    DO(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &wanted));
    wait_and_print(epoll, 8, 1000);
    DO(close(fd));
    DO(close(epoll));
    PEER("close 0");
}

static void before_connect(void)
{
    int port = next_port(), epoll = FD(epoll_create1(0)),
        fd = FD(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    struct epoll_event wanted = event(EPOLLIN | EPOLLOUT, 5);
    struct sockaddr_in address = other(port);

    PEER("listen 1 %d", port);
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
    wait_and_print(epoll, 8, 0);
    DO(connect(fd, ADDRESS(address)));
    await(fd, POLLOUT);
    wait_and_print(epoll, 8, 1000);
    PEER("accept 0 1");
    PEER("send 0 1");
    await(fd, POLLIN);
    wait_and_print(epoll, 8, 1000);
    DO(close(fd));
    wait_and_print(epoll, 8, 0);
    DO(close(epoll));
    PEER("close 0");
    PEER("close 1");
}

static void with_kernel_descriptors(void)
{
    int epoll = FD(epoll_create1(0)), fd = accepted(), counter = eventfd(0, EFD_NONBLOCK), pipes[2];
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec soon = { .it_value = { 0, 30000000 } };
    struct epoll_event wanted;
    uint64_t one = 1;

    DO(pipe(pipes));
    wanted = event(EPOLLIN, 1);
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
    wanted = event(EPOLLIN, 2);
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &wanted));
    wanted = event(EPOLLIN, 3);
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &wanted));
    wanted = event(EPOLLIN, 4);
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &wanted));
    wait_and_print(epoll, 8, 30);
    DO(write(counter, &one, 8));
    wait_and_print(epoll, 8, 1000);
    DO(read(counter, &one, 8));
    DO(timerfd_settime(timer, 0, &soon, NULL));
    wait_and_print(epoll, 8, 1000);
    DO(close(timer));
    DO(write(pipes[1], "x", 1));
    wait_and_print(epoll, 8, 1000);
    PEER("send 0 1");
    await(fd, POLLIN);
    int seen = 0;

    for (int i = 0; i < 20; i++) {
        struct epoll_event events[1];

        if (epoll_wait(epoll, events, 1, 1000) == 1)
            seen |= 1 << events[0].data.u64;
    }
    printf("  both were seen one at a time: %d\n", seen == ((1 << 1) | (1 << 3)));
    DO(close(pipes[0]));
    DO(close(pipes[1]));
    DO(close(counter));
    DO(close(fd));
    DO(close(epoll));
    PEER("close 0");
}

static void errors_of_epoll(void)
{
    int epoll = FD(epoll_create1(0)), fd = accepted();
    struct epoll_event events[2], wanted = event(EPOLLIN, 1);

    DO(epoll_wait(epoll, events, 0, 0));
    DO(epoll_wait(epoll, events, -1, 0));
    DO(epoll_wait(fd, events, 1, 0));
    DO(epoll_ctl(fd, EPOLL_CTL_ADD, epoll, &wanted));
    DO(epoll_ctl(epoll, 17, fd, &wanted));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &wanted));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, 9999, &wanted));
    DO(epoll_create(0));
    DO(epoll_create1(77));
    DO(close(fd));
    DO(close(epoll));
    PEER("close 0");
}

static void two_in_one_poll(void)
{
    int one = accepted(), pipes[2];

    DO(pipe(pipes));
    struct pollfd list[4] = {
        { .fd = one, .events = POLLIN | POLLOUT },
        { .fd = -1, .events = POLLIN },
        { .fd = pipes[0], .events = POLLIN },
        { .fd = 9999, .events = POLLIN },
    };

    DO(poll(list, 3, 1000));
    for (int i = 0; i < 3; i++)
        printf("    %s\n", events_text((unsigned)list[i].revents));
    list[0].events = POLLIN;
    DO(poll(list, 3, 30));
    DO(write(pipes[1], "x", 1));
    DO(poll(list, 3, 1000));
    PEER("send 0 1");
    await(one, POLLIN);
    DO(poll(list, 4, 1000));
    for (int i = 0; i < 4; i++)
        printf("    %s\n", events_text((unsigned)list[i].revents));
    DO(ppoll(list, 1, &(struct timespec){ 0, 1000 }, NULL));
    list[1] = list[0];
    DO(poll(list, 2, 0));
    DO(close(one));
    DO(close(pipes[0]));
    DO(close(pipes[1]));
    PEER("close 0");
}

static void with_select(void)
{
    int fd = accepted();
    struct timeval limit = { 0, 30000 };
    fd_set readable, writable, odd;

    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_ZERO(&odd);
    FD_SET(fd, &readable);
    DO(select(fd + 1, &readable, NULL, NULL, &limit));
    printf("  left %d, readable %d\n", limit.tv_usec != 0, FD_ISSET(fd, &readable));
    FD_SET(fd, &readable);
    FD_SET(fd, &writable);
    FD_SET(fd, &odd);
    PEER("send 0 1");
    await(fd, POLLIN);
    DO(select(fd + 1, &readable, &writable, &odd, NULL));
    printf("  readable %d writable %d odd %d\n", FD_ISSET(fd, &readable), FD_ISSET(fd, &writable),
        FD_ISSET(fd, &odd));
    DO(pselect(fd + 1, &readable, NULL, NULL, &(struct timespec){ 0, 1000 }, NULL));
    FD_SET(fd + 1, &readable);
    DO(select(fd + 2, &readable, NULL, NULL, &limit));
    DO(close(fd));
    PEER("close 0");
}

static void any_address(void)
{
    int port = next_port(), listener = FD(socket(AF_INET, SOCK_STREAM, 0)), epoll = epoll_create1(0);
    struct sockaddr_in address = any(port), here = any(port), name;
    struct epoll_event wanted = event(EPOLLIN, 1);
    socklen_t size = sizeof(name);

    DO(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)));
    DO(bind(listener, ADDRESS(address)));
    DO(listen(listener, 8));
    DO(fcntl(listener, F_SETFL, O_NONBLOCK));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted));
    wait_and_print(epoll, 1, 30);
    PEER("connect 0 %d", port);
    wait_and_print(epoll, 1, 1000);
    int fd = FD(accept(listener, NULL, NULL));

    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = FD(socket(AF_INET, SOCK_STREAM, 0));

    DO(connect(client, ADDRESS(here)));
    wait_and_print(epoll, 1, 1000);
    int local = FD(accept(listener, (struct sockaddr *)&name, &size));

    printf("  from loopback: %d\n", name.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    DO(write(client, "abc", 3));
    DO(read(local, &name, 3));
    DO(accept(listener, NULL, NULL));
    DO(write(fd, "abc", 3));
    DO(close(local));
    DO(close(client));
    DO(close(listener));
    wait_and_print(epoll, 1, 0);
    DO(close(fd));
    DO(close(epoll));
    PEER("end 0");
    PEER("close 0");
}

const struct scenario epoll_scenarios[] = {
    { "level triggered", level },
    { "edge triggered", edge },
    { "one shot", one_shot },
    { "epoll before connect", before_connect },
    { "epoll with kernel descriptors", with_kernel_descriptors },
    { "errors of epoll", errors_of_epoll },
    { "poll", two_in_one_poll },
    { "select", with_select },
    { "any address", any_address },
    { NULL, NULL },
};
