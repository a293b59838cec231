/* Sending and receiving bytes. */
#include "subject.h"

#include <pthread.h>

static void echo_small(void)
{
    int fd = accepted();
    char bytes[64] = { 0 };

    PEER("send 0 10");
    await(fd, POLLIN);
    DO(recv(fd, bytes, 4, MSG_PEEK));
    DO(recv(fd, bytes, 4, 0));
    printf("  right: %d\n", is_filled(bytes, 4, 0));
    DO(ioctl(fd, FIONREAD, &(int){ 0 }));
    DO(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT));
    printf("  right: %d\n", is_filled(bytes, 6, 4));
    DO(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT));
    DO(recv(fd, bytes, 0, MSG_DONTWAIT));
    DO(recv(fd, bytes, 1, MSG_OOB));
    fill(bytes, sizeof(bytes), 0);
    DO(send(fd, bytes, sizeof(bytes), 0));
    PEER("receive 0 64");
    DO(send(fd, bytes, 0, 0));
    DO(close(fd));
    PEER("close 0");
}

static void gather_and_scatter(void)
{
    int fd = accepted();
    char bytes[300];
    struct iovec pieces[4] = { { bytes, 100 }, { bytes + 100, 0 }, { bytes + 100, 57 },
        { bytes + 157, 143 } };
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 4 };

    fill(bytes, sizeof(bytes), 0);
    DO(writev(fd, pieces, 4));
    PEER("receive 0 300");
    DO(sendmsg(fd, &message, 0));
    PEER("receive 0 300");
    PEER("send 0 300");
    milliseconds(50);
    memset(bytes, 0, sizeof(bytes));
    DO(readv(fd, pieces, 4));
    printf("  right: %d\n", is_filled(bytes, sizeof(bytes), 0));
    PEER("send 0 200");
    milliseconds(50);
    DO(recvmsg(fd, &message, 0));
    printf("  right: %d, flags %x\n", is_filled(bytes, 200, 0), message.msg_flags);
    DO(writev(fd, pieces, -1));
    DO(writev(fd, pieces, 2000));
    DO(close(fd));
    PEER("close 0");
}

static void wait_all(void)
{
    static char bytes[300000];
    int fd = accepted();

    PEER("buffer 0 1000000");
    PEER("send 0 200000");
    DO(recv(fd, bytes, 200000, MSG_WAITALL));
    printf("  right: %d\n", is_filled(bytes, 200000, 0));
    PEER("send 0 1000");
    PEER("shutdown 0 1");
    DO(recv(fd, bytes, sizeof(bytes), MSG_WAITALL));
    DO(recv(fd, bytes, sizeof(bytes), MSG_WAITALL));
    DO(close(fd));
    PEER("close 0");
}

static void throw_away(void)
{
    int fd = accepted();
    char bytes[100];

    PEER("send 0 100");
    milliseconds(50);
    DO(recv(fd, NULL, 60, MSG_TRUNC));
    DO(recv(fd, bytes, sizeof(bytes), 0));
    printf("  right: %d\n", is_filled(bytes, 40, 60));
    DO(close(fd));
    PEER("close 0");
}

static void *send_all(void *argument)
{
    static char bytes[4 << 20];
    int fd = *(int *)argument;
    size_t done = 0;

    fill(bytes, sizeof(bytes), 0);
    while (done < sizeof(bytes)) {
        ssize_t part = send(fd, bytes + done, sizeof(bytes) - done, 0);

        if (part <= 0)
            break;
        /* The peer starts its pattern anew with each command. */
        done += (size_t)part;
    }
    return NULL;
}

static void bulk_out(void)
{
    int fd = connected();
    pthread_t thread;

    pthread_create(&thread, NULL, send_all, &fd);
    PEER("receive 0 4194304");
    pthread_join(thread, NULL);
    DO(close(fd));
    PEER("end 0");
    PEER("close 0");
}

static void *ask_peer(void *argument)
{
    *(long *)argument = peer("send 0 4194304");
    return NULL;
}

static void bulk_in(void)
{
    static char bytes[65536];
    int fd = accepted();
    pthread_t thread;
    long sent = 0, done = 0, right = 1;

    pthread_create(&thread, NULL, ask_peer, &sent);
    while (done < 4194304) {
        long part = read(fd, bytes, sizeof(bytes));

        if (part <= 0)
            break;
        right = right && is_filled(bytes, (size_t)part, (size_t)done);
        done += part;
    }
    pthread_join(thread, NULL);
    printf("  sent %ld received %ld right %ld\n", sent, done, right);
    DO(close(fd));
    PEER("close 0");
}

