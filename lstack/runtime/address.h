/* Socket addresses of the application and endpoints of the stack; which of them are the kernel's. */
#ifndef GZ_ADDRESS_H
#define GZ_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Any address: 16 bytes, IPv4 as ::ffff:a.b.c.d. */
struct gz_address {
    uint8_t bytes[16];
    uint16_t port;
    /* 4 or 6: the family it was given in. */
    uint16_t version;
    uint32_t scope;
};

/* 0, or -EINVAL, -EAFNOSUPPORT, -EFAULT as Linux answers for a wrong family, length or place. */
int gz_address_from(struct gz_address *out, const struct sockaddr *address, socklen_t length, bool v6);
/*
 * Writes an address as getsockname does: cut to *length, which becomes the full length. 0, -EINVAL, -EFAULT.
 */
int gz_address_to(const struct gz_address *from, bool v6, struct sockaddr *address, socklen_t *length);

/* To and from the stack's call area. */
void gz_endpoint_put(const struct gz_address *address);
void gz_endpoint_get(struct gz_address *address);

/* Traffic to it is the kernel's: its own addresses, the networks of its interfaces. */
bool gz_address_kernel(const struct gz_address *address);

#endif
