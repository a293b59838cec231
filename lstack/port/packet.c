/*
 * The port `packet`: an AF_PACKET socket on an interface that stays with the kernel. Received frames lie in a
 * TPACKET_V2 ring that is mapped into linear memory, with a virtio-net header in front (checksums and
 * segmentation left to the port, frames up to 64 KB); frames are transmitted with sendmmsg straight from
 * linear memory.
 */
#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "port/fields.h"
#include "port/owner.h"
#include "stack_layout.h"

/* A slot holds the ring's own header, the virtio-net header and the largest frame there is. */
#define SLOT_SIZE (17u * 4096)
#define BLOCK_SIZE (1u << 20)
#define SLOTS_PER_BLOCK (BLOCK_SIZE / SLOT_SIZE)
#define VNET_HEADER 10u
/* Bytes that all headers of a super-frame may take of the 64 KB. */
#define SUPER_FRAME_HEADERS 256u
#define SEND_BURST 64u
#define SEND_BUFFER (8 << 20)
/* EtherType of the tags that are known. */
#define VLAN_TYPE ETH_P_8021Q
/* More small frames than a receive queue holds. */
#define DRAIN_MOST 8192u

struct packet {
    uint8_t *ring;
    uint32_t slots;
    /* The next slot that the kernel fills, and how many in front of it are lent to the stack. */
    uint32_t next;
    uint32_t lent;
    /* Frames go through the kernel's queueing discipline. */
    bool queued;
    struct mmsghdr messages[SEND_BURST];
    struct iovec pieces[SEND_BURST][GZ_TX_SPANS];
};

static int fail(struct gz_port *port, const char *what, const char *remedy)
{
    snprintf(port->message, sizeof(port->message), "%s: %s%s%s", what, strerror(errno), *remedy ? "; " : "",
        remedy);
    return -1;
}

static uint8_t *slot_at(const struct packet *packet, uint32_t index)
{
    return packet->ring + (size_t)(index / SLOTS_PER_BLOCK) * BLOCK_SIZE +
           (index % SLOTS_PER_BLOCK) * SLOT_SIZE;
}

static bool same_mac(int fd, const char *name, const uint8_t mac[6])
{
    struct ifreq request = { 0 };

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    return ioctl(fd, SIOCGIFHWADDR, &request) == 0 && memcmp(request.ifr_hwaddr.sa_data, mac, 6) == 0;
}

/* Finds the interface by name or by MAC; fills `name`. */
static int find_interface(struct gz_port *port, const struct gz_port_request *request, char *name)
{
    static const uint8_t none[6];

    if (memcmp(request->mac, none, 6) == 0) {
        snprintf(name, IF_NAMESIZE, "%s", request->name);
        if (if_nametoindex(name) != 0)
            return 0;
        return fail(port, request->name, "`ip link` lists the interfaces; set devices in lstack.conf");
    }
    struct if_nameindex *all = if_nameindex();
    bool found = false;

    for (struct if_nameindex *at = all; at != NULL && at->if_index != 0 && !found; at++) {
        found = same_mac(port->fd, at->if_name, request->mac);
        if (found)
            snprintf(name, IF_NAMESIZE, "%s", at->if_name);
    }
    if (all != NULL)
        if_freenameindex(all);
    if (found)
        return 0;
    const uint8_t *m = request->mac;

    snprintf(port->message, sizeof(port->message),
        "no interface has the address %02x:%02x:%02x:%02x:%02x:%02x; `ip link` lists the interfaces; "
        "set devices in lstack.conf",
        m[0], m[1], m[2], m[3], m[4], m[5]);
    return -1;
}

static int read_properties(struct gz_port *port, const struct gz_port_request *request, const char *name)
{
    struct ifreq ask = { 0 };

    snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", name);
    if (ioctl(port->fd, SIOCGIFFLAGS, &ask) != 0)
        return fail(port, name, "");
    if ((ask.ifr_flags & IFF_UP) == 0) {
        snprintf(port->message, sizeof(port->message), "the interface %s is down; `ip link set %s up`", name,
            name);
        return -1;
    }
    if (ioctl(port->fd, SIOCGIFMTU, &ask) != 0)
        return fail(port, name, "");
    port->mtu = (uint32_t)ask.ifr_mtu;
    if (request->mtu != 0 && request->mtu < port->mtu)
        port->mtu = request->mtu;
    if (ioctl(port->fd, SIOCGIFHWADDR, &ask) != 0)
        return fail(port, name, "");
    port->mac = 0;
    memcpy(&port->mac, ask.ifr_hwaddr.sa_data, 6);
    port->flags = GZ_PORT_FLAG_VNET_HEADER | GZ_PORT_FLAG_TX_CHECKSUM | GZ_PORT_FLAG_SEGMENTATION |
        GZ_PORT_FLAG_RX_CHECKSUM | GZ_PORT_FLAG_PARTIAL_CHECKSUM;
    port->segmentation_max = 65536 - SUPER_FRAME_HEADERS;
    return 0;
}

static int set(struct gz_port *port, int option, int value, const char *what)
{
    if (setsockopt(port->fd, SOL_PACKET, option, &value, sizeof(value)) == 0)
        return 0;
    return fail(port, what, "");
}

