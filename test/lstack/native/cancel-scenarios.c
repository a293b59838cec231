/* Threads that are cancelled while they wait on sockets. */
#include "subject.h"

#include <pthread.h>

enum way { ACCEPT, RECEIVE, SEND, POLL, SELECT, EPOLL };
static const char *const names[] = { "accept", "recv", "send", "poll", "select", "epoll_wait" };

struct task {
    enum way way;
    int fd;
    int type;
    int state;
    volatile int cleaned;
    long result;
};

static void clean(void *argument)
{
    ((struct task *)argument)->cleaned = 1;
}

static long wait_in(enum way way, int fd)
{
    static char bytes[1 << 16];
    struct pollfd entry = { .fd = fd, .events = POLLIN };
    struct epoll_event event = { .events = EPOLLIN };
    fd_set readable;
    long result = 0;
    int epoll;

    switch (way) {
    case ACCEPT:
        return accept(fd, NULL, NULL);
    case RECEIVE:
        return recv(fd, bytes, sizeof(bytes), 0);
    case SEND:
        while (result >= 0)
            result = send(fd, bytes, sizeof(bytes), 0);
        return result;
    case POLL:
        return poll(&entry, 1, -1);
    case SELECT:
        FD_ZERO(&readable);
        FD_SET(fd, &readable);
        return select(fd + 1, &readable, NULL, NULL, NULL);
    case EPOLL:
        epoll = epoll_create1(0);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        result = epoll_wait(epoll, &event, 1, -1);
        close(epoll);
        return result;
    }
    return -1;
}

static void *work(void *argument)
{
    struct task *task = argument;
    int old;

    pthread_setcanceltype(task->type, &old);
    pthread_setcancelstate(task->state, &old);
    pthread_cleanup_push(clean, task);
    long result = wait_in(task->way, task->fd);

    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    pthread_testcancel();
    task->result = result;
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancel_one(enum way way, int fd, int type, int early)
{
    struct task task = { .way = way, .fd = fd, .type = type, .state = PTHREAD_CANCEL_ENABLE };
    pthread_t thread;
    void *result = NULL;

    pthread_create(&thread, NULL, work, &task);
    if (!early)
        milliseconds(30);
    int failed = pthread_cancel(thread);

    pthread_join(thread, &result);
    /* Who is cancelled at once may not have come to what is to be cleaned up. */
    printf("  %s: cancelled %d %d, cleaned up %d\n", names[way], failed, result == PTHREAD_CANCELED,
        early || task.cleaned);
}

static void all_ways(int type, int early)
{
    int port = next_port(), listener = listener_at(port), fd = accepted();
    char bytes[8];

    for (enum way way = ACCEPT; way <= EPOLL; way++)
        if (way != SEND)
            cancel_one(way, way == ACCEPT ? listener : fd, type, early);
    /* Everything still works, and nobody took what comes now. */
    PEER("send 0 5");
    DO(recv(fd, bytes, sizeof(bytes), 0));
    PEER("connect 1 %d", port);
    int other = FD(accept(listener, NULL, NULL));

    cancel_one(SEND, fd, type, 0);
    DO(close(other));
    DO(close(fd));
    DO(close(listener));
    PEER("close 0");
    PEER("close 1");
}

static void deferred(void)
{
    all_ways(PTHREAD_CANCEL_DEFERRED, 0);
}

static void asynchronous(void)
{
    all_ways(PTHREAD_CANCEL_ASYNCHRONOUS, 0);
}

static void at_once(void)
{
    for (int i = 0; i < 5; i++) {
        all_ways(PTHREAD_CANCEL_DEFERRED, 1);
        all_ways(PTHREAD_CANCEL_ASYNCHRONOUS, 1);
    }
}

static void *hurry(void *argument)
{
    int fd = *(int *)argument, old;
    struct sockaddr_in name;
    char byte;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    for (;;) {
        socklen_t size = sizeof(name);

        recv(fd, &byte, 1, MSG_DONTWAIT);
        getsockname(fd, (struct sockaddr *)&name, &size);
        send(fd, &byte, 0, MSG_NOSIGNAL);
    }
    return NULL;
}

/* Wherever a thread is in its calls, it takes no lock along. */
static void at_any_time(void)
{
    int fd = accepted(), ended = 0;
    char bytes[8];

    for (int i = 0; i < 200; i++) {
        struct timespec moment = { 0, i * 1500 };
        pthread_t thread;
        void *result = NULL;

        pthread_create(&thread, NULL, hurry, &fd);
        nanosleep(&moment, NULL);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        ended += result == PTHREAD_CANCELED;
    }
    printf("  ended %d\n", ended);
    PEER("send 0 3");
    DO(recv(fd, bytes, sizeof(bytes), 0));
    DO(send(fd, "", 1, 0));
    PEER("receive 0 1");
    DO(close(fd));
    PEER("close 0");
}

/* Who forbids it goes on waiting, and ends when it allows it again. */
static void forbidden(void)
{
    int fd = accepted();
    struct task task = { .way = RECEIVE, .fd = fd, .state = PTHREAD_CANCEL_DISABLE };
    pthread_t thread;
    void *result = NULL;

    pthread_create(&thread, NULL, work, &task);
    milliseconds(30);
    DO(pthread_cancel(thread));
    milliseconds(30);
    DO(pthread_tryjoin_np(thread, &result) == EBUSY);
    PEER("send 0 3");
    DO(pthread_join(thread, &result));
    printf("  cancelled %d, cleaned up %d\n", result == PTHREAD_CANCELED, task.cleaned);
    DO(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT));
    DO(close(fd));
    PEER("close 0");
}

/* Two wait for the same socket: the one that is left gets what comes. */
static void the_other_goes_on(void)
{
    int fd = accepted();
    struct task tasks[2] = {
        { .way = POLL, .fd = fd, .state = PTHREAD_CANCEL_ENABLE },
        { .way = POLL, .fd = fd, .state = PTHREAD_CANCEL_ENABLE },
    };
    pthread_t threads[2];
    void *result = NULL;

    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, &tasks[i]);
    milliseconds(30);
    DO(pthread_cancel(threads[0]));
    DO(pthread_join(threads[0], &result));
    PEER("send 0 3");
    DO(pthread_join(threads[1], &result));
    printf("  the other came back with %ld\n", tasks[1].result);
    DO(close(fd));
    PEER("close 0");
}

const struct scenario cancel_scenarios[] = {
    { "deferred cancellation", deferred },
    { "asynchronous cancellation", asynchronous },
    { "cancellation at once", at_once },
    { "cancellation at any time", at_any_time },
    { "cancellation that is forbidden", forbidden },
    { "cancellation of one of two", the_other_goes_on },
    { NULL, NULL },
};
