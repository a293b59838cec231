/*
 * A program whose stack is damaged from outside while one thread waits in epoll and another in recv:
 *   damage ADDRESS PORT
 * Prints what its calls answer. Its own faults go to its own handler, before and after.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static sigjmp_buf back;

static void on_fault(int number, siginfo_t *information, void *context)
{
    (void)context;
    siglongjmp(back, number == SIGSEGV && information->si_addr == (void *)16 ? 1 : 2);
}

static void own_fault(void)
{
    volatile int *wild = (volatile int *)16;
    int result = sigsetjmp(back, 1);

    if (result == 0)
        *wild = 1;
    printf("own fault reached the handler: %d\n", result == 1);
}

static void say(const char *what, long result)
{
    printf("%s -> %ld %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
}

static void *reader(void *argument)
{
    char byte;

    say("blocked recv", recv(*(int *)argument, &byte, 1, 0));
    return NULL;
}

int main(int count, char **arguments)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    struct epoll_event event = { .events = EPOLLIN };
    int epoll = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, waited, blocked;
    pthread_t thread;
    char byte;

    if (count < 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    inet_pton(AF_INET, arguments[1], &address.sin_addr);
    address.sin_port = htons((uint16_t)atoi(arguments[2]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 8) != 0)
        return 1;
    sigaction(SIGSEGV, &action, NULL);
    own_fault();
    puts("ready");
    waited = accept(listener, NULL, NULL);
    blocked = accept(listener, NULL, NULL);
    epoll_ctl(epoll, EPOLL_CTL_ADD, waited, &event);
    pthread_create(&thread, NULL, reader, &blocked);
    usleep(100000);
    puts("waiting");
    say("epoll_wait", epoll_wait(epoll, &event, 1, 5000));
    printf("hang-up: %d\n", (event.events & EPOLLHUP) != 0);
    say("recv", recv(waited, &byte, 1, 0));
    say("send", send(waited, "x", 1, MSG_NOSIGNAL));
    pthread_join(thread, NULL);
    say("accept", accept(listener, NULL, NULL));
    say("close", close(waited));
    own_fault();
    say("new socket", socket(AF_INET, SOCK_STREAM, 0) >= 0);
    return 0;
}
