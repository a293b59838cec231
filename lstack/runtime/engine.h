/*
 * What liblstack.so (which interposes libc's names) and liblstack-engine.so (which has the stack) know of
 * each other. All calls answer a result >= 0 or -errno; GZ_KERNEL means that the call is libc's to make.
 */
#ifndef GZ_ENGINE_H
#define GZ_ENGINE_H

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

#define GZ_KERNEL LONG_MIN
/* No time limit, for waits in nanoseconds. */
#define GZ_FOREVER (-1)

/* What a descriptor is to us; one byte for each possible number. */
enum gz_kind {
    GZ_KIND_NONE,
    GZ_KIND_SOCKET,
    GZ_KIND_EPOLL,
    /* The engine's own: an application that closes what it did not open must not hit it. */
    GZ_KIND_INTERNAL,
};

struct gz_engine {
    const uint8_t *kinds;
    uint32_t limit;

    long (*socket)(int domain, int type, int protocol);
    long (*bind)(int fd, const struct sockaddr *address, socklen_t length);
    long (*listen)(int fd, int backlog);
    long (*accept)(int fd, struct sockaddr *address, socklen_t *length, int flags);
    long (*connect)(int fd, const struct sockaddr *address, socklen_t length);
    long (*shutdown)(int fd, int how);
    long (*name)(int fd, struct sockaddr *address, socklen_t *length, int peer);
    long (*option_get)(int fd, int level, int name, void *value, socklen_t *length);
    long (*option_set)(int fd, int level, int name, const void *value, socklen_t length);
    long (*send)(int fd, const struct msghdr *message, int flags);
    long (*receive)(int fd, struct msghdr *message, int flags);

    long (*close)(int fd);
    /*
     * `least` >= 0: the first free number from there (F_DUPFD); else `target` (dup2, dup3). flags: O_CLOEXEC.
     */
    long (*duplicate)(int fd, int target, int least, int flags);
    long (*control)(int fd, int command, long argument);
    long (*ioctl)(int fd, unsigned long request, void *argument);
    /* The kernel gave the application this number: whatever we knew of it is over. */
    void (*forget)(int fd);

    long (*epoll_create)(int flags);
    long (*epoll_ctl)(int epoll, int operation, int fd, struct epoll_event *event);
    long (*epoll_wait)(
        int epoll, struct epoll_event *events, int most, int64_t timeout, const sigset_t *mask);
    long (*poll)(struct pollfd *list, nfds_t count, int64_t timeout, const sigset_t *mask);

    long (*action)(int signal, const struct sigaction *set, struct sigaction *old);
    int (*create)(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
    int (*cancel)(pthread_t thread);
    void (*fork_prepare)(void);
    void (*fork_parent)(pid_t child);
    void (*fork_child)(void);
};

/*
 * The only symbol of liblstack-engine.so: reads the configuration, answers the calls or does not come back.
 */
typedef const struct gz_engine *gz_engine_open_function(void);
#define GZ_ENGINE_OPEN "gz_engine_open"

#endif
