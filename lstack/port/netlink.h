/* Telling the kernel something over netlink; what is said, TypeScript writes (kernel/). */
#ifndef GZ_NETLINK_H
#define GZ_NETLINK_H

#include <stddef.h>

/* A socket for NETLINK_ROUTE or NETLINK_NETFILTER, or -errno. */
int gz_netlink_open(int protocol);
/* Sends messages of which the last asks for an answer: 0, or -errno of the first that failed. */
int gz_netlink_tell(int fd, const void *messages, size_t size);

#endif
