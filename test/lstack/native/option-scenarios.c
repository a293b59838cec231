/* Options of sockets, as defaults, before and after the connection is made. */
#include "subject.h"

static const struct {
    const char *name;
    int level;
    int option;
    int value;
} options[] = {
    { "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1 },
    { "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1 },
    { "SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1 },
    { "SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, 1 },
    { "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 100000 },
    { "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 100000 },
    { "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 2 },
    { "SO_TYPE", SOL_SOCKET, SO_TYPE, 1 },
    { "SO_DOMAIN", SOL_SOCKET, SO_DOMAIN, 1 },
    { "SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL, 1 },
    { "SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, 1 },
    { "SO_ERROR", SOL_SOCKET, SO_ERROR, 1 },
    { "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 3 },
    { "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1 },
    { "TCP_CORK", IPPROTO_TCP, TCP_CORK, 1 },
    { "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 55 },
    { "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 5 },
    { "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 4 },
    { "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 4000 },
    { "TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 0 },
    { "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 0 },
    { "IP_TTL", IPPROTO_IP, IP_TTL, 17 },
    { "IP_TOS", IPPROTO_IP, IP_TOS, 0x10 },
    { "unknown", SOL_SOCKET, 9999, 1 },
    { "unknown level", 250, 1, 1 },
};

static void show(int fd, size_t i)
{
    unsigned char bytes[64] = { 0 };
    int value = 0;
    socklen_t size = sizeof(bytes);

    errno = 0;
    int result = getsockopt(fd, options[i].level, options[i].option, bytes, &size);

    if (result != 0) {
        printf("  get %s -> %s\n", options[i].name, name_of(errno));
        return;
    }
    memcpy(&value, bytes, sizeof(value));
    printf("  get %s -> %d size %u\n", options[i].name, value, size);
}

/* Buffers start at sizes of each stack's own. */
static bool has_own_default(size_t i)
{
    return options[i].level == SOL_SOCKET &&
           (options[i].option == SO_RCVBUF || options[i].option == SO_SNDBUF);
}

static void try_all(int fd)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        int value = options[i].value;

        if (!has_own_default(i))
            show(fd, i);
        errno = 0;
        int result = setsockopt(fd, options[i].level, options[i].option, &value, sizeof(value));

        printf("  set %s -> %d %s\n", options[i].name, result, result < 0 ? name_of(errno) : "");
        show(fd, i);
    }
}

static void before(void)
{
    int fd = FD(socket(AF_INET, SOCK_STREAM, 0));

    try_all(fd);
    DO(close(fd));
}

static void bound(void)
{
    struct sockaddr_in address = own(next_port());
    int fd = FD(socket(AF_INET, SOCK_STREAM, 0));

    DO(bind(fd, ADDRESS(address)));
    try_all(fd);
    DO(close(fd));
}

static void after(void)
{
    int fd = connected();

    try_all(fd);
    DO(close(fd));
    PEER("close 0");
}

static void odd_sizes(void)
{
    int fd = accepted(), value = 1;
    char byte = 9;
    socklen_t size = 1;

    DO(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 2));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 8));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, (socklen_t)-1));
    DO(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &byte, &size));
    printf("  byte %d size %u\n", byte, size);
    size = (socklen_t)-1;
    DO(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size));
    DO(close(fd));
    PEER("close 0");
}

static void inherited(void)
{
    int port = next_port(), listener = listener_at(port), value = 1;

    DO(setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)));
    DO(setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)));
    value = 44;
    DO(setsockopt(listener, IPPROTO_TCP, TCP_KEEPIDLE, &value, sizeof(value)));
    DO(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &(int){ 50000 }, sizeof(int)));
    PEER("connect 0 %d", port);
    int fd = FD(accept(listener, NULL, NULL));

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (!(options[i].option == SO_SNDBUF && options[i].level == SOL_SOCKET))
            show(fd, i);
    DO(close(fd));
    DO(close(listener));
    PEER("close 0");
}

const struct scenario option_scenarios[] = {
    { "options before", before },
    { "options of a bound socket", bound },
    { "options after", after },
    { "odd sizes of options", odd_sizes },
    { "inherited options", inherited },
    { NULL, NULL },
};
