/*
 * Hand-overs between threads through the stack, with a kernel that echoes at the other end:
 *   handover echo ADDRESS PORT
 *   handover run ADDRESS PORT THREADS ROUNDS
 * Each of THREADS threads sends a byte on a connection that one epoll thread watches; that thread answers on
 * a second connection, on which the sender sleeps in recv. A lost wake-up leaves both asleep: the run ends
 * with status 1 when nothing moves for five seconds.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS_MOST 64
#define PATIENCE_SECONDS 5

static struct sockaddr_in server;
static long rounds;
static int threads, calls[THREADS_MOST], answers[THREADS_MOST];
static _Atomic long done;
static _Atomic int finished;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

__attribute__((noreturn)) static void echo(void)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), one = 1;
    struct epoll_event events[64], wanted = { .events = EPOLLIN, .data.fd = listener };
    char bytes[4096];

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&server, sizeof(server)) != 0 || listen(listener, 128) != 0)
        fail("listen");
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(epoll, events, 64, -1);

        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;

            if (fd == listener) {
                wanted.data.fd = accept(listener, NULL, NULL);
                setsockopt(wanted.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
                epoll_ctl(epoll, EPOLL_CTL_ADD, wanted.data.fd, &wanted);
                continue;
            }
            ssize_t got = read(fd, bytes, sizeof(bytes));

            if (got <= 0 || write(fd, bytes, (size_t)got) != got)
                close(fd);
        }
    }
}

static int connection(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    if (connect(fd, (struct sockaddr *)&server, sizeof(server)) != 0)
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void *sender(void *argument)
{
    long index = (long)argument;
    char byte = (char)index;

    for (long i = 0; i < rounds; i++) {
        if (send(calls[index], &byte, 1, 0) != 1 || recv(answers[index], &byte, 1, 0) != 1)
            fail("sender");
        atomic_fetch_add(&done, 1);
    }
    atomic_fetch_add(&finished, 1);
    return NULL;
}

static void *watcher(void *argument)
{
    int epoll = epoll_create1(0);
    struct epoll_event events[16];
    char bytes[64];

    (void)argument;
    for (int i = 0; i < threads; i++) {
        struct epoll_event wanted = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

        epoll_ctl(epoll, EPOLL_CTL_ADD, calls[i], &wanted);
    }
    for (;;) {
        int count = epoll_wait(epoll, events, 16, -1);

        for (int i = 0; i < count; i++) {
            uint32_t index = events[i].data.u32;
            ssize_t got = recv(calls[index], bytes, sizeof(bytes), MSG_DONTWAIT);

            if (got > 0 && send(answers[index], bytes, (size_t)got, 0) != got)
                fail("watcher");
        }
    }
    return NULL;
}

static int run(void)
{
    pthread_t thread;
    long seen = -1;

    for (int i = 0; i < threads; i++) {
        calls[i] = connection();
        answers[i] = connection();
    }
    pthread_create(&thread, NULL, watcher, NULL);
    for (long i = 0; i < threads; i++)
        pthread_create(&thread, NULL, sender, (void *)i);
    for (int quiet = 0; atomic_load(&finished) < threads; quiet++) {
        long now = atomic_load(&done);

        if (now != seen)
            quiet = 0;
        seen = now;
        if (quiet >= PATIENCE_SECONDS * 10) {
            printf("stuck after %ld of %ld rounds\n", now, rounds * threads);
            fflush(stdout);
            _exit(1);
        }
        usleep(100000);
    }
    printf("%ld hand-overs\n", 2 * atomic_load(&done));
    fflush(stdout);
    exit(0);
}

int main(int count, char **arguments)
{
    if (count < 4)
        return 2;
    server.sin_family = AF_INET;
    inet_pton(AF_INET, arguments[2], &server.sin_addr);
    server.sin_port = htons((uint16_t)atoi(arguments[3]));
    if (strcmp(arguments[1], "echo") == 0)
        echo();
    if (count < 6 || atoi(arguments[4]) > THREADS_MOST)
        return 2;
    threads = atoi(arguments[4]);
    rounds = atol(arguments[5]);
    return run();
}
