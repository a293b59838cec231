/* Descriptors that one thread closes while another waits by them: the wait goes on. */
#include "subject.h"

#include <pthread.h>

/* More than both ends' buffers take. */
#define MUCH (32 << 20)

enum way { ACCEPT, RECEIVE, SEND, EPOLL, POLL, DATAGRAM };

struct task {
    enum way way;
    int fd;
    long result;
    int error;
    /* It slept: a wait takes no processor time worth mentioning. */
    bool idle;
};

static char bytes[MUCH];

static long wait_in(const struct task *task)
{
    struct pollfd entry = { .fd = task->fd, .events = POLLIN };
    struct epoll_event event;

    switch (task->way) {
    case ACCEPT:
        return accept(task->fd, NULL, NULL);
    case RECEIVE:
        return recv(task->fd, bytes, sizeof(bytes), 0);
    case SEND:
        return send(task->fd, bytes, sizeof(bytes), 0);
    case EPOLL:
        return epoll_wait(task->fd, &event, 1, 3000);
    case POLL:
        return poll(&entry, 1, 3000) <= 0 ? -1 : entry.revents;
    case DATAGRAM:
        return recv(task->fd, bytes, 100, 0);
    }
    return -1;
}

static void *work(void *argument)
{
    struct task *task = argument;
    struct timespec spent;

    task->result = wait_in(task);
    task->error = errno;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    task->idle = spent.tv_sec == 0 && spent.tv_nsec < 100000000;
    return NULL;
}

static pthread_t begin(struct task *task)
{
    pthread_t thread;

    pthread_create(&thread, NULL, work, task);
    milliseconds(50);
    return thread;
}

/* After the descriptor was closed and what the thread waits for has come; answers the call's result. */
static long finish(struct task *task, pthread_t thread)
{
    pthread_join(thread, NULL);
    bool descriptor = task->way == ACCEPT && task->result >= 0;

    printf("  %ld %s, idle %d\n", descriptor ? 0 : task->result,
        task->result < 0 ? name_of(task->error) : "", task->idle);
    return task->result;
}

static void in_recv(void)
{
    int fd = accepted();
    struct task task = { .way = RECEIVE, .fd = fd };
    pthread_t thread = begin(&task);

    DO(close(fd));
    milliseconds(200);
    PEER("send 0 5");
    finish(&task, thread);
    /* Only now is it closed. */
    PEER("end 0");
    DO(close(fd));
    PEER("close 0");
}

static void in_recv_replaced(void)
{
    int fd = accepted(), other = socket(AF_INET, SOCK_STREAM, 0);
    struct task task = { .way = RECEIVE, .fd = fd };
    pthread_t thread = begin(&task);

    DO(dup2(other, fd) == fd);
    milliseconds(50);
    PEER("send 0 5");
    finish(&task, thread);
    PEER("end 0");
    DO(close(fd));
    DO(close(other));
    PEER("close 0");
}

static void in_send(void)
{
    int fd = accepted();
    struct task task = { .way = SEND, .fd = fd };

    fill(bytes, sizeof(bytes), 0);
    pthread_t thread = begin(&task);

    DO(close(fd));
    milliseconds(50);
    PEER("receive 0 %d", MUCH);
    finish(&task, thread);
    PEER("end 0");
    PEER("close 0");
}

static void in_accept(int every)
{
    int port = next_port(), fd = every ? socket(AF_INET, SOCK_STREAM, 0) : listener_at(port);
    struct sockaddr_in address = any(port);

    if (every && (bind(fd, ADDRESS(address)) != 0 || listen(fd, 8) != 0))
        printf("  listener: %s\n", name_of(errno));
    struct task task = { .way = ACCEPT, .fd = fd };
    pthread_t thread = begin(&task);

    DO(close(fd));
    milliseconds(200);
    PEER("connect 0 %d", port);
    int made = (int)finish(&task, thread);

    PEER("connect 1 %d", port);
    DO(close(made));
    PEER("close 0");
}

static void in_accept_here(void)
{
    in_accept(0);
}

static void in_accept_anywhere(void)
{
    in_accept(1);
}

static void in_epoll(int duplicate)
{
    int fd = accepted(), epoll = epoll_create1(0), pipes[2];
    struct epoll_event event = { .events = EPOLLIN };

    /* The kernel's half of the instance has to do with it too. */
    DO(pipe(pipes));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    struct task task = { .way = EPOLL, .fd = epoll };
    int other = duplicate ? dup(epoll) : -1;
    pthread_t thread = begin(&task);

    DO(close(epoll));
    milliseconds(300);
    if (duplicate)
        DO(write(pipes[1], "x", 1));
    else
        PEER("send 0 5");
    finish(&task, thread);
    if (duplicate) {
        DO(epoll_wait(other, &event, 1, 1000));
        PEER("send 0 5");
        await(fd, POLLIN);
        DO(epoll_ctl(other, EPOLL_CTL_DEL, pipes[0], NULL));
        DO(epoll_wait(other, &event, 1, 1000));
        DO(close(other));
    }
    DO(close(pipes[0]));
    DO(close(pipes[1]));
    DO(close(fd));
    PEER("close 0");
}

static void in_epoll_wait(void)
{
    in_epoll(0);
}

static void in_epoll_wait_of_two(void)
{
    in_epoll(1);
}

static void in_poll(void)
{
    int fd = accepted();
    struct task task = { .way = POLL, .fd = fd };
    pthread_t thread = begin(&task);

    DO(close(fd));
    milliseconds(200);
    PEER("send 0 5");
    finish(&task, thread);
    /* Only now is it closed, with data that nobody read. */
    PEER("end 0");
    PEER("close 0");
}

/* A listener of both sides, whose kernel's half is polled by a number that is not its own any more. */
static void in_poll_anywhere(void)
{
    int number = next_port(), fd = socket(AF_INET, SOCK_STREAM, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = any(number), here = any(number);

    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    DO(bind(fd, ADDRESS(address)));
    DO(listen(fd, 8));
    struct task task = { .way = POLL, .fd = fd };
    pthread_t thread = begin(&task);

    DO(close(fd));
    milliseconds(200);
    DO(connect(client, ADDRESS(here)));
    finish(&task, thread);
    DO(close(client));
}

/* A datagram socket of both sides becomes the kernel's while a thread waits for the stack's half too. */
static void connected_in_recv(void)
{
    int number = next_port(), fd = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = any(number), from = any(next_port()), to = any(number);

    from.sin_addr.s_addr = to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    DO(bind(fd, ADDRESS(address)));
    DO(bind(sender, ADDRESS(from)));
    struct task task = { .way = DATAGRAM, .fd = fd };
    pthread_t thread = begin(&task);

    DO(connect(fd, ADDRESS(from)));
    milliseconds(200);
    DO(sendto(sender, "hello", 5, 0, ADDRESS(to)));
    finish(&task, thread);
    DO(fcntl(fd, F_GETFL) & O_NONBLOCK);
    DO(close(sender));
    DO(close(fd));
}

const struct scenario closing_scenarios[] = {
    { "closed while another polls", in_poll },
    { "closed while another polls at any address", in_poll_anywhere },
    { "connected to the kernel while another receives", connected_in_recv },
    { "closed while another receives", in_recv },
    { "replaced while another receives", in_recv_replaced },
    { "closed while another sends", in_send },
    { "closed while another accepts", in_accept_here },
    { "closed while another accepts at any address", in_accept_anywhere },
    { "closed while another waits for events", in_epoll_wait },
    { "closed one of two while another waits for events", in_epoll_wait_of_two },
    { NULL, NULL },
};
