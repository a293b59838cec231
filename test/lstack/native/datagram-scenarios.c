/* Datagrams. */
#include "subject.h"

static int bound_at(int port)
{
    struct sockaddr_in address = own(port);
    int fd = FD(socket(AF_INET, SOCK_DGRAM, 0));

    DO(bind(fd, ADDRESS(address)));
    return fd;
}

static void to_and_fro(void)
{
    int port = next_port(), back = next_port(), fd = bound_at(port);
    struct sockaddr_in to = other(back), from = { 0 };
    socklen_t size = sizeof(from);
    char bytes[2000];

    PEER("datagram 0 %d", back);
    DO(sendto(fd, bytes, 100, 0, ADDRESS(to)));
    PEER("got 0");
    PEER("sendto 0 200 %d", port);
    await(fd, POLLIN);
    events_of(fd, POLLIN | POLLOUT);
    DO(ioctl(fd, FIONREAD, &(int){ 0 }));
    DO(recvfrom(fd, bytes, 50, MSG_PEEK, (struct sockaddr *)&from, &size));
    DO(recvfrom(fd, bytes, 50, MSG_PEEK | MSG_TRUNC, (struct sockaddr *)&from, &size));
    printf("  from the peer: %d %d size %u\n", from.sin_addr.s_addr == to.sin_addr.s_addr,
        from.sin_port == to.sin_port, size);
    struct iovec piece = { bytes, 60 };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof(from)
    };

    DO(recvmsg(fd, &message, 0));
    printf("  flags %x\n", (unsigned)message.msg_flags);
    DO(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT));
    PEER("sendto 0 0 %d", port);
    await(fd, POLLIN);
    DO(recv(fd, bytes, sizeof(bytes), 0));
    DO(send(fd, bytes, 10, 0));
    DO(sendto(fd, bytes, 0, 0, ADDRESS(to)));
    PEER("got 0");
    DO(listen(fd, 3));
    DO(close(fd));
    PEER("close 0");
}

static void large(void)
{
    static char bytes[70000];
    int port = next_port(), back = next_port(), fd = bound_at(port);
    struct sockaddr_in to = other(back);

    PEER("datagram 0 %d", back);
    DO(sendto(fd, bytes, 65507, 0, ADDRESS(to)));
    PEER("got 0");
    DO(sendto(fd, bytes, 65508, 0, ADDRESS(to)));
    DO(sendto(fd, bytes, 5000, 0, ADDRESS(to)));
    PEER("got 0");
    PEER("sendto 0 60000 %d", port);
    await(fd, POLLIN);
    DO(recv(fd, bytes, sizeof(bytes), 0));
    DO(close(fd));
    PEER("close 0");
}

static void connected_datagrams(void)
{
    int back = next_port(), fd = FD(socket(AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in to = other(back), name = { 0 }, nobody = other(next_port());
    socklen_t size = sizeof(name);
    char bytes[100];

    PEER("datagram 0 %d", back);
    DO(connect(fd, ADDRESS(to)));
    DO(getpeername(fd, (struct sockaddr *)&name, &size));
    DO(getsockname(fd, (struct sockaddr *)&name, &size));
    printf(
        "  own address: %d, port %d\n", name.sin_addr.s_addr == own(0).sin_addr.s_addr, name.sin_port != 0);
    DO(send(fd, bytes, 10, 0));
    PEER("got 0");
    PEER("sendto 0 20 %d", ntohs(name.sin_port));
    DO(read(fd, bytes, sizeof(bytes)));
    DO(connect(fd, ADDRESS(nobody)));
    DO(send(fd, bytes, 10, 0));
    await(fd, POLLERR);
    DO(recv(fd, bytes, sizeof(bytes), 0));
    DO(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT));
    DO(shutdown(fd, SHUT_RD));
    DO(close(fd));
    PEER("close 0");
}

static void several_at_once(void)
{
    int port = next_port(), back = next_port(), fd = bound_at(port);
    struct sockaddr_in to = other(back);
    char bytes[4][100];
    struct iovec pieces[4];
    struct mmsghdr messages[4];

    PEER("datagram 0 %d", back);
    memset(messages, 0, sizeof(messages));
    for (int i = 0; i < 4; i++) {
        pieces[i] = (struct iovec){ bytes[i], (size_t)(10 * (i + 1)) };
        messages[i].msg_hdr = (struct msghdr){
            .msg_iov = &pieces[i], .msg_iovlen = 1, .msg_name = &to, .msg_namelen = sizeof(to)
        };
    }
    DO(sendmmsg(fd, messages, 4, 0));
    for (int i = 0; i < 4; i++)
        PEER("got 0");
    PEER("sendto 0 5 %d", port);
    PEER("sendto 0 6 %d", port);
    milliseconds(50);
    for (int i = 0; i < 4; i++)
        messages[i].msg_hdr.msg_name = NULL;
    DO(recvmmsg(fd, messages, 4, MSG_WAITFORONE, NULL));
    printf("  %u %u\n", messages[0].msg_len, messages[1].msg_len);
    DO(close(fd));
    PEER("close 0");
}

const struct scenario datagram_scenarios[] = {
    { "datagrams to and fro", to_and_fro },
    { "large datagrams", large },
    { "connected datagrams", connected_datagrams },
    { "several datagrams at once", several_at_once },
    { NULL, NULL },
};
