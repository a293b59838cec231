/* Memory that is not there: every call answers EFAULT, and nothing else happens. */
#include "subject.h"

#include <sys/mman.h>

#define BAD ((void *)16)

/* The last `count` bytes before memory that is not there. */
static char *edge_of(size_t count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    mprotect(memory + page, page, PROT_NONE);
    return memory + page - count;
}

static void streams(void)
{
    int fd = accepted();
    char bytes[300], *half = edge_of(100);
    struct iovec pieces[2] = { { bytes, 10 }, { BAD, 10 } };
    struct msghdr message = { .msg_iov = BAD, .msg_iovlen = 1 };

    DO(send(fd, BAD, 10, 0));
    DO(send(fd, BAD, 0, 0));
    DO(write(fd, BAD, 100000));
    DO(send(fd, half, 200, 0));
    DO(writev(fd, BAD, 2));
    DO(sendmsg(fd, &message, 0));
    DO(recvmsg(fd, &message, MSG_DONTWAIT));
    DO(recv(fd, BAD, 10, MSG_DONTWAIT));
    PEER("send 0 200");
    await(fd, POLLIN);
    milliseconds(20);
    DO(recv(fd, BAD, 10, 0));
    DO(recv(fd, BAD, 10, MSG_PEEK));
    DO(recv(fd, half, 200, 0));
    DO(readv(fd, BAD, 1));
    DO(readv(fd, pieces + 1, 1));
    DO(ioctl(fd, FIONREAD, BAD));
    fill(bytes, 200, 0);
    DO(recv(fd, half, 100, 0));
    printf("  right %d\n", is_filled(half, 100, 0));
    DO(recv(fd, bytes, 300, 0));
    printf("  right %d\n", is_filled(bytes, 100, 100));
    fill(bytes, 200, 0);
    DO(send(fd, bytes, 200, 0));
    PEER("receive 0 200");
    DO(close(fd));
    PEER("close 0");
}

static void names_and_options(void)
{
    int fd = accepted(), port = next_port(), listener = listener_at(port);
    struct sockaddr_in address;
    socklen_t size = sizeof(address), negative = (socklen_t)-1;
    int value = 1;

    DO(getsockname(fd, BAD, &size));
    DO(getsockname(fd, (struct sockaddr *)&address, BAD));
    DO(getsockname(fd, (struct sockaddr *)&address, &negative));
    DO(getpeername(fd, BAD, &size));
    DO(getsockopt(fd, SOL_SOCKET, SO_TYPE, BAD, &size));
    DO(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, BAD));
    DO(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, BAD, &size));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, BAD, sizeof(value)));
    DO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, BAD, sizeof(struct timeval)));
    DO(ioctl(fd, FIONBIO, BAD));
    PEER("connect 1 %d", port);
    await(listener, POLLIN);
    size = sizeof(address);
    DO(accept(listener, BAD, &size));
    DO(accept4(listener, NULL, NULL, SOCK_NONBLOCK | 1));
    DO(fcntl(listener, F_SETFL, O_NONBLOCK));
    DO(accept(listener, NULL, NULL));
    PEER("connect 2 %d", port);
    await(listener, POLLIN);
    DO(accept(listener, (struct sockaddr *)&address, BAD));
    DO(accept(listener, NULL, NULL));
    int fresh = FD(socket(AF_INET, SOCK_STREAM, 0));

    DO(bind(fresh, BAD, sizeof(address)));
    DO(connect(fresh, BAD, sizeof(address)));
    DO(bind(fresh, BAD, 1000));
    DO(close(fresh));
    DO(close(listener));
    DO(close(fd));
    PEER("close 0");
    PEER("close 1");
    PEER("close 2");
}

static void events(void)
{
    int epoll = FD(epoll_create1(0)), fd = accepted();
    struct epoll_event wanted = { .events = EPOLLOUT, .data.u64 = 5 };

    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, BAD));
    DO(epoll_wait(epoll, BAD, 4, 0));
    DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
    DO(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, BAD));
    DO(epoll_wait(epoll, BAD, 4, 1000));
    DO(epoll_wait(epoll, &wanted, 1, 1000));
    DO(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, BAD));
    DO(close(fd));
    DO(close(epoll));
    PEER("close 0");
}

static void datagrams(void)
{
    int port = next_port(), back = next_port(), fd = FD(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;
    struct sockaddr_in here = own(port), to = other(back);
    char bytes[100];
    struct iovec piece = { bytes, sizeof(bytes) };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = BAD, .msg_controllen = 64 };
    socklen_t size = sizeof(to);

    DO(bind(fd, ADDRESS(here)));
    PEER("datagram 0 %d", back);
    DO(sendto(fd, BAD, 10, 0, ADDRESS(to)));
    DO(sendto(fd, bytes, 10, 0, BAD, sizeof(to)));
    message.msg_name = &to;
    message.msg_namelen = sizeof(to);
    DO(sendmsg(fd, &message, 0));
    DO(sendto(fd, bytes, 11, 0, ADDRESS(to)));
    PEER("got 0");
    DO(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)));
    for (int i = 1; i <= 4; i++)
        PEER("sendto 0 %d %d", i, port);
    await(fd, POLLIN);
    milliseconds(20);
    DO(recv(fd, BAD, 10, 0));
    DO(recvfrom(fd, bytes, 10, 0, BAD, &size));
    DO(recvmsg(fd, &message, 0));
    printf("  control %zu\n", message.msg_controllen);
    DO(recv(fd, bytes, 10, MSG_DONTWAIT));
    DO(recv(fd, bytes, 10, MSG_DONTWAIT));
    DO(close(fd));
    PEER("close 0");
}

const struct scenario fault_scenarios[] = {
    { "streams and memory that is not there", streams },
    { "names, options and memory that is not there", names_and_options },
    { "events and memory that is not there", events },
    { "datagrams and memory that is not there", datagrams },
    { NULL, NULL },
};
