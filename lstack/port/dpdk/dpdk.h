/* The port `dpdk`: any device that DPDK drives, a NIC on the PCI bus or a virtual one (liblstack-dpdk.so). */
#ifndef GZ_DPDK_H
#define GZ_DPDK_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "port/port.h"
#include "stack_layout.h"

enum gz_dpdk_wakes {
    /* A socket that is readable while frames wait. */
    GZ_DPDK_BY_SOCKET,
    /* An interrupt, which has to be armed before each sleep. */
    GZ_DPDK_BY_INTERRUPT,
    /* Nothing: the device is looked at again after a while. */
    GZ_DPDK_BY_TIME,
};

/* One queue of a device, each way: that of a port. Several stacks of a process have one each of a device. */
struct gz_dpdk {
    uint16_t device;
    uint16_t queue;
    /* The linear memory of the queue's stack, and what of its window the queue takes. */
    uint8_t *memory;
    uint32_t window_size;
    /* Receive interrupts are on for the device. */
    bool interrupts;
    /* See struct gz_port. */
    uint32_t hash_entries;
    /* What a virtual device receives the queue's frames on; -1: it opened nothing. */
    int descriptor;
    enum gz_dpdk_wakes wakes;
    /* The interrupt is on. */
    bool armed;
    /* The lcore that whoever holds the stack's lock acts as: gives it the mempools' caches. */
    unsigned lcore;
    struct rte_mempool *receive_pool;
    struct rte_mempool *transmit_pool;
    /* The buffers of the first one, in linear memory. */
    uint8_t *frames;
    uint32_t frames_size;
    /* The driver cannot use buffers in linear memory: frames are copied there. */
    bool copies;
    uint64_t offloads;
    /* Frames lent to the stack. */
    struct rte_mbuf *lent[GZ_RX_BURST];
    uint16_t lent_count;
    /* Where frames are copied to: GZ_RX_BURST slots; also for frames of several buffers. */
    uint8_t *bounce;
};

/* Starts DPDK's environment once per process, on a thread of its own: 0, or -1 with port->message. */
int gz_dpdk_environment(struct gz_port *port, char *const *arguments);
/* The thread that the environment runs on. */
pid_t gz_dpdk_thread(void);
/* Forgets the descriptors that a device opened when a queue was set up. */
void gz_dpdk_descriptor_clear(void);
/*
 * The descriptor on which frames of a queue of the device on interface number `interface` (0: none) can be
 * waited for, once the queue was set up; -1 when it opened none. See wrap.c.
 */
int gz_dpdk_descriptor(unsigned interface, uint16_t queue);
/* Forgets what DPDK logged. */
void gz_dpdk_log_clear(void);
/* Puts a message together from `text` and what DPDK logged. */
void gz_dpdk_fail(struct gz_port *port, const char *text);

/* Chooses what threads sleep on, port->fd, once the device runs: 0, or -1 with port->message. */
int gz_dpdk_sleep_open(struct gz_port *port);
/* As struct gz_port_kind says. */
bool gz_dpdk_pending(const struct gz_port *port);
bool gz_dpdk_arm(struct gz_port *port);
/* Whoever asks for frames needs no interrupt. */
void gz_dpdk_disarm(struct gz_dpdk *dpdk);

/*
 * Takes the XDP programs of processes that were killed off the interfaces that `arguments` give to
 * net_af_xdp.
 */
void gz_dpdk_xdp_clean(char *const *arguments);
/* The device on this interface was started: its XDP program is ours. */
void gz_dpdk_xdp_mark(unsigned interface);
/* Whether an interface of ours carries an XDP program, once the device did not start. */
bool gz_dpdk_xdp_foreign(void);
void gz_dpdk_xdp_leave(void);

/* Memory of a queue within the window, and its pools: 0, or -1 with port->message. */
int gz_dpdk_pools(struct gz_port *port, struct gz_dpdk *dpdk, const struct gz_port_request *request);
/* Lets a device that reads and writes memory by itself reach the buffers in linear memory: 0, or -1. */
int gz_dpdk_reach(const struct gz_dpdk *dpdk, struct rte_device *device);
/* A pool of ordinary buffers in place of one in linear memory: 0, or -1 with port->message. */
int gz_dpdk_plain_pool(struct gz_port *port, struct gz_dpdk *dpdk);

/* Asks in `conf` for a spreading of received frames by hash, where the device can do that. */
void gz_dpdk_spread_ask(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info,
    const struct gz_port_request *request);
/*
 * Once the device runs: makes it deal frames out among the `count` queues at `queues` as the stacks expect,
 * as far as it can. What it does otherwise is put right by handing frames over.
 */
void gz_dpdk_spread(struct gz_dpdk *queues, uint16_t count, const struct rte_eth_dev_info *info,
    const struct gz_port_request *request);

uint32_t gz_dpdk_receive(struct gz_port *port, uint8_t *frames, uint32_t most);
void gz_dpdk_release(struct gz_port *port);
uint32_t gz_dpdk_transmit(struct gz_port *port, const uint8_t *slots, uint32_t head, uint32_t count);

/* Bytes of data in a buffer, with DPDK's headroom, and of a bounce slot. */
#define GZ_DPDK_ROOM (2048 + RTE_PKTMBUF_HEADROOM)
#define GZ_DPDK_BOUNCE 16384u

/* The buffers' owner for the calls that follow: whoever holds the stack's lock. */
static inline void gz_dpdk_enter(const struct gz_dpdk *dpdk)
{
    RTE_PER_LCORE(_lcore_id) = dpdk->lcore;
}
/* statistics.c */
uint32_t gz_dpdk_statistics(const struct gz_port *port, char *to, uint32_t size);

#endif
