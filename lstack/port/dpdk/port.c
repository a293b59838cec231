/* Opening, watching and closing a device of DPDK. */
#include "dpdk.h"

#include <errno.h>
#include <net/if.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DESCRIPTORS 1024
#define SUPER_FRAME_HEADERS 256u
/*
 * The kernel takes an AF_XDP socket down some time after it was closed; until then its queue is busy. In
 * microseconds.
 */
#define BUSY_RETRY 50000
#define BUSY_RETRIES 10

static bool is_zero(const uint8_t mac[6])
{
    static const uint8_t zero[6];

    return memcmp(mac, zero, sizeof(zero)) == 0;
}

/* Device number `order`, counted from 1: 0, or -1 with a message that says how many there are. */
static int find_by_order(struct gz_port *port, uint32_t order)
{
    struct gz_dpdk *dpdk = port->state;
    unsigned count = 0;
    uint16_t id;

    RTE_ETH_FOREACH_DEV(id) {
        dpdk->device = id;
        if (++count == order)
            return 0;
    }
    gz_dpdk_fail(port,
        count > 0 ? "DPDK finds fewer devices than bond_ports names"
                  : "no device; check dpdk_args, or whether the NIC is bound: dpdk-devbind.py --status");
    return -1;
}

/*
 * The device with the wanted hardware address, else the only one: 0, or -1 with a message that lists what
 * there is. A virtual one is not there when its interface has fewer queues than it was asked for.
 */
static int find(struct gz_port *port, const uint8_t mac[6], bool several)
{
    struct gz_dpdk *dpdk = port->state;
    struct rte_ether_addr address;
    char found[200] = "";
    unsigned count = 0;
    uint16_t id;

    RTE_ETH_FOREACH_DEV(id) {
        if (rte_eth_macaddr_get(id, &address) != 0)
            continue;
        dpdk->device = id;
        count++;
        if (memcmp(address.addr_bytes, mac, 6) == 0)
            return 0;
        size_t used = strlen(found);

        snprintf(found + used, sizeof(found) - used, " " RTE_ETHER_ADDR_PRT_FMT,
            RTE_ETHER_ADDR_BYTES(&address));
    }
    if (count == 1 && is_zero(mac))
        return 0;
    if (count == 0)
        gz_dpdk_fail(port,
            several
                ? "no device; check iface in dpdk_args, and whether it has a queue for each stack: ethtool -l"
                : "no device; check iface in dpdk_args, or whether the NIC is bound: "
                  "dpdk-devbind.py --status");
    else
        snprintf(port->message, sizeof(port->message),
            "port dpdk: %u devices, none of which is the one that `devices` names; hardware addresses found:"
            "%s", count, found);
    return -1;
}

/*
 * What the stack uses of what the device offers. The tap driver offers to cut super-frames, but holds a
 * segment with its link header against the MTU, and so refuses every full one without ever saying so.
 */
static uint64_t offloads(const struct rte_eth_dev_info *info)
{
    bool cuts = strcmp(info->driver_name, "net_tap") != 0;
    uint64_t wanted = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
    uint64_t cutting =
        RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
    uint64_t result = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

    if ((info->tx_offload_capa & wanted) == wanted)
        result |= wanted;
    if (cuts && (info->tx_offload_capa & (wanted | cutting)) == (wanted | cutting))
        result |= cutting;
    return result;
}

/* Payload of a super-frame: a frame has a 16-bit length, and no more buffers than the device takes. */
static uint32_t segmentation(const struct rte_eth_dev_info *info)
{
    uint32_t buffers = info->tx_desc_lim.nb_seg_max;
    uint32_t most = UINT16_MAX - SUPER_FRAME_HEADERS;

    if (buffers == 0 || buffers > most / GZ_BUFFER_SIZE + 2)
        return most;
    return buffers < 4 ? 0 : (buffers - 2) * GZ_BUFFER_SIZE;
}

static int receive_queue(const struct gz_dpdk *dpdk, uint16_t descriptors)
{
    return rte_eth_rx_queue_setup(
        dpdk->device, dpdk->queue, descriptors, SOCKET_ID_ANY, NULL, dpdk->receive_pool);
}

static int set_up(struct gz_port *port, struct gz_dpdk *dpdk, bool is_xdp)
{
    uint16_t receive = DESCRIPTORS, transmit = DESCRIPTORS;

    if (rte_eth_dev_adjust_nb_rx_tx_desc(dpdk->device, &receive, &transmit) != 0 ||
        rte_eth_tx_queue_setup(dpdk->device, dpdk->queue, transmit, SOCKET_ID_ANY, NULL) != 0)
        return -1;
    /* af_xdp insists on buffers of one piece with their descriptors, and there may be others. */
    if (!is_xdp && receive_queue(dpdk, receive) == 0)
        return 0;
    if (!dpdk->copies && gz_dpdk_plain_pool(port, dpdk) != 0)
        return -1;
    int result = receive_queue(dpdk, receive);

    for (int i = 0; is_xdp && result != 0 && i < BUSY_RETRIES; i++) {
        usleep(BUSY_RETRY);
        gz_dpdk_log_clear();
        result = receive_queue(dpdk, receive);
    }
    return result;
}

