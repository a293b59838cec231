/*
 * What scenarios share: they print each call with its result, so that two runs can be compared line by line.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

/* Prints the call and its result. */
#define DO(call)                                                                        \
    ({                                                                                  \
        errno = 0;                                                                      \
        long result_ = (long)(call);                                                    \
        printf("  %s -> %ld %s\n", #call, result_, result_ < 0 ? name_of(errno) : "");  \
        result_;                                                                        \
    })
/* The same for calls that answer a descriptor: its number is of no interest. */
#define FD(call)                                                                        \
    ({                                                                                  \
        errno = 0;                                                                      \
        int fd_ = (int)(call);                                                          \
        printf("  %s -> %s\n", #call, fd_ >= 0 ? "descriptor" : name_of(errno));        \
        fd_;                                                                            \
    })
/* A peer's command, which must do the same in both runs too. */
#define PEER(...)                                       \
    ({                                                  \
        long result_ = peer(__VA_ARGS__);               \
        printf("  peer(%s) -> %ld\n", #__VA_ARGS__, result_); \
        result_;                                        \
    })

const char *name_of(int error);
/* An address of the subject's own interface, or the peer's; of any. */
struct sockaddr_in own(int port);
struct sockaddr_in other(int port);
struct sockaddr_in any(int port);
#define ADDRESS(address) (struct sockaddr *)&(address), sizeof(address)

/* A port that no scenario used before. */
int next_port(void);
/* A listener on `port` of our own address. */
int listener_at(int port);
/* A connected pair: the descriptor of our end; the peer's end is in its slot 0. */
int accepted(void);
int connected(void);
/* Waits until poll says so, or a second passed; prints and answers the events. */
int events_of(int fd, int wanted);
/* Waits until the events that poll shows include all of `wanted`. */
void await(int fd, int wanted);
void milliseconds(int count);
/* Fills with the pattern that the peer checks. */
void fill(char *bytes, size_t count, size_t start);
bool is_filled(const char *bytes, size_t count, size_t start);
/* "IN|OUT|..." */
const char *events_text(unsigned events);

struct scenario {
    const char *name;
    void (*run)(void);
};

extern const struct scenario connection_scenarios[], stream_scenarios[], epoll_scenarios[],
    nested_scenarios[], option_scenarios[], datagram_scenarios[], control_scenarios[],
    descriptor_scenarios[], closing_scenarios[], fault_scenarios[], cancel_scenarios[];

#endif
