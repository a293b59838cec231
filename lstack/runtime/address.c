#include "address.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "stack.h"
#include "user_memory.h"

/* How long a list of the kernel's interfaces is good for, in microseconds. */
#define LIST_AGE 1000000

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

int gz_address_from(struct gz_address *out, const struct sockaddr *given, socklen_t length, bool v6)
{
    struct sockaddr_storage storage;
    const struct sockaddr *address = (const struct sockaddr *)&storage;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&storage;

    *out = (struct gz_address){ 0 };
    if (length > sizeof(storage))
        return -EINVAL;
    if (!gz_copy(&storage, given, length))
        return -EFAULT;
    if (length < sizeof(sa_family_t))
        return -EINVAL;
    if (v6) {
        if (address->sa_family != AF_INET6)
            return -EAFNOSUPPORT;
        if (length < sizeof(*six) - sizeof(six->sin6_scope_id))
            return -EINVAL;
        memcpy(out->bytes, &six->sin6_addr, 16);
        out->port = ntohs(six->sin6_port);
        out->scope = length >= sizeof(*six) ? six->sin6_scope_id : 0;
        out->version = 6;
        return 0;
    }
    if (length < sizeof(*v4))
        return -EINVAL;
    if (v4->sin_family != AF_INET && !(v4->sin_family == AF_UNSPEC && v4->sin_addr.s_addr == INADDR_ANY))
        return -EAFNOSUPPORT;
    memcpy(out->bytes, mapped, sizeof(mapped));
    memcpy(out->bytes + 12, &v4->sin_addr, 4);
    out->port = ntohs(v4->sin_port);
    out->version = 4;
    return 0;
}

int gz_address_to(const struct gz_address *from, bool v6, struct sockaddr *address, socklen_t *length)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(from->port) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(from->port) };
    socklen_t full = v6 ? sizeof(six) : sizeof(v4), room;

    memcpy(&v4.sin_addr, from->bytes + 12, 4);
    memcpy(&six.sin6_addr, from->bytes, 16);
    six.sin6_scope_id = from->scope;
    if (!gz_copy(&room, length, sizeof(room)))
        return -EFAULT;
    if ((int)room < 0)
        return -EINVAL;
    if (room > full)
        room = full;
    if (!gz_copy(address, v6 ? (const void *)&six : (const void *)&v4, room))
        return -EFAULT;
    return gz_copy(length, &full, sizeof(full)) ? 0 : -EFAULT;
}

static bool is_any(const struct gz_address *address)
{
    static const uint8_t zero[16];

    return memcmp(address->bytes, zero, 16) == 0 ||
        (memcmp(address->bytes, mapped, 12) == 0 && memcmp(address->bytes + 12, zero, 4) == 0);
}

void gz_endpoint_put(const struct gz_address *address)
{
    uint8_t *at = gz_at(GZ_CALL_ENDPOINT);
    bool all_zero = is_any(address);

    memcpy(at + GZ_ENDPOINT_HIGH, address->bytes, 8);
    memcpy(at + GZ_ENDPOINT_LOW, address->bytes + 8, 8);
    if (all_zero)
        memset(at + GZ_ENDPOINT_LOW, 0, 8);
    memcpy(at + GZ_ENDPOINT_PORT, &address->port, 2);
    memcpy(at + GZ_ENDPOINT_VERSION, &address->version, 2);
    memcpy(at + GZ_ENDPOINT_SCOPE, &address->scope, 4);
    gz_put32(GZ_CALL + GZ_CALL_ENDPOINT_GIVEN, 1);
}

void gz_endpoint_get(struct gz_address *address)
{
    const uint8_t *at = gz_at(GZ_CALL_ENDPOINT);

    memcpy(address->bytes, at + GZ_ENDPOINT_HIGH, 8);
    memcpy(address->bytes + 8, at + GZ_ENDPOINT_LOW, 8);
    memcpy(&address->port, at + GZ_ENDPOINT_PORT, 2);
    memcpy(&address->version, at + GZ_ENDPOINT_VERSION, 2);
    memcpy(&address->scope, at + GZ_ENDPOINT_SCOPE, 4);
}

static void tell_networks(void)
{
    static uint64_t told_at;
    struct ifaddrs *all;
    uint64_t now = gz_now();
    uint32_t count = 0;

    if ((told_at != 0 && now - told_at < LIST_AGE) || getifaddrs(&all) != 0)
        return;
    for (struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
        if (at->ifa_addr == NULL || at->ifa_netmask == NULL || at->ifa_addr->sa_family != AF_INET)
            continue;
        w2c_stack_kernelNetwork(&gz_current->module, count++,
            ((struct sockaddr_in *)at->ifa_addr)->sin_addr.s_addr,
            ((struct sockaddr_in *)at->ifa_netmask)->sin_addr.s_addr);
    }
    freeifaddrs(all);
    told_at = now;
}

bool gz_address_kernel(const struct gz_address *address)
{
    tell_networks();
    gz_endpoint_put(address);
    return w2c_stack_sideOfRoute(&gz_current->module) == GZ_SIDE_KERNEL;
}
