/* Reading and writing. */
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

/* sendfile goes through a buffer of this size. */
#define COPY_SIZE 65536

/* The fortified names; they are not declared unless the compiler fortifies. */
ssize_t __read_chk(int fd, void *buffer, size_t length, size_t size);
ssize_t __recv_chk(int fd, void *buffer, size_t length, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict buffer, size_t length, size_t size, int flags,
    struct sockaddr *restrict address, socklen_t *restrict address_length);
void __chk_fail(void) __attribute__((noreturn));

static long receive_one(int fd, void *buffer, size_t length, int flags)
{
    struct iovec piece = { buffer, length };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

    return gz_engine->receive(fd, &message, flags);
}

static long send_one(int fd, const void *buffer, size_t length, int flags)
{
    struct iovec piece = { (void *)buffer, length };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

    return gz_engine->send(fd, &message, flags);
}

static long receive_from(
    int fd, void *buffer, size_t length, int flags, struct sockaddr *address, socklen_t *size)
{
    struct iovec piece = { buffer, length };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_name = address, .msg_namelen = size != NULL ? *size : 0,
    };
    long result = gz_engine->receive(fd, &message, flags);

    if (result >= 0 && address != NULL && size != NULL)
        *size = message.msg_namelen;
    return result;
}

static long send_to(
    int fd, const void *buffer, size_t length, int flags, const struct sockaddr *address, socklen_t size)
{
    struct iovec piece = { (void *)buffer, length };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_name = (void *)address, .msg_namelen = size,
    };

    return gz_engine->send(fd, &message, flags);
}

static long receive_pieces(int fd, const struct iovec *pieces, int count)
{
    struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count };

    return count < 0 || count > IOV_MAX ? -EINVAL : gz_engine->receive(fd, &message, 0);
}

static long send_pieces(int fd, const struct iovec *pieces, int count)
{
    struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count };

    return count < 0 || count > IOV_MAX ? -EINVAL : gz_engine->send(fd, &message, 0);
}

#define DIVERT_TO(fd, function)                     \
    do {                                            \
        if (gz_ours(fd)) {                          \
            long answer_ = function;                \
            if (answer_ != GZ_KERNEL)               \
                return gz_result(answer_);          \
        }                                           \
    } while (0)

GZ_EXPORT ssize_t read(int fd, void *buffer, size_t length)
{
    /* Unlike recv, read of nothing never waits. */
    DIVERT_TO(fd, length == 0 ? GZ_KERNEL : receive_one(fd, buffer, length, 0));
    return LIBC(read)(fd, buffer, length);
}

GZ_EXPORT ssize_t __read_chk(int fd, void *buffer, size_t length, size_t size)
{
    if (length > size)
        __chk_fail();
    return read(fd, buffer, length);
}

GZ_EXPORT ssize_t readv(int fd, const struct iovec *pieces, int count)
{
    DIVERT_TO(fd, receive_pieces(fd, pieces, count));
    return LIBC(readv)(fd, pieces, count);
}

GZ_EXPORT ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
    DIVERT_TO(fd, receive_one(fd, buffer, length, flags));
    return LIBC(recv)(fd, buffer, length, flags);
}

GZ_EXPORT ssize_t __recv_chk(int fd, void *buffer, size_t length, size_t size, int flags)
{
    if (length > size)
        __chk_fail();
    return recv(fd, buffer, length, flags);
}

GZ_EXPORT ssize_t recvfrom(int fd, void *restrict buffer, size_t length, int flags,
    struct sockaddr *restrict address, socklen_t *restrict size)
{
    DIVERT_TO(fd, receive_from(fd, buffer, length, flags, address, size));
    return LIBC(recvfrom)(fd, buffer, length, flags, address, size);
}

GZ_EXPORT ssize_t __recvfrom_chk(int fd, void *restrict buffer, size_t length, size_t size, int flags,
    struct sockaddr *restrict address, socklen_t *restrict address_length)
{
    if (length > size)
        __chk_fail();
    return recvfrom(fd, buffer, length, flags, address, address_length);
}

GZ_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    DIVERT(fd, receive(fd, message, flags));
    return LIBC(recvmsg)(fd, message, flags);
}

