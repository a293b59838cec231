/*
 * What a thread sleeps on until frames come: the socket that a virtual driver opened (wrap.c), else the
 * receive interrupt of the device, else the next look at it in a while.
 */
#include "dpdk.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* How long a device without descriptor and interrupt is left alone. */
#define LOOK_NS 100000l

int gz_dpdk_sleep_open(struct gz_port *port)
{
    struct gz_dpdk *dpdk = port->state;
    int interrupt = dpdk->interrupts ? rte_eth_dev_rx_intr_ctl_q_get_fd(dpdk->device, dpdk->queue) : -1;

    if (dpdk->descriptor >= 0) {
        dpdk->wakes = GZ_DPDK_BY_SOCKET;
        /* A second name for it: the engine moves and closes its own. */
        port->fd = dup(dpdk->descriptor);
    } else if (interrupt >= 0 && rte_eth_dev_rx_intr_disable(dpdk->device, dpdk->queue) == 0) {
        dpdk->wakes = GZ_DPDK_BY_INTERRUPT;
        port->fd = dup(interrupt);
    } else {
        dpdk->wakes = GZ_DPDK_BY_TIME;
        port->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    }
    if (port->fd >= 0)
        return 0;
    gz_dpdk_fail(port, "no descriptor to wait on");
    return -1;
}

/* Whether the device has frames; a driver that cannot tell has to be asked for them. */
static bool has_frames(const struct gz_dpdk *dpdk)
{
    int count = rte_eth_rx_queue_count(dpdk->device, dpdk->queue);

    return count != 0;
}

bool gz_dpdk_pending(const struct gz_port *port)
{
    const struct gz_dpdk *dpdk = port->state;
    struct pollfd wanted = { .fd = port->fd, .events = POLLIN };

    if (dpdk->wakes != GZ_DPDK_BY_SOCKET)
        return has_frames(dpdk);
    return poll(&wanted, 1, 0) > 0 && (wanted.revents & POLLIN) != 0;
}

/* The eventfd behind an interrupt keeps what was not read. */
static void drain(int fd)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    uint64_t count;

    if (poll(&waiting, 1, 0) > 0 && read(fd, &count, sizeof(count)) < 0)
        return;
}

bool gz_dpdk_arm(struct gz_port *port)
{
    static const struct itimerspec look = { .it_value = { .tv_nsec = LOOK_NS } };
    struct gz_dpdk *dpdk = port->state;

    if (dpdk->wakes == GZ_DPDK_BY_SOCKET)
        return false;
    if (dpdk->wakes == GZ_DPDK_BY_TIME) {
        /* The new time also takes the old one's expiry back. */
        timerfd_settime(port->fd, 0, &look, NULL);
        return false;
    }
    drain(port->fd);
    dpdk->armed = rte_eth_dev_rx_intr_enable(dpdk->device, dpdk->queue) == 0;
    /* What came before the interrupt was on raises none. */
    return !dpdk->armed || rte_eth_rx_queue_count(dpdk->device, dpdk->queue) > 0;
}

void gz_dpdk_disarm(struct gz_dpdk *dpdk)
{
    if (!dpdk->armed)
        return;
    dpdk->armed = false;
    rte_eth_dev_rx_intr_disable(dpdk->device, dpdk->queue);
}
