/* The socket family. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "preload.h"

GZ_EXPORT int socket(int domain, int type, int protocol)
{
    if (gz_engine != NULL)
        ASK_ENGINE(socket(domain, type, protocol));
    return gz_fresh(LIBC(socket)(domain, type, protocol));
}

GZ_EXPORT int socketpair(int domain, int type, int protocol, int pair[2])
{
    int result = LIBC(socketpair)(domain, type, protocol, pair);

    if (result == 0) {
        gz_fresh(pair[0]);
        gz_fresh(pair[1]);
    }
    return result;
}

GZ_EXPORT int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    DIVERT(fd, bind(fd, address, length));
    return LIBC(bind)(fd, address, length);
}

GZ_EXPORT int listen(int fd, int backlog)
{
    DIVERT(fd, listen(fd, backlog));
    return LIBC(listen)(fd, backlog);
}

GZ_EXPORT int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    DIVERT(fd, accept(fd, address, length, 0));
    return gz_fresh(LIBC(accept)(fd, address, length));
}

GZ_EXPORT int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    DIVERT(fd, accept(fd, address, length, flags));
    return gz_fresh(LIBC(accept4)(fd, address, length, flags));
}

GZ_EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    DIVERT(fd, connect(fd, address, length));
    return LIBC(connect)(fd, address, length);
}

GZ_EXPORT int shutdown(int fd, int how)
{
    DIVERT(fd, shutdown(fd, how));
    return LIBC(shutdown)(fd, how);
}

GZ_EXPORT int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    DIVERT(fd, name(fd, address, length, 0));
    return LIBC(getsockname)(fd, address, length);
}

GZ_EXPORT int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    DIVERT(fd, name(fd, address, length, 1));
    return LIBC(getpeername)(fd, address, length);
}

GZ_EXPORT int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length)
{
    DIVERT(fd, option_get(fd, level, name, value, length));
    return LIBC(getsockopt)(fd, level, name, value, length);
}

GZ_EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    DIVERT(fd, option_set(fd, level, name, value, length));
    return LIBC(setsockopt)(fd, level, name, value, length);
}