static void send_until_full(void)
{
    static char bytes[65536];
    int fd = connected();
    long total = 0, part;

    PEER("buffer 0 65536");
    DO(fcntl(fd, F_SETFL, O_NONBLOCK));
    while ((part = send(fd, bytes, sizeof(bytes), 0)) > 0)
        total += part;
    printf("  full: %s, more than 64 KB %d\n", name_of(errno), total > 65536);
    milliseconds(100);
    while ((part = send(fd, bytes, sizeof(bytes), 0)) > 0)
        total += part;
    events_of(fd, POLLIN | POLLOUT);
    DO(send(fd, bytes, 10, MSG_DONTWAIT));
    DO(close(fd));
    PEER("close 0");
}

static void time_limits(void)
{
    struct timeval limit = { 0, 100000 }, got = { 0 };
    socklen_t size = sizeof(got);
    int port = next_port(), fd = accepted(), listener = listener_at(port);
    char byte;

    DO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
    DO(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &size));
    printf("  limit %ld.%06ld size %u\n", (long)got.tv_sec, (long)got.tv_usec, size);
    DO(recv(fd, &byte, 1, 0));
    DO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, 4));
    limit.tv_usec = 2000000;
    DO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
    limit.tv_usec = 50000;
    DO(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
    DO(accept(listener, NULL, NULL));
    DO(close(listener));
    DO(close(fd));
    PEER("close 0");
}

static volatile int caught;

static void on_alarm(int number)
{
    (void)number;
    caught++;
}

static void alarm_in(int ms)
{
    struct timespec time = { 0, ms * 1000000l };
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    struct itimerspec once = { .it_value = time };

    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &once, NULL);
}

static void signals(void)
{
    struct sigaction action = { .sa_handler = on_alarm }, old;
    int fd = accepted();
    char bytes[8];

    caught = 0;
    DO(sigaction(SIGALRM, &action, &old));
    printf("  was the default: %d\n", old.sa_handler == SIG_DFL);
    alarm_in(50);
    DO(recv(fd, bytes, sizeof(bytes), 0));
    printf("  caught %d\n", caught);
    alarm_in(50);
    DO(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1000));
    printf("  caught %d\n", caught);
    action.sa_flags = SA_RESTART;
    DO(sigaction(SIGALRM, &action, &old));
    printf("  was ours: %d, flags %x\n", old.sa_handler == on_alarm, old.sa_flags & SA_RESTART);
    alarm_in(50);
    DO(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1000));
    printf("  caught %d\n", caught);
    struct timeval limit = { 0, 200000 };

    DO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
    alarm_in(50);
    DO(recv(fd, bytes, sizeof(bytes), 0));
    printf("  caught %d\n", caught);
    DO(signal(SIGALRM, SIG_DFL) == on_alarm);
    DO(close(fd));
    PEER("close 0");
}

static void *tell_peer(void *argument)
{
    milliseconds(150);
    *(long *)argument = peer("send 0 4");
    return NULL;
}

static void restarted(void)
{
    struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
    int fd = accepted();
    char bytes[8];
    pthread_t thread;
    long sent;

    caught = 0;
    sigaction(SIGALRM, &action, NULL);
    alarm_in(50);
    pthread_create(&thread, NULL, tell_peer, &sent);
    DO(recv(fd, bytes, sizeof(bytes), 0));
    pthread_join(thread, NULL);
    printf("  caught %d\n", caught);
    signal(SIGALRM, SIG_DFL);
    DO(close(fd));
    PEER("close 0");
}

static void broken_pipe(void)
{
    struct sigaction action = { .sa_handler = on_alarm };
    int fd = accepted();

    caught = 0;
    sigaction(SIGPIPE, &action, NULL);
    shutdown(fd, SHUT_WR);
    DO(write(fd, "x", 1));
    printf("  caught %d\n", caught);
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    printf("  caught %d\n", caught);
    signal(SIGPIPE, SIG_IGN);
    DO(close(fd));
    PEER("close 0");
}

const struct scenario stream_scenarios[] = {
    { "echo small", echo_small },
    { "gather and scatter", gather_and_scatter },
    { "wait for all", wait_all },
    { "throw away", throw_away },
    { "bulk out", bulk_out },
    { "bulk in", bulk_in },
    { "send until full", send_until_full },
    { "time limits", time_limits },
    { "signals", signals },
    { "restarted", restarted },
    { "broken pipe", broken_pipe },
    { NULL, NULL },
};
