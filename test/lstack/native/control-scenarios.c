/* Control messages of datagrams: what recvmsg tells, and what sendmsg is told. */
#include "subject.h"

#include <net/if.h>

/* The one interface of this namespace that is not loopback. */
static int own_interface(void)
{
    struct if_nameindex *all = if_nameindex();
    int found = 0;

    for (struct if_nameindex *at = all; at != NULL && at->if_index != 0; at++)
        if (strcmp(at->if_name, "lo") != 0)
            found = (int)at->if_index;
    if_freenameindex(all);
    return found;
}

static int bound_at(int port)
{
    struct sockaddr_in address = own(port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    DO(bind(fd, ADDRESS(address)));
    return fd;
}

static void show_time(const struct cmsghdr *at)
{
    struct timespec now, then;

    memcpy(&then, CMSG_DATA(at), sizeof(then));
    if (at->cmsg_type == SCM_TIMESTAMP)
        then.tv_nsec *= 1000;
    clock_gettime(CLOCK_REALTIME, &now);
    double age = (double)(now.tv_sec - then.tv_sec) + (double)(now.tv_nsec - then.tv_nsec) / 1e9;

    printf("    time type %d, plausible %d\n", at->cmsg_type, age >= 0 && age < 2);
}

static void show(const struct cmsghdr *at)
{
    struct in_pktinfo information;
    struct sockaddr_in target;
    int value = 0;

    printf("    level %d type %d length %zu\n", at->cmsg_level, at->cmsg_type, at->cmsg_len);
    if (at->cmsg_level == SOL_SOCKET && at->cmsg_len == CMSG_LEN(sizeof(struct timespec))) {
        show_time(at);
    } else if (at->cmsg_type == IP_PKTINFO && at->cmsg_len == CMSG_LEN(sizeof(information))) {
        memcpy(&information, CMSG_DATA(at), sizeof(information));
        printf("    interface %d local %d destination %d\n", information.ipi_ifindex == own_interface(),
            information.ipi_spec_dst.s_addr == own(0).sin_addr.s_addr,
            information.ipi_addr.s_addr == own(0).sin_addr.s_addr);
    } else if (at->cmsg_type == IP_ORIGDSTADDR && at->cmsg_len == CMSG_LEN(sizeof(target))) {
        memcpy(&target, CMSG_DATA(at), sizeof(target));
        printf("    family %d port %d address %d\n", target.sin_family, ntohs(target.sin_port),
            target.sin_addr.s_addr == own(0).sin_addr.s_addr);
    } else {
        memcpy(&value, CMSG_DATA(at), at->cmsg_len - CMSG_LEN(0) < 4 ? at->cmsg_len - CMSG_LEN(0) : 4);
        printf("    value %d\n", value);
    }
}

/* Receives a datagram with `room` bytes for control messages. */
static void receive_with(int fd, size_t room, int flags)
{
    char bytes[64], control[256] __attribute__((aligned(8)));
    struct iovec piece = { bytes, sizeof(bytes) };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room,
    };

    memset(control, 0, sizeof(control));
    await(fd, POLLIN);
    DO(recvmsg(fd, &message, flags));
    printf("  flags %x, control %zu\n", (unsigned)message.msg_flags, message.msg_controllen);
    if (message.msg_flags & MSG_CTRUNC)
        return;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at))
        show(at);
}

static void switch_on(int fd, int level, int option)
{
    DO(setsockopt(fd, level, option, &(int){ 1 }, sizeof(int)));
}

