#include "sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define FDS_SIZE (GZ_MESSAGE_FDS * sizeof(int))

int gz_socket_listen(const char *path, int backlog)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    if (strlen(path) >= sizeof(address.sun_path)) {
        close(fd);
        return -ENAMETOOLONG;
    }
    strcpy(address.sun_path, path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, backlog) == 0)
        return fd;
    int reason = errno;

    close(fd);
    return -reason;
}

int gz_socket_accept(int listener, struct ucred *peer)
{
    socklen_t size = sizeof(*peer);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return -errno;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) == 0)
        return fd;
    int reason = errno;

    close(fd);
    return -reason;
}

ssize_t gz_socket_receive(int fd, struct gz_message *message)
{
    _Alignas(struct cmsghdr) char space[CMSG_SPACE(FDS_SIZE)];
    struct iovec piece = { message->bytes, message->size };
    struct msghdr header = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space),
    };
    ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *part = size < 0 ? NULL : CMSG_FIRSTHDR(&header);

    message->fd_count = 0;
    message->is_cut = (header.msg_flags & MSG_CTRUNC) != 0;
    if (part != NULL && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
        message->fd_count = (uint32_t)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(message->fds, CMSG_DATA(part), message->fd_count * sizeof(int));
    }
    return size < 0 ? -errno : size;
}

int gz_socket_send(int fd, const struct gz_message *message)
{
    _Alignas(struct cmsghdr) char space[CMSG_SPACE(FDS_SIZE)] = { 0 };
    struct iovec piece = { message->bytes, message->size };
    struct msghdr header = { .msg_iov = &piece, .msg_iovlen = 1 };
    size_t size = message->fd_count * sizeof(int);

    if (size > 0) {
        header.msg_control = space;
        header.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *part = CMSG_FIRSTHDR(&header);

        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(part), message->fds, size);
    }
    return sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
