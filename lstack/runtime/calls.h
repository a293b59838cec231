/* The calls of struct gz_engine, by the file that has them. */
#ifndef GZ_CALLS_H
#define GZ_CALLS_H

#include <errno.h>
#include <pthread.h>

#include "engine.h"
#include "files.h"

/* A signal interrupted the call and it has to be made again: never leaves the engine. */
#define GZ_RESTART 512

/*
 * A blocking call as the engine offers it: made again after a signal whose handler wants that, and a place
 * where the thread may be cancelled, before it or while it waits.
 */
#define GZ_RESTARTING(call)                 \
    long result;                            \
    do {                                    \
        pthread_testcancel();               \
        result = (call);                    \
    } while (result == -GZ_RESTART);        \
    if (result == -EINTR)                   \
        pthread_testcancel();               \
    return result

/* sockets.c */
/* The stack's half of what `fd` names, or NULL: the call is the kernel's. */
struct gz_file *gz_socket_at(int fd);
/* The same for calls that only the descriptor matters to: a child may make them before it runs a program. */
struct gz_file *gz_socket_named(int fd);
/* A STACK or BOTH socket can be used: 0, or the error that the call answers. */
long gz_ready_to_use(const struct gz_file *file);
long gz_socket(int domain, int type, int protocol);
long gz_listen(int fd, int backlog);
long gz_shutdown(int fd, int how);
long gz_name(int fd, struct sockaddr *address, socklen_t *length, int peer);
/* bind.c */
long gz_bind(int fd, const struct sockaddr *address, socklen_t length);
/* Gives an undecided socket to the stack or the kernel. */
void gz_settle(int fd, struct gz_file *file, enum gz_side side, uint32_t reason);
/* connect.c, accept.c */
long gz_connect(int fd, const struct sockaddr *address, socklen_t length);
long gz_accept(int fd, struct sockaddr *address, socklen_t *length, int flags);
/* options.c */
long gz_option_get(int fd, int level, int name, void *value, socklen_t *length);
long gz_option_set(int fd, int level, int name, const void *value, socklen_t length);
/* send.c, receive.c */
long gz_send(int fd, const struct msghdr *message, int flags);
long gz_receive(int fd, struct msghdr *message, int flags);
/* descriptors.c */
long gz_close(int fd);
long gz_duplicate(int fd, int target, int least, int flags);
long gz_control(int fd, int command, long argument);
long gz_ioctl(int fd, unsigned long request, void *argument);
void gz_forget(int fd);
/*
 * Around a call that may block: what it waits for goes on when another thread closes the descriptor, as in
 * Linux; the close takes effect when the last call leaves.
 */
void gz_file_enter(struct gz_thread *thread, struct gz_file *file);
void gz_file_leave(struct gz_thread *thread);
/* bind.c: the thread leaves a call that trapped; a child has no other thread that binds. */
void gz_bind_leave(struct gz_thread *thread);
void gz_binds_forked(void);
/* epoll.c */
long gz_epoll_create(int flags);
long gz_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
/* What `fd` names, if the stack has a part in its readiness: a socket, or an epoll instance; or NULL. */
struct gz_file *gz_watched_at(int fd);
long gz_epoll_wait(int epoll, struct epoll_event *events, int most, int64_t timeout, const sigset_t *mask);
/* poll.c */
long gz_poll(struct pollfd *list, nfds_t count, int64_t timeout, const sigset_t *mask);
/* process.c */
void gz_fork_prepare(void);
void gz_fork_parent(pid_t child);
void gz_fork_child(void);

#endif