static void told_by_recvmsg(void)
{
    int port = next_port(), back = next_port(), fd = bound_at(port);
    static const size_t rooms[] = { 0, 8, 15, 16, 20, 28, 31, 32, 33, 60, 64, 80, 104, 112, 152, 200 };

    PEER("datagram 0 %d", back);
    PEER("dress 0 33 40");
    PEER("sendto 0 5 %d", port);
    receive_with(fd, 200, 0);
    switch_on(fd, IPPROTO_IP, IP_PKTINFO);
    PEER("sendto 0 5 %d", port);
    receive_with(fd, 200, MSG_PEEK);
    receive_with(fd, 200, 0);
    switch_on(fd, IPPROTO_IP, IP_RECVTTL);
    switch_on(fd, IPPROTO_IP, IP_RECVTOS);
    switch_on(fd, IPPROTO_IP, IP_RECVORIGDSTADDR);
    PEER("sendto 0 5 %d", port);
    receive_with(fd, 200, 0);
    switch_on(fd, SOL_SOCKET, SO_TIMESTAMP);
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        PEER("sendto 0 100 %d", port);
        receive_with(fd, rooms[i], 0);
    }
    switch_on(fd, SOL_SOCKET, SO_TIMESTAMPNS);
    PEER("sendto 0 5 %d", port);
    receive_with(fd, 200, 0);
    DO(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &(int){ 0 }, sizeof(int)));
    PEER("sendto 0 5 %d", port);
    receive_with(fd, 200, 0);
    DO(close(fd));
    PEER("close 0");
}

/* Sends a datagram with one control message of `size` bytes of data. */
static void send_with(int fd, int port, int level, int type, const void *data, size_t size)
{
    char control[CMSG_SPACE(64)] __attribute__((aligned(8))) = { 0 };
    struct sockaddr_in to = other(port);
    struct iovec piece = { "0123456789", 10 };
    struct msghdr message = {
        .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &piece, .msg_iovlen = 1,
        .msg_control = control, .msg_controllen = CMSG_SPACE(size),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    *header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type };
    memcpy(CMSG_DATA(header), data, size);
    if (DO(sendmsg(fd, &message, 0)) >= 0)
        PEER("marks 0");
    errno = 0;
    header->cmsg_len = CMSG_SPACE(size) + 1;
    DO(sendmsg(fd, &message, 0));
    header->cmsg_len = CMSG_LEN(0) - 1;
    DO(sendmsg(fd, &message, 0));
}

static void told_to_sendmsg(void)
{
    int back = next_port(), fd = FD(socket(AF_INET, SOCK_DGRAM, 0));
    static const int values[] = { -1, 0, 1, 8, 44, 255, 256 };
    struct in_pktinfo from = { .ipi_spec_dst = own(0).sin_addr };
    unsigned char byte = 0x48;

    PEER("datagram 0 %d", back);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        send_with(fd, back, IPPROTO_IP, IP_TTL, &values[i], sizeof(int));
        send_with(fd, back, IPPROTO_IP, IP_TOS, &values[i], sizeof(int));
    }
    send_with(fd, back, IPPROTO_IP, IP_TTL, &byte, 1);
    send_with(fd, back, IPPROTO_IP, IP_TOS, &byte, 1);
    send_with(fd, back, IPPROTO_IP, IP_PKTINFO, &from, sizeof(from));
    send_with(fd, back, IPPROTO_IP, IP_PKTINFO, &from, sizeof(from) - 4);
    from.ipi_ifindex = own_interface();
    send_with(fd, back, IPPROTO_IP, IP_PKTINFO, &from, sizeof(from));
    from.ipi_spec_dst.s_addr = htonl(0x01020304);
    send_with(fd, back, IPPROTO_IP, IP_PKTINFO, &from, sizeof(from));
    from.ipi_spec_dst.s_addr = htonl(0xe0000001);
    send_with(fd, back, IPPROTO_IP, IP_PKTINFO, &from, sizeof(from));
    from.ipi_spec_dst.s_addr = 0;
    send_with(fd, back, IPPROTO_IP, IP_PKTINFO, &from, sizeof(from));
    send_with(fd, back, IPPROTO_IP, 9999, &from, sizeof(from));
    send_with(fd, back, SOL_SOCKET, 9999, &from, sizeof(from));
    send_with(fd, back, 9999, 1, &from, sizeof(from));
    DO(close(fd));
    PEER("close 0");
}

const struct scenario control_scenarios[] = {
    { "control messages of recvmsg", told_by_recvmsg },
    { "control messages of sendmsg", told_to_sendmsg },
    { NULL, NULL },
};