static int map_ring(struct gz_port *port, const struct gz_port_request *request)
{
    struct packet *packet = port->state;
    uint32_t blocks = (request->slots + SLOTS_PER_BLOCK - 1) / SLOTS_PER_BLOCK;
    struct tpacket_req ring = {
        .tp_block_size = BLOCK_SIZE,
        .tp_block_nr = blocks,
        .tp_frame_size = SLOT_SIZE,
        .tp_frame_nr = blocks * SLOTS_PER_BLOCK,
    };

    port->window_size = blocks * BLOCK_SIZE;
    if ((uint64_t)request->window + port->window_size > UINT32_MAX) {
        snprintf(port->message, sizeof(port->message),
            "no room for the receive ring below 4096 MiB; make memory or nic_rxqueue_size smaller");
        return -1;
    }
    if (set(port, PACKET_VERSION, TPACKET_V2, "TPACKET_V2") != 0 ||
        set(port, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR") != 0)
        return -1;
    if (set(port, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING") != 0)
        return -1;
    if (setsockopt(port->fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) != 0)
        return fail(port, "cannot make the receive ring", "make nic_rxqueue_size smaller");
    packet->slots = ring.tp_frame_nr;
    packet->ring = mmap(request->memory + request->window, port->window_size, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_FIXED, port->fd, 0);
    if (packet->ring == MAP_FAILED)
        return fail(port, "cannot map the receive ring", "");
    madvise(packet->ring, port->window_size, MADV_DONTFORK);
    return 0;
}

static void packet_close(struct gz_port *port)
{
    struct packet *packet = port->state;

    if (packet != NULL)
        munmap(packet, sizeof(*packet));
    if (port->fd >= 0)
        close(port->fd);
    port->state = NULL;
    port->fd = -1;
}

/*
 * The socket is made here, with protocol 0, so that nothing arrives before it is bound to its interface: a
 * program like nginx listens as root, and its worker, which claims the port, may not make packet sockets any
 * more.
 */
static int make_socket(struct gz_port *port)
{
    int size = SEND_BUFFER;

    port->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (port->fd < 0)
        return fail(port, "cannot open a packet socket", "run as root, or with CAP_NET_RAW");
    if (setsockopt(port->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
        setsockopt(port->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    return 0;
}

static int packet_describe(struct gz_port *port, const struct gz_port_request *request)
{
    if (port->fd < 0 && make_socket(port) != 0)
        return -1;
    if (find_interface(port, request, port->device) != 0 ||
        gz_kernel_owns(request->address, port->message, sizeof(port->message)))
        return -1;
    return read_properties(port, request, port->device);
}

/* A process that had the port before us, and ended, left its ring on the socket that we share. */
static void remove_ring(struct gz_port *port)
{
    struct tpacket_req none = { 0 };

    setsockopt(port->fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none));
}

/* What arrived while there was no ring would keep the socket readable for ever. */
static void drain(struct gz_port *port)
{
    char frame[64];

    for (uint32_t i = 0;
         i < DRAIN_MOST && recv(port->fd, frame, sizeof(frame), MSG_DONTWAIT | MSG_TRUNC) >= 0; i++)
        continue;
}

/*
 * One of several queues: the sockets of the process' stacks are a group among which the kernel deals out what
 * arrives, by a program of the stack's. Members are numbered in the order in which they join.
 */
static int join_group(struct gz_port *port, const struct gz_port_request *request)
{
    static uint16_t group;
    int value = (PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_DEFRAG) << 16;
    socklen_t size = sizeof(value);
    struct sock_fprog program = { .len = (unsigned short)request->steering_length,
        .filter = (struct sock_filter *)request->steering };

    value |= request->queue == 0 ? PACKET_FANOUT_FLAG_UNIQUEID << 16 : group;
    /* EALREADY: a process that ended had the socket before us. */
    if (setsockopt(port->fd, SOL_PACKET, PACKET_FANOUT, &value, sizeof(value)) != 0 && errno != EALREADY)
        return fail(port, "cannot deal out frames among several stacks", "set num_cpus to one CPU");
    if (getsockopt(port->fd, SOL_PACKET, PACKET_FANOUT, &value, &size) != 0)
        return fail(port, "PACKET_FANOUT", "");
    group = (uint16_t)value;
    if (request->queue == 0 &&
        setsockopt(port->fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)) != 0)
        return fail(port, "PACKET_FANOUT_DATA", "");
    return 0;
}

static int packet_open(struct gz_port *port, const struct gz_port_request *request)
{
    struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

    port->memory = request->memory;
    port->state =
        mmap(NULL, sizeof(struct packet), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (port->state == MAP_FAILED) {
        port->state = NULL;
        return fail(port, "no memory", "");
    }
    remove_ring(port);
    if (map_ring(port, request) != 0)
        return -1;
    drain(port);
    set(port, PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS");
    address.sll_ifindex = (int)if_nametoindex(port->device);
    if (bind(port->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return fail(port, "cannot bind the packet socket", "");
    return request->queues > 1 ? join_group(port, request) : 0;
}

static bool packet_pending(const struct gz_port *port)
{
    const struct packet *packet = port->state;
    const struct tpacket2_hdr *header = (const struct tpacket2_hdr *)slot_at(packet, packet->next);

    return (__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) != 0;
}

/*
 * What the flags of a frame say of the VLAN tag, which the kernel takes out. -1: the frame belongs to another
 * network than the port.
 */
static int64_t flags_of(const struct gz_port *port, const struct tpacket2_hdr *header)
{
    if ((header->tp_status & TP_STATUS_VLAN_VALID) == 0)
        return 0;
    if (!port->takes_tags || header->tp_vlan_tpid != VLAN_TYPE)
        return -1;
    return GZ_RX_FLAG_VLAN | (int64_t)header->tp_vlan_tci << GZ_RX_VLAN_SHIFT;
}

static uint32_t packet_receive(struct gz_port *port, uint8_t *frames, uint32_t most)
{
    struct packet *packet = port->state;
    uint32_t count = 0;

    /* At least one slot stays with the kernel, or a full ring could not be told from an empty one. */
    while (count < most && packet->lent + 1 < packet->slots && packet_pending(port)) {
        uint8_t *slot = slot_at(packet, packet->next);
        const struct tpacket2_hdr *header = (const struct tpacket2_hdr *)slot;
        uint32_t start = header->tp_mac - VNET_HEADER;

        packet->next = packet->next + 1 == packet->slots ? 0 : packet->next + 1;
        packet->lent++;
        int64_t flags = flags_of(port, header);

        if (flags < 0 || header->tp_mac < VNET_HEADER ||
            header->tp_mac + header->tp_snaplen > SLOT_SIZE) {
            port->skipped++;
            continue;
        }
        uint8_t *frame = frames + (size_t)count * GZ_RX_FRAME_SIZE;

        gz_field32_set(frame, GZ_RX_FRAME_ADDRESS, (uint32_t)(slot + start - port->memory));
        gz_field32_set(frame, GZ_RX_FRAME_LENGTH, header->tp_snaplen + VNET_HEADER);
        gz_field32_set(frame, GZ_RX_FRAME_WIRE_LENGTH, header->tp_len + VNET_HEADER);
        gz_field32_set(frame, GZ_RX_FRAME_FLAGS, (uint32_t)flags);
        count++;
    }
    return count;
}

static void packet_release(struct gz_port *port)
{
    struct packet *packet = port->state;

    while (packet->lent > 0) {
        uint32_t index = (packet->next + packet->slots - packet->lent) % packet->slots;
        struct tpacket2_hdr *header = (struct tpacket2_hdr *)slot_at(packet, index);

        __atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        packet->lent--;
    }
}

/* The message for one slot of the transmit ring. */
static void prepare(struct gz_port *port, uint32_t index, const uint8_t *slot)
{
    struct packet *packet = port->state;
    struct iovec *pieces = packet->pieces[index];
    uint16_t count = gz_field16(slot, GZ_TX_SLOT_SPAN_COUNT);

    if (count > GZ_TX_SPANS)
        count = GZ_TX_SPANS;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *span = slot + GZ_TX_SLOT_SPANS + (size_t)i * GZ_SPAN_SIZE;

        pieces[i].iov_base = port->memory + gz_field32(span, GZ_SPAN_ADDRESS);
        pieces[i].iov_len = gz_field32(span, GZ_SPAN_LENGTH);
    }
    memset(&packet->messages[index], 0, sizeof(packet->messages[index]));
    packet->messages[index].msg_hdr.msg_iov = pieces;
    packet->messages[index].msg_hdr.msg_iovlen = count;
}

static uint32_t packet_transmit(struct gz_port *port, const uint8_t *slots, uint32_t head, uint32_t count)
{
    struct packet *packet = port->state;
    uint32_t done = 0;

    port->blocked = false;
    while (done < count) {
        uint32_t burst = count - done < SEND_BURST ? count - done : SEND_BURST;

        for (uint32_t i = 0; i < burst; i++)
            prepare(port, i, slots + (size_t)((head + done + i) & (GZ_TX_RING - 1)) * GZ_TX_SLOT_STRIDE);
        long sent = syscall(SYS_sendmmsg, port->fd, packet->messages, burst, MSG_DONTWAIT);
        if (sent > 0) {
            done += (uint32_t)sent;
        } else if (errno == ENOBUFS && !packet->queued) {
            /* Past the queueing discipline, super-frames for a device that does not cut them are dropped. */
            packet->queued = true;
            set(port, PACKET_QDISC_BYPASS, 0, "PACKET_QDISC_BYPASS");
        } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == EINTR) {
            port->blocked = true;
            break;
        } else {
            /* This frame cannot be sent at all (interface down, longer than the link takes): it is lost. */
            port->refused++;
            done++;
        }
    }
    return done;
}

const struct gz_port_kind gz_packet_port = {
    .name = "packet",
    .describe = packet_describe,
    .open = packet_open,
    .pending = packet_pending,
    .receive = packet_receive,
    .release = packet_release,
    .transmit = packet_transmit,
    .close = packet_close,
};