/* Several messages: waits for the first one only, or, without MSG_WAITFORONE, until the time is over. */
static long receive_many(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *limit)
{
    struct timespec begin, now;
    unsigned done = 0;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    while (done < count) {
        int once = done > 0 && (flags & MSG_WAITFORONE) != 0 ? MSG_DONTWAIT : 0;
        long result = gz_engine->receive(fd, &messages[done].msg_hdr, (flags & ~MSG_WAITFORONE) | once);

        if (result == GZ_KERNEL)
            return done > 0 ? (long)done : GZ_KERNEL;
        if (result < 0)
            return done > 0 ? (long)done : result;
        messages[done++].msg_len = (unsigned)result;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (limit != NULL && (now.tv_sec - begin.tv_sec) * 1000000000l + now.tv_nsec - begin.tv_nsec >=
                limit->tv_sec * 1000000000l + limit->tv_nsec)
            break;
    }
    return done;
}

GZ_EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *limit)
{
    DIVERT_TO(fd, receive_many(fd, messages, count, flags, limit));
    return LIBC(recvmmsg)(fd, messages, count, flags, limit);
}

GZ_EXPORT ssize_t write(int fd, const void *buffer, size_t length)
{
    DIVERT_TO(fd, send_one(fd, buffer, length, 0));
    return LIBC(write)(fd, buffer, length);
}

GZ_EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    DIVERT_TO(fd, send_pieces(fd, pieces, count));
    return LIBC(writev)(fd, pieces, count);
}

GZ_EXPORT ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
    DIVERT_TO(fd, send_one(fd, buffer, length, flags));
    return LIBC(send)(fd, buffer, length, flags);
}

GZ_EXPORT ssize_t sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *address,
    socklen_t size)
{
    DIVERT_TO(fd, send_to(fd, buffer, length, flags, address, size));
    return LIBC(sendto)(fd, buffer, length, flags, address, size);
}

GZ_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    DIVERT(fd, send(fd, message, flags));
    return LIBC(sendmsg)(fd, message, flags);
}

static long send_many(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    unsigned done = 0;

    while (done < count) {
        long result = gz_engine->send(fd, &messages[done].msg_hdr, flags);

        if (result == GZ_KERNEL || result < 0)
            return done > 0 ? (long)done : result;
        messages[done++].msg_len = (unsigned)result;
    }
    return done;
}

GZ_EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    DIVERT_TO(fd, send_many(fd, messages, count, flags));
    return LIBC(sendmmsg)(fd, messages, count, flags);
}

/* A file into a socket of the stack: GZ_KERNEL when the socket is the kernel's. */
static long send_file(int out, int in, off_t *offset, size_t count)
{
    char buffer[COPY_SIZE];
    size_t done = 0;

    while (done < count) {
        size_t part = count - done < sizeof(buffer) ? count - done : sizeof(buffer);
        off_t from = offset != NULL ? *offset : LIBC(lseek)(in, 0, SEEK_CUR);
        ssize_t got = LIBC(pread)(in, buffer, part, from);

        if (got <= 0)
            return done > 0 || got == 0 ? (long)done : -errno;
        long sent = send_one(out, buffer, (size_t)got, 0);

        if (sent < 0)
            return done > 0 ? (long)done : sent;
        if (offset != NULL)
            *offset += sent;
        else
            LIBC(lseek)(in, from + sent, SEEK_SET);
        done += (size_t)sent;
        if (sent < got)
            break;
    }
    return (long)done;
}

GZ_EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t count)
{
    DIVERT_TO(out, send_file(out, in, offset, count));
    return LIBC(sendfile)(out, in, offset, count);
}

GZ_EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t count)
{
    DIVERT_TO(out, send_file(out, in, offset, count));
    return LIBC(sendfile64)(out, in, offset, count);
}

/* A socket that the stack serves; what is undecided yet counts as one. */
static int is_socket(int fd)
{
    return gz_ours(fd) && gz_engine->kinds[fd] == GZ_KIND_SOCKET;
}

GZ_EXPORT ssize_t splice(
    int in, off64_t *in_offset, int out, off64_t *out_offset, size_t length, unsigned flags)
{
    if (is_socket(in) || is_socket(out))
        return gz_result(-EINVAL);
    return LIBC(splice)(in, in_offset, out, out_offset, length, flags);
}