static bool is_pci(const struct rte_eth_dev_info *info)
{
    return strcmp(rte_bus_name(rte_dev_bus(info->device)), "pci") == 0;
}

/* What the stack wants to know of the device; `wanted` is its largest packet, 0: as the device has it. */
static int describe(struct gz_port *port, const struct rte_eth_dev_info *info, uint32_t wanted)
{
    const struct gz_dpdk *dpdk = port->state;
    struct rte_ether_addr address;
    uint16_t mtu;

    if (rte_eth_macaddr_get(dpdk->device, &address) != 0 || rte_eth_dev_get_mtu(dpdk->device, &mtu) != 0)
        return -1;
    port->mtu = wanted != 0 && wanted < mtu ? wanted : mtu;
    port->mac = 0;
    memcpy(&port->mac, address.addr_bytes, sizeof(address.addr_bytes));
    if (info->if_index == 0 || if_indextoname(info->if_index, port->device) == NULL)
        port->device[0] = '\0';
    if ((dpdk->offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0)
        port->flags |= GZ_PORT_FLAG_TX_CHECKSUM;
    if ((dpdk->offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0) {
        port->flags |= GZ_PORT_FLAG_SEGMENTATION;
        port->segmentation_max = segmentation(info);
    }
    /* A virtual link to the local kernel may carry checksums that were never finished (DESIGN D13). */
    if (!is_pci(info))
        port->flags |= GZ_PORT_FLAG_PARTIAL_CHECKSUM;
    if (strcmp(info->driver_name, "net_af_packet") == 0)
        snprintf(port->truncation, sizeof(port->truncation),
            "%s received frames that are longer than the driver's slots and lost them: the other end of its "
            "link must send no super-frames; there: `ethtool -K DEVICE tx off tso off gso off`",
            port->device);
    return 0;
}

/* Configures and starts the device, with receive interrupts when wanted and possible. */
static int configure(struct gz_port *port, uint16_t count, const struct gz_port_request *request,
    const struct rte_eth_dev_info *info, bool interrupts, bool hashes)
{
    struct gz_dpdk *queues = port->state;
    struct rte_eth_conf conf = { .txmode.offloads = queues->offloads, .intr_conf.rxq = interrupts };
    bool is_xdp = strcmp(info->driver_name, "net_af_xdp") == 0;

    if (hashes)
        gz_dpdk_spread_ask(&conf, info, request);
    if (rte_eth_dev_configure(queues->device, count, count, &conf) != 0)
        return -1;
    int mtu = request->mtu == 0 ? 0 : rte_eth_dev_set_mtu(queues->device, (uint16_t)request->mtu);

    if (mtu != 0 && mtu != -ENOTSUP)
        return -1;
    for (uint16_t i = 0; i < count; i++) {
        gz_dpdk_descriptor_clear();
        if (set_up(port, &queues[i], is_xdp) != 0)
            return -1;
        queues[i].interrupts = interrupts;
        queues[i].descriptor = gz_dpdk_descriptor(info->if_index, i);
    }
    if (rte_eth_dev_start(queues->device) != 0)
        return -1;
    if (is_xdp)
        gz_dpdk_xdp_mark(info->if_index);
    if (count > 1)
        gz_dpdk_spread(queues, count, info, request);
    return 0;
}

static bool has_queues(struct gz_port *port, const struct rte_eth_dev_info *info, uint16_t count)
{
    unsigned most = info->max_rx_queues < info->max_tx_queues ? info->max_rx_queues : info->max_tx_queues;

    if (count <= most)
        return true;
    snprintf(port->message, sizeof(port->message),
        "port dpdk: a device of %s has %u queue%s, and there are %u stacks; set num_cpus or stack_num to at "
        "most %u, or use port packet, or ltran",
        info->driver_name, most, most == 1 ? "" : "s", count, most);
    return false;
}

/* Starts the device with a queue for each stack: 0, or -1, perhaps with a message. */
static int start(struct gz_port *port, uint16_t count, const struct gz_port_request *request)
{
    struct gz_dpdk *queues = port->state;
    struct rte_eth_dev_info info;

    if (rte_eth_dev_info_get(queues->device, &info) != 0 || !has_queues(port, &info, count))
        return -1;
    for (uint16_t i = 0; i < count; i++) {
        struct gz_dpdk *dpdk = &queues[i];

        dpdk->device = queues->device;
        dpdk->queue = i;
        dpdk->lcore = queues->lcore;
        dpdk->memory = request->memories != NULL ? request->memories[i] : request->memory;
        dpdk->offloads = offloads(&info);
        if (gz_dpdk_pools(port, dpdk, request) != 0)
            return -1;
        if (is_pci(&info) && gz_dpdk_reach(dpdk, info.device) != 0 && gz_dpdk_plain_pool(port, dpdk) != 0)
            return -1;
    }
    int result = configure(port, count, request, &info, is_pci(&info), count > 1);

    /* A NIC may have too few interrupts, or not take every key. */
    for (int attempt = 1; result != 0 && is_pci(&info) && attempt < 3; attempt++)
        result = configure(port, count, request, &info, false, count > 1 && attempt == 1);
    return result;
}

static void dpdk_close(struct gz_port *port)
{
    struct gz_dpdk *dpdk = port->state;

    port->state = NULL;
    /* The other queues lie behind the first. */
    if (dpdk != NULL && dpdk->queue == 0)
        free(dpdk);
}

/* Opens the device for the ports of all its queues, port->state being the first: 0, or -1 with a message. */
static int open_device(struct gz_port *port, uint16_t count, const struct gz_port_request *request)
{
    struct gz_dpdk *dpdk = port->state;

    if (request->order <= 1)
        gz_dpdk_xdp_clean(request->arguments);
    if (gz_dpdk_environment(port, request->arguments) != 0)
        return -1;
    dpdk->lcore = rte_get_main_lcore();
    gz_dpdk_enter(dpdk);
    if ((request->order != 0 ? find_by_order(port, request->order)
                             : find(port, request->mac, count > 1)) != 0)
        return -1;
    if (start(port, count, request) == 0)
        return 0;
    if (port->message[0] == '\0' && gz_dpdk_xdp_foreign())
        gz_dpdk_fail(port,
            "the interface has an XDP program; `ip link set dev IFACE xdp off` if nobody uses it");
    else if (port->message[0] == '\0')
        gz_dpdk_fail(port, "the device does not start");
    gz_dpdk_xdp_leave();
    return -1;
}

/* The first queue's port opens the device for all, those of the other stacks find theirs made. */
static int dpdk_open(struct gz_port *port, const struct gz_port_request *request)
{
    static struct gz_dpdk *shared;
    uint16_t count = request->queues > 1 ? (uint16_t)request->queues : 1;
    struct gz_dpdk *dpdk = request->queue == 0 ? calloc(count, sizeof(*dpdk)) : &shared[request->queue];
    struct rte_eth_dev_info info;

    port->state = dpdk;
    port->memory = request->memory;
    if (dpdk == NULL) {
        snprintf(port->message, sizeof(port->message), "port dpdk: no memory");
        return -1;
    }
    if (request->queue == 0 && open_device(port, count, request) != 0)
        return -1;
    if (request->queue == 0)
        shared = dpdk;
    port->window_size = dpdk->window_size;
    port->hash_entries = dpdk->hash_entries;
    if (rte_eth_dev_info_get(dpdk->device, &info) != 0 || describe(port, &info, request->mtu) != 0) {
        gz_dpdk_fail(port, "the device says nothing of itself");
        return -1;
    }
    return gz_dpdk_sleep_open(port);
}

/* Packet sockets have been told; a device that cannot have two addresses takes all frames. */
static void dpdk_accept(struct gz_port *port, uint64_t mac)
{
    const struct gz_dpdk *dpdk = port->state;
    struct rte_ether_addr address;

    memcpy(address.addr_bytes, &mac, sizeof(address.addr_bytes));
    if (port->device[0] == '\0' && rte_eth_dev_mac_addr_add(dpdk->device, &address, 0) != 0)
        rte_eth_promiscuous_enable(dpdk->device);
}

static bool dpdk_is_up(const struct gz_port *port)
{
    const struct gz_dpdk *dpdk = port->state;
    struct rte_eth_link link;

    return rte_eth_link_get_nowait(dpdk->device, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
}

__attribute__((visibility("default"))) const struct gz_port_kind gz_dpdk_port = {
    .name = "dpdk",
    .statistics = gz_dpdk_statistics,
    .open = dpdk_open,
    .pending = gz_dpdk_pending,
    .arm = gz_dpdk_arm,
    .receive = gz_dpdk_receive,
    .release = gz_dpdk_release,
    .transmit = gz_dpdk_transmit,
    .close = dpdk_close,
    .accept = dpdk_accept,
    .is_up = dpdk_is_up,
};
