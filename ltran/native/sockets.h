/* Unix sockets that keep messages apart, with the sender's credentials and descriptors. */
#ifndef GZ_SOCKETS_H
#define GZ_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Descriptors that one message may carry. */
#define GZ_MESSAGE_FDS 4

struct gz_message {
    uint8_t *bytes;
    size_t size;
    int fds[GZ_MESSAGE_FDS];
    uint32_t fd_count;
    /* There were more than could be taken. */
    bool is_cut;
};

/* A listener at a path that has no file yet: the descriptor or -errno. */
int gz_socket_listen(const char *path, int backlog);
/* The next connection and who made it: the descriptor or -errno. */
int gz_socket_accept(int listener, struct ucred *peer);
/*
 * Fills the message: bytes received, 0 at the end, or -errno. Descriptors beyond GZ_MESSAGE_FDS are closed.
 */
ssize_t gz_socket_receive(int fd, struct gz_message *message);
/* Sends all of it at once or nothing: 0 or -errno. */
int gz_socket_send(int fd, const struct gz_message *message);

#endif
