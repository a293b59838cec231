#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int gz_netlink_open(int protocol)
{
    struct timeval patience = { .tv_sec = 2 };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

/* The first answer in what was received; others belong to messages behind one that failed. */
static int judge(const char *answers, size_t size)
{
    const struct nlmsghdr *header = (const struct nlmsghdr *)answers;
    const struct nlmsgerr *error = NLMSG_DATA(header);

    if (!NLMSG_OK(header, size) || header->nlmsg_type != NLMSG_ERROR ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(error->error)))
        return -EPROTO;
    return error->error;
}

int gz_netlink_tell(int fd, const void *messages, size_t size)
{
    _Alignas(struct nlmsghdr) char answers[4096];
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

    if (sendto(fd, messages, size, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        return -errno;
    ssize_t length = recv(fd, answers, sizeof(answers), 0);
    int result = length < 0 ? -errno : judge(answers, (size_t)length);

    while (recv(fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
        continue;
    return result;
}
