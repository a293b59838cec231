/*
 * A thread of its own waits for the kernel's word about the interface of the port: virtual devices of DPDK
 * always say that their link is up, and a packet socket says nothing. It also says once, in words, when
 * frames arrive cut off, and whenever the kernel comes to have the stack's address, too.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/owner.h"
#include "stack.h"

#define STACK_SIZE (64 * 1024)
/* How often to look whether frames were cut off, in milliseconds. */
#define LOOK_MS 1000

static int events = -1;
/* What the device's link was found to be. */
static bool is_up;

/*
 * Whether the interface is up and has a carrier. One that is not here any more says nothing (a TAP device
 * works on when it was moved to a container): up.
 */
static bool link_is_up(int fd)
{
    struct ifreq ask = { 0 };

    snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", gz_current->wire.device);
    return ioctl(fd, SIOCGIFFLAGS, &ask) != 0 || (ask.ifr_flags & IFF_RUNNING) != 0;
}

static int tell_one(struct gz_thread *thread)
{
    (void)thread;
    if (gz_current->running)
        w2c_stack_portLink(&gz_current->module, gz_current->wire.id, is_up, gz_now());
    return 0;
}

static long tell(void)
{
    GZ_ENTER(thread, -1);
    gz_in_every_stack(thread, tell_one);
    GZ_LEAVE(thread);
    return 0;
}

/*
 * What the messages say does not matter: the state is asked for. One that was lost is as good as one that
 * came.
 */
static bool changed(int fd)
{
    char message[8192];
    bool any = false;

    while (recv(fd, message, sizeof(message), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
        any = true;
    return any;
}

static void say_truncated(void)
{
    struct gz_port *port = &gz_current->wire;
    uint64_t drops = 0;

    for (uint32_t i = 0; i < gz_process.stacks; i++) {
        uint64_t count;

        memcpy(&count, gz_stacks[i].env.memory.data + GZ_DROPS + GZ_DROP_TRUNCATED * 8, sizeof(count));
        drops += count;
    }
    if (drops == 0)
        return;
    gz_say(GZ_INFO, "%s", port->truncation);
    port->truncation[0] = '\0';
}

/* The kernel may be given the stack's address while the stack runs. */
static void say_owner(void)
{
    static bool was_owned;
    char message[256];
    const struct gz_config *config = &gz_process.config;
    bool is_owned = config->kni_switch == 0 &&
        gz_kernel_owns(config->host_addr + 12, message, sizeof(message));

    if (is_owned && !was_owned)
        dprintf(STDERR_FILENO, "gazelle: %s\n", message);
    was_owned = is_owned;
}

static void *watch(void *argument)
{
    struct pollfd event = { .fd = events, .events = POLLIN };
    bool was_up = true;

    is_up = true;
    pthread_setname_np(pthread_self(), "gz-link");
    for (;;) {
        is_up = link_is_up(event.fd);
        if (is_up != was_up && tell() < 0)
            return argument;
        if (is_up != was_up)
            gz_say(GZ_DEBUG, "the link of %s is %s", gz_current->wire.device, is_up ? "up" : "down");
        was_up = is_up;
        say_owner();
        if (gz_current->wire.truncation[0] != '\0')
            say_truncated();
        if (poll(&event, 1, gz_current->wire.truncation[0] != '\0' ? LOOK_MS : -1) > 0 && !changed(event.fd))
            return argument;
    }
}

void gz_link_start(void)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR };

    if (gz_current->wire.device[0] == '\0')
        return;
    events = gz_internal(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (events < 0 || bind(events, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return;
    gz_thread_start(watch, STACK_SIZE);
}

void gz_link_error(int fd)
{
    int error;
    socklen_t size = sizeof(error);

    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
}
