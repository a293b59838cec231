/*
 * A port: one way for frames in and out. The stack decides what is in the frames; a port moves them between
 * the rings in the region and a device.
 */
#ifndef GZ_PORT_H
#define GZ_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gz_port;

/* What a port is asked for. */
struct gz_port_request {
    /* Hardware address of the device, or all zero: then `name` counts. */
    uint8_t mac[6];
    const char *name;
    /* Largest IP packet, or 0: the device's own. */
    uint32_t mtu;
    /* Frames that the receive ring shall hold. */
    uint32_t slots;
    /* The stack's IPv4 address, which the kernel must not own on this device. */
    uint8_t address[4];
    /* For tap: its hardware address, and PortFlag bits of the ports that get what it sends. */
    uint64_t port_mac;
    uint32_t flags;
    /* The device's receive queue that is wanted, of so many: those of the process' stacks. */
    uint32_t queue;
    uint32_t queues;
    /* Classic BPF that chooses the queue, for devices that take it: struct sock_filter, and how many. */
    const void *steering;
    uint32_t steering_length;
    /* A key for devices that choose the queue by a Toeplitz hash (RSS), in bytes. */
    const uint8_t *hash_key;
    uint32_t hash_key_length;
    /* Linear memory of each of those stacks, all with the same window; for dpdk only. */
    uint8_t *const *memories;
    /* argv for the port's library, ends with NULL; for dpdk only. */
    char *const *arguments;
    /* Which of the library's devices, counted from 1, in place of `mac`; 0: by `mac`. For dpdk only. */
    uint32_t order;
    /* Packet buffers each way; 0: as many as `slots` needs. For dpdk only. */
    uint32_t receive_buffers;
    uint32_t transmit_buffers;
    /* Linear memory, and the first byte of it that is free for the port's own memory. */
    uint8_t *memory;
    uint32_t window;
};

struct gz_port_kind {
    const char *name;
    /*
     * What the device counts beside the kernel's statistics of the interface, as members of a JSON object:
     * the bytes written, 0 when there is nothing or no room. Any thread may ask. NULL: nothing.
     */
    uint32_t (*statistics)(const struct gz_port *port, char *to, uint32_t size);
    /*
     * Finds the device, reads its properties and makes what needs privileges (port->fd, unless it is there
     * already); takes nothing from anybody. 0, or -1 with a message of cause and remedy in port->message, as
     * open() below. NULL: only opening the device tells its properties.
     */
    int (*describe)(struct gz_port *port, const struct gz_port_request *request);
    /* Begins to receive; describe(), if there is one, was called before. */
    int (*open)(struct gz_port *port, const struct gz_port_request *request);
    /* Whether a frame waits; no system call, needs no lock. */
    bool (*pending)(const struct gz_port *port);
    /*
     * Called with the lock right before a poller sleeps on port->fd: makes sure that it becomes readable when
     * a frame comes. True: frames wait already, do not sleep. NULL: nothing is to be done.
     */
    bool (*arm)(struct gz_port *port);
    /* Fills up to `most` descriptors at `frames`; they stay valid until release(). */
    uint32_t (*receive)(struct gz_port *port, uint8_t *frames, uint32_t most);
    void (*release)(struct gz_port *port);
    /*
     * Sends the first `count` frames from position `head` of the ring at `slots`; answers how many are done
     * with.
     */
    uint32_t (*transmit)(struct gz_port *port, const uint8_t *slots, uint32_t head, uint32_t count);
    /* Ends the port in this process; a forked child closes its copy the same way. */
    void (*close)(struct gz_port *port);
    /* Lets frames to a further address (low 48 bits, first byte lowest) pass; may be NULL. */
    void (*accept)(struct gz_port *port, uint64_t mac);
    /* Whether the link of a device that is no interface of the kernel is up. NULL: it is not known. */
    bool (*is_up)(const struct gz_port *port);
};

struct gz_port {
    const struct gz_port_kind *kind;
    uint8_t *memory;
    /* Readable when frames wait; -1 before describe or open made it. */
    int fd;
    /* The stack's number of this port. */
    uint32_t id;
    /* For portOpen(): PortFlag bits, the device's properties. */
    uint32_t flags;
    uint32_t mtu;
    uint64_t mac;
    uint32_t segmentation_max;
    /*
     * The device chooses the queue by the hash key that it was given: entries of its table, entry i is queue
     * i modulo their number. 0: it does not.
     */
    uint32_t hash_entries;
    /* The interface's name. */
    char device[16];
    /* Bytes of the window that the port's own memory takes. */
    uint32_t window_size;
    bool opened;
    /* Frames with VLAN tags are wanted, too: the tag in their flags. */
    bool takes_tags;
    /* For tap: where its memory begins in the window, and whether it may have more to read. */
    uint32_t window;
    bool more;
    /* The device took no more frames when transmit() last ran. */
    bool blocked;
    /* The other end was asked for a wake-up. */
    bool armed;
    /* Frames that the port itself could not hand over or send: VLAN tagged, refused by the device. */
    uint64_t skipped;
    uint64_t refused;
    char message[400];
    /* What to do when frames arrive cut off: said once, when the first one did. Empty: nothing to say. */
    char truncation[240];
    /* The kind's own state. */
    void *state;
};

extern const struct gz_port_kind gz_packet_port;
extern const struct gz_port_kind gz_ring_port;
extern const struct gz_port_kind gz_tap_port;
/* To another program on this machine: runtime/peers.c opens and closes it. */
extern const struct gz_port_kind gz_peer_port;
/* In liblstack-dpdk.so, a shared object of its own. */
extern const struct gz_port_kind gz_dpdk_port;
#define GZ_DPDK_OBJECT "liblstack-dpdk.so"
#define GZ_DPDK_SYMBOL "gz_dpdk_port"

#endif
