/*
 * Calls that DPDK and its drivers make, redirected at link time (ld --wrap). One thing is learnt: which
 * descriptor a virtual device receives on (its driver has no interrupt, but we want to sleep). Four are
 * prevented: SIGIO to the application's threads; openlog and syslog, which are the application's; waiting
 * inside a driver, where the thread holds the stack's lock. Three are answered otherwise: how packet sockets
 * share what arrives, how many queues a device has, and where getopt's results are.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "dpdk.h"

int __real_socket(int domain, int type, int protocol);
int __real_xsk_socket__create(struct xsk_socket **xsk, const char *interface, __u32 queue,
    struct xsk_umem *umem, struct xsk_ring_cons *receive, struct xsk_ring_prod *transmit,
    const struct xsk_socket_config *config);
int __real_open64(const char *path, int flags, ...);
int __real_fcntl64(int fd, int command, ...);
int __real_poll(struct pollfd *list, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *list, nfds_t count, int timeout);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_xsk_socket__create(struct xsk_socket **xsk, const char *interface, __u32 queue,
    struct xsk_umem *umem, struct xsk_ring_cons *receive, struct xsk_ring_prod *transmit,
    const struct xsk_socket_config *config);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __real_getopt_long(
    int count, char *const *arguments, const char *letters, const struct option *options, int *index);
int __wrap_getopt_long(
    int count, char *const *arguments, const char *letters, const struct option *options, int *index);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
void __wrap_openlog(const char *identity, int option, int facility);
void __wrap___syslog_chk(int priority, int flag, const char *format, ...);

#define PACKET_SOCKETS_MOST 64

/* What the device opened that is being set up; packet sockets are all opened when the environment starts. */
static int descriptor = -1;
static int packet_sockets[PACKET_SOCKETS_MOST];
static unsigned packet_socket_count;

void gz_dpdk_descriptor_clear(void)
{
    descriptor = -1;
}

static bool is_bound_to(int fd, unsigned interface)
{
    struct sockaddr_ll address = { 0 };
    socklen_t size = sizeof(address);

    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
           address.sll_family == AF_PACKET && (unsigned)address.sll_ifindex == interface;
}

int gz_dpdk_descriptor(unsigned interface, uint16_t queue)
{
    int result = descriptor;

    /* The driver opens a device's packet sockets in the order of its queues. */
    for (unsigned i = 0; result < 0 && interface != 0 && i < packet_socket_count; i++) {
        if (is_bound_to(packet_sockets[i], interface) && queue-- == 0)
            result = packet_sockets[i];
    }
    return result;
}

int __wrap_socket(int domain, int type, int protocol)
{
    /* A program that the application executes must not keep the device. */
    int fd = __real_socket(domain, type | SOCK_CLOEXEC, protocol);

    if (fd >= 0 && domain == AF_PACKET && packet_socket_count < PACKET_SOCKETS_MOST)
        packet_sockets[packet_socket_count++] = fd;
    return fd;
}

/* AF_XDP sockets are opened inside libxdp, a shared object whose calls of libc cannot be redirected. */
int __wrap_xsk_socket__create(struct xsk_socket **xsk, const char *interface, __u32 queue,
    struct xsk_umem *umem, struct xsk_ring_cons *receive, struct xsk_ring_prod *transmit,
    const struct xsk_socket_config *config)
{
    int result = __real_xsk_socket__create(xsk, interface, queue, umem, receive, transmit, config);

    if (result == 0)
        descriptor = xsk_socket__fd(*xsk);
    return result;
}

/*
 * af_packet has the kernel put fragments together, and then loses what is longer than its slots; and it
 * spreads by a hash that we don't know. A program chooses the queue (spread.c): the first one while there is
 * none.
 */
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    int fanout;

    if (level != SOL_PACKET || name != PACKET_FANOUT || length != sizeof(fanout))
        return __real_setsockopt(fd, level, name, value, length);
    memcpy(&fanout, value, sizeof(fanout));
    fanout = (fanout & UINT16_MAX) | PACKET_FANOUT_CBPF << 16;
    return __real_setsockopt(fd, level, name, &fanout, sizeof(fanout));
}

/* af_xdp knows combined queues only; veth, for one, counts those each way. */
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    int result = __real_ioctl(fd, request, argument);

    if (result != 0 || request != SIOCETHTOOL)
        return result;
    struct ethtool_channels *channels = (void *)((struct ifreq *)argument)->ifr_data;

    if (channels->cmd == ETHTOOL_GCHANNELS && channels->max_combined == 0) {
        bool more_in = channels->rx_count > channels->tx_count;

        channels->combined_count = more_in ? channels->tx_count : channels->rx_count;
        channels->max_combined = channels->combined_count;
    }
    return result;
}

/*
 * A program that parses arguments has copies of getopt's variables, which getopt then uses; we are bound
 * deeply, and see those of libc.
 */
int __wrap_getopt_long(
    int count, char *const *arguments, const char *letters, const struct option *options, int *index)
{
    void *program = dlopen(NULL, RTLD_LAZY);
    int *next = dlsym(program, "optind"), *wrong = dlsym(program, "optopt");
    char **value = dlsym(program, "optarg");
    int next_before = *next, wrong_before = *wrong;
    char *value_before = *value;

    *next = optind;
    int result = __real_getopt_long(count, arguments, letters, options, index);
    int next_now = *next, wrong_now = *wrong;
    char *value_now = *value;

    *next = next_before;
    *wrong = wrong_before;
    *value = value_before;
    optind = next_now;
    optopt = wrong_now;
    optarg = value_now;
    dlclose(program);
    return result;
}

/* af_packet waits without a time limit for room in its ring, af_xdp a second for the kernel: we only ask. */
int __wrap_poll(struct pollfd *list, nfds_t count, int timeout)
{
    (void)timeout;
    return __real_poll(list, count, 0);
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    int fd = __real_open64(path, flags | O_CLOEXEC, mode);

    if (fd >= 0 && strcmp(path, "/dev/net/tun") == 0)
        descriptor = fd;
    return fd;
}

int __wrap_fcntl64(int fd, int command, ...)
{
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    /* The process as owner would have its signals interrupt the application's threads. */
    if (command == F_SETOWN) {
        struct f_owner_ex owner = { .type = F_OWNER_TID, .pid = gz_dpdk_thread() };

        return __real_fcntl64(fd, F_SETOWN_EX, &owner);
    }
    return __real_fcntl64(fd, command, argument);
}

void __wrap_openlog(const char *identity, int option, int facility)
{
    (void)identity;
    (void)option;
    (void)facility;
}

void __wrap___syslog_chk(int priority, int flag, const char *format, ...)
{
    (void)priority;
    (void)flag;
    (void)format;
}
