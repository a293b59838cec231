/* Making and ending connections. */
#include "subject.h"

static void connect_blocking(void)
{
    int port = next_port(), fd = FD(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = other(port), name = { 0 };
    socklen_t size = sizeof(name);

    PEER("listen 1 %d", port);
    DO(connect(fd, ADDRESS(address)));
    PEER("accept 0 1");
    DO(connect(fd, ADDRESS(address)));
    DO(getpeername(fd, (struct sockaddr *)&name, &size));
    printf("  peer is right: %d, size %u\n", memcmp(&name, &address, 8) == 0, size);
    DO(getsockname(fd, (struct sockaddr *)&name, &size));
    printf("  own is right: %d, port chosen: %d\n", name.sin_addr.s_addr == own(0).sin_addr.s_addr,
        name.sin_port != 0);
    DO(write(fd, "abc", 3));
    DO(close(fd));
    PEER("close 0");
    PEER("close 1");
}

static void connect_refused(void)
{
    struct sockaddr_in address = other(next_port());
    int fd = FD(socket(AF_INET, SOCK_STREAM, 0)), error = -1;
    socklen_t size = sizeof(error);

    DO(connect(fd, ADDRESS(address)));
    DO(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
    printf("  error %d\n", error);
    DO(write(fd, "x", 1));
    DO(close(fd));
}

static void connect_refused_later(void)
{
    struct sockaddr_in address = other(next_port());
    int fd = FD(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), error = -1;
    socklen_t size = sizeof(error);

    DO(connect(fd, ADDRESS(address)));
    await(fd, POLLOUT | POLLERR | POLLHUP);
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
    printf("  error %s\n", name_of(error));
    DO(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
    printf("  error %d\n", error);
    DO(close(fd));
}

static void connect_later(void)
{
    int port = next_port(), fd = FD(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), error = -1;
    struct sockaddr_in address = other(port);
    socklen_t size = sizeof(error);

    PEER("listen 1 %d", port);
    DO(connect(fd, ADDRESS(address)));
    await(fd, POLLOUT);
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
    printf("  error %d\n", error);
    DO(connect(fd, ADDRESS(address)));
    DO(connect(fd, ADDRESS(address)));
    PEER("accept 0 1");
    DO(close(fd));
    PEER("end 0");
    PEER("close 0");
    PEER("close 1");
}

static void addresses_that_are_wrong(void)
{
    struct sockaddr_in address = own(next_port()), foreign = { .sin_family = AF_INET, .sin_port = htons(1) };
    struct sockaddr_in odd = { .sin_family = AF_APPLETALK };
    int fd = FD(socket(AF_INET, SOCK_STREAM, 0));

    inet_pton(AF_INET, "198.51.100.7", &foreign.sin_addr);
    DO(bind(fd, (struct sockaddr *)&address, 4));
    DO(bind(fd, ADDRESS(odd)));
    DO(bind(fd, ADDRESS(foreign)));
    DO(connect(fd, (struct sockaddr *)&address, 1));
    DO(close(fd));
    fd = FD(socket(AF_INET, SOCK_STREAM, 0));
    DO(connect(fd, ADDRESS(odd)));
    DO(close(fd));
}

static void bind_twice(void)
{
    struct sockaddr_in address = own(next_port());
    int one = FD(socket(AF_INET, SOCK_STREAM, 0)), two = FD(socket(AF_INET, SOCK_STREAM, 0));

    DO(bind(one, ADDRESS(address)));
    DO(bind(one, ADDRESS(address)));
    DO(bind(two, ADDRESS(address)));
    DO(listen(one, 4));
    DO(bind(two, ADDRESS(address)));
    DO(close(one));
    DO(bind(two, ADDRESS(address)));
    DO(close(two));
}

static void listen_and_accept(void)
{
    int port = next_port(), listener = FD(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = own(port), from = { 0 };
    socklen_t size = sizeof(from);

    DO(accept(listener, NULL, NULL));
    DO(bind(listener, ADDRESS(address)));
    DO(accept(listener, NULL, NULL));
    DO(listen(listener, 4));
    DO(listen(listener, 8));
    events_of(listener, POLLIN | POLLOUT);
    DO(fcntl(listener, F_SETFL, O_NONBLOCK));
    DO(accept(listener, NULL, NULL));
    PEER("connect 0 %d", port);
    await(listener, POLLIN);
    events_of(listener, POLLIN | POLLOUT);
    int fd = FD(accept4(listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC));

    printf("  from the peer: %d, size %u\n", from.sin_addr.s_addr == other(0).sin_addr.s_addr, size);
    DO(fcntl(fd, F_GETFD));
    DO(fcntl(fd, F_GETFL) & O_NONBLOCK);
    DO(accept4(listener, NULL, NULL, 0x40000000));
    DO(connect(listener, ADDRESS(address)));
    DO(recv(listener, &address, 1, 0));
    DO(send(listener, "x", 1, MSG_NOSIGNAL));
    DO(close(listener));
    DO(send(fd, "hello", 5, 0));
    PEER("end 0");
    DO(close(fd));
    PEER("close 0");
}

static void peer_closes(void)
{
    int fd = accepted();
    char bytes[16];

    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    PEER("send 0 5");
    await(fd, POLLIN);
    PEER("close 0");
    await(fd, POLLIN | POLLRDHUP);
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(read(fd, bytes, 3));
    DO(read(fd, bytes, sizeof(bytes)));
    DO(read(fd, bytes, sizeof(bytes)));
    DO(read(fd, bytes, sizeof(bytes)));
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    await(fd, POLLERR | POLLHUP);
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    DO(close(fd));
}

static void peer_resets(void)
{
    int fd = accepted(), error = -1;
    socklen_t size = sizeof(error);
    char bytes[16];

    PEER("reset 0");
    await(fd, POLLERR | POLLHUP);
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(read(fd, bytes, sizeof(bytes)));
    DO(read(fd, bytes, sizeof(bytes)));
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    DO(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
    printf("  error %d\n", error);
    DO(close(fd));
}

static void we_shut_down(void)
{
    int fd = connected();
    char bytes[16];

    DO(shutdown(fd, 7));
    DO(shutdown(fd, SHUT_WR));
    DO(shutdown(fd, SHUT_WR));
    PEER("end 0");
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    PEER("send 0 4");
    await(fd, POLLIN);
    DO(read(fd, bytes, sizeof(bytes)));
    PEER("close 0");
    await(fd, POLLHUP);
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(read(fd, bytes, sizeof(bytes)));
    DO(close(fd));
}

static void we_stop_reading(void)
{
    int fd = accepted();
    char bytes[16];

    DO(shutdown(fd, SHUT_RD));
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(read(fd, bytes, sizeof(bytes)));
    DO(send(fd, "abc", 3, 0));
    DO(shutdown(fd, SHUT_RDWR));
    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(close(fd));
    PEER("close 0");
}

static void close_unread(void)
{
    int fd = accepted();

    PEER("send 0 100");
    await(fd, POLLIN);
    DO(close(fd));
    PEER("end 0");
    PEER("close 0");
}

static void linger_zero(void)
{
    struct linger now = { 1, 0 };
    int fd = connected();

    DO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
    DO(close(fd));
    PEER("end 0");
    PEER("close 0");
}

static void not_connected(void)
{
    int fd = FD(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in name;
    socklen_t size = sizeof(name);
    char byte;

    events_of(fd, POLLIN | POLLOUT | POLLRDHUP);
    DO(recv(fd, &byte, 1, 0));
    DO(send(fd, "x", 1, MSG_NOSIGNAL));
    DO(shutdown(fd, SHUT_WR));
    DO(getpeername(fd, (struct sockaddr *)&name, &size));
    DO(getsockname(fd, (struct sockaddr *)&name, &size));
    printf("  name %x:%d size %u\n", name.sin_addr.s_addr, name.sin_port, size);
    DO(close(fd));
    DO(close(fd));
    DO(send(fd, "x", 1, 0));
    DO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    DO(socket(AF_INET, 77, 0));
}

const struct scenario connection_scenarios[] = {
    { "connect blocking", connect_blocking },
    { "connect refused", connect_refused },
    { "connect refused later", connect_refused_later },
    { "connect later", connect_later },
    { "addresses that are wrong", addresses_that_are_wrong },
    { "bind twice", bind_twice },
    { "listen and accept", listen_and_accept },
    { "peer closes", peer_closes },
    { "peer resets", peer_resets },
    { "we shut down", we_shut_down },
    { "we stop reading", we_stop_reading },
    { "close with unread data", close_unread },
    { "linger zero", linger_zero },
    { "not connected", not_connected },
    { NULL, NULL },
};
