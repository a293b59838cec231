/*
 * Commands, one a line; sockets have slots 0 to 15, ports are decimal:
 *   listen SLOT PORT | accept SLOT LISTENER | connect SLOT PORT | send SLOT BYTES | receive SLOT BYTES | end
 * SLOT
 *   close SLOT | reset SLOT | shutdown SLOT HOW | datagram SLOT PORT | sendto SLOT BYTES PORT | got SLOT |
 * buffer SLOT BYTES | dress SLOT TTL TOS | marks SLOT (the TTL * 256 + TOS of a datagram of the subject)
 */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SLOTS 16
#define PATIENCE_SECONDS 3

static int slots[SLOTS];
static struct sockaddr_in subject, own;
static char bytes[1 << 20];

static struct sockaddr_in at_port(struct sockaddr_in address, long port)
{
    address.sin_port = htons((uint16_t)port);
    return address;
}

static void set_patience(int fd)
{
    struct timeval time = { PATIENCE_SECONDS, 0 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

static long make(long slot, int type, long port)
{
    struct sockaddr_in address = at_port(own, port);
    int fd = socket(AF_INET, type, 0), one = 1;

    slots[slot] = fd;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    set_patience(fd);
    return bind(fd, (struct sockaddr *)&address, sizeof(address));
}

static long send_all(int fd, long count)
{
    long done = 0;

    while (done < count) {
        long part = count - done < (long)sizeof(bytes) ? count - done : (long)sizeof(bytes);

        for (long i = 0; i < part; i++)
            bytes[i] = (char)((done + i) % 251);
        part = send(fd, bytes, (size_t)part, MSG_NOSIGNAL);
        if (part < 0)
            return done > 0 ? done : -errno;
        done += part;
    }
    return done;
}

/* Receives until `count` bytes or the end; a wrong byte is an error of its own. */
static long receive_all(int fd, long count)
{
    long done = 0;

    while (done < count) {
        long part = count - done < (long)sizeof(bytes) ? count - done : (long)sizeof(bytes);

        part = recv(fd, bytes, (size_t)part, 0);
        if (part < 0)
            return done > 0 ? done : -errno;
        if (part == 0)
            break;
        for (long i = 0; i < part; i++)
            if (bytes[i] != (char)((done + i) % 251))
                return -EBADMSG;
        done += part;
    }
    return done;
}

static long reset(int fd)
{
    struct linger now = { 1, 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    return close(fd);
}

/* Receives a datagram; answers its TTL * 256 + TOS when it came from the subject. */
static long marks(int fd)
{
    char control[256] __attribute__((aligned(8)));
    struct iovec piece = { bytes, sizeof(bytes) };
    struct sockaddr_in from = { 0 };
    struct msghdr message = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &piece, .msg_iovlen = 1,
        .msg_control = control, .msg_controllen = sizeof(control),
    };
    int ttl = 0, tos = 0;

    if (recvmsg(fd, &message, 0) < 0)
        return -errno;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at)) {
        if (at->cmsg_type == IP_TTL)
            memcpy(&ttl, CMSG_DATA(at), sizeof(ttl));
        else if (at->cmsg_type == IP_TOS)
            tos = *CMSG_DATA(at);
    }
    return from.sin_addr.s_addr == subject.sin_addr.s_addr ? ttl * 256 + tos : -EADDRNOTAVAIL;
}

static long dress(int fd, int ttl, int tos)
{
    setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
    return setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
}

static long make_datagram(long slot, long port)
{
    long result = make(slot, SOCK_DGRAM, port);

    setsockopt(slots[slot], IPPROTO_IP, IP_RECVTTL, &(int){ 1 }, sizeof(int));
    setsockopt(slots[slot], IPPROTO_IP, IP_RECVTOS, &(int){ 1 }, sizeof(int));
    return result;
}

static long command(const char *name, long slot, long a, long b)
{
    struct sockaddr_in address = at_port(subject, strcmp(name, "sendto") == 0 ? b : a);
    int *fd = &slots[slot % SLOTS];

    if (strcmp(name, "listen") == 0)
        return make(slot, SOCK_STREAM, a) != 0 ? -1 : listen(*fd, 8);
    if (strcmp(name, "datagram") == 0)
        return make_datagram(slot, a);
    if (strcmp(name, "dress") == 0)
        return dress(*fd, (int)a, (int)b);
    if (strcmp(name, "marks") == 0)
        return marks(*fd);
    if (strcmp(name, "accept") == 0) {
        *fd = accept(slots[a % SLOTS], NULL, NULL);
        set_patience(*fd);
        return *fd < 0 ? -1 : 0;
    }
    if (strcmp(name, "connect") == 0) {
        *fd = socket(AF_INET, SOCK_STREAM, 0);
        set_patience(*fd);
        return connect(*fd, (struct sockaddr *)&address, sizeof(address));
    }
    if (strcmp(name, "send") == 0)
        return send_all(*fd, a);
    if (strcmp(name, "receive") == 0)
        return receive_all(*fd, a);
    if (strcmp(name, "end") == 0)
        return recv(*fd, bytes, 1, 0);
    if (strcmp(name, "close") == 0)
        return close(*fd);
    if (strcmp(name, "reset") == 0)
        return reset(*fd);
    if (strcmp(name, "shutdown") == 0)
        return shutdown(*fd, (int)a);
    if (strcmp(name, "buffer") == 0)
        return setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &(int){ (int)a }, sizeof(int));
    if (strcmp(name, "sendto") == 0)
        return sendto(*fd, bytes, (size_t)a, 0, (struct sockaddr *)&address, sizeof(address));
    if (strcmp(name, "got") == 0)
        return recv(*fd, bytes, sizeof(bytes), 0);
    return -EOPNOTSUPP;
}

static struct sockaddr_in parse(const char *text)
{
    struct sockaddr_in address = { .sin_family = AF_INET };

    inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

int peer_main(const char *path, const char *subject_address, const char *own_address)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    char line[256];

    subject = parse(subject_address);
    own = parse(own_address);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 1) != 0)
        return 1;
    puts("ready");
    fflush(stdout);
    FILE *stream = fdopen(accept(listener, NULL, NULL), "r+");

    if (stream == NULL)
        return 1;
    setvbuf(stream, NULL, _IONBF, 0);
    while (fgets(line, sizeof(line), stream) != NULL) {
        char name[32];
        long slot = 0, a = 0, b = 0;

        if (sscanf(line, "%31s %ld %ld %ld", name, &slot, &a, &b) < 2)
            return 1;
        errno = 0;
        long result = command(name, slot, a, b);

        fprintf(stream, "%ld\n", result == -1 && errno != 0 ? -(long)errno : result);
    }
    return 0;
}

static int line_fd = -1;

void peer_open(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    line_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(line_fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("peer");
        exit(1);
    }
}

long peer(const char *format, ...)
{
    char line[256];
    va_list arguments;
    size_t length = 0;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line) - 1, format, arguments);
    va_end(arguments);
    strcat(line, "\n");
    if (write(line_fd, line, strlen(line)) < 0)
        exit(1);
    while (length == 0 || line[length - 1] != '\n') {
        ssize_t got = read(line_fd, line + length, sizeof(line) - 1 - length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            exit(1);
        length += (size_t)got;
    }
    return atol(line);
}
