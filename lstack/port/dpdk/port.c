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
 * there is.
 */
static int find(struct gz_port *port, const uint8_t mac[6])
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
            "no device; check iface in dpdk_args, or whether the NIC is bound: dpdk-devbind.py --status");
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
    return rte_eth_rx_queue_setup(dpdk->device, 0, descriptors, SOCKET_ID_ANY, NULL, dpdk->receive_pool);
}

static int queues(struct gz_port *port, bool is_xdp)
{
    struct gz_dpdk *dpdk = port->state;
    uint16_t receive = DESCRIPTORS, transmit = DESCRIPTORS;

    if (rte_eth_dev_adjust_nb_rx_tx_desc(dpdk->device, &receive, &transmit) != 0 ||
        rte_eth_tx_queue_setup(dpdk->device, 0, transmit, SOCKET_ID_ANY, NULL) != 0)
        return -1;
    /* af_xdp insists on buffers of one piece with their descriptors, and there may be others. */
    if (!is_xdp && receive_queue(dpdk, receive) == 0)
        return 0;
    if (!dpdk->copies && gz_dpdk_plain_pool(port) != 0)
        return -1;
    int result = receive_queue(dpdk, receive);

    for (int i = 0; is_xdp && result != 0 && i < BUSY_RETRIES; i++) {
        usleep(BUSY_RETRY);
        gz_dpdk_log_clear();
        result = receive_queue(dpdk, receive);
    }
    return result;
}

/* What the stack wants to know of the device; `wanted` is its largest packet, 0: as the device has it. */
static int describe(struct gz_port *port, const struct rte_eth_dev_info *info, uint32_t wanted, bool is_pci)
{
    struct gz_dpdk *dpdk = port->state;
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
    if (!is_pci)
        port->flags |= GZ_PORT_FLAG_PARTIAL_CHECKSUM;
    if (strcmp(info->driver_name, "net_af_packet") == 0)
        snprintf(port->truncation, sizeof(port->truncation),
            "%s received frames that are longer than the driver's slots and lost them: the other end of its "
            "link must send no super-frames; there: `ethtool -K DEVICE tx off tso off gso off`",
            port->device);
    return 0;
}

/* Configures and starts the device, with receive interrupts when wanted and possible. */
static int configure(
    struct gz_port *port, const struct gz_port_request *request, bool interrupts, bool is_xdp)
{
    struct gz_dpdk *dpdk = port->state;
    struct rte_eth_conf conf = { .txmode.offloads = dpdk->offloads, .intr_conf.rxq = interrupts };

    if (rte_eth_dev_configure(dpdk->device, 1, 1, &conf) != 0)
        return -1;
    int mtu = request->mtu == 0 ? 0 : rte_eth_dev_set_mtu(dpdk->device, (uint16_t)request->mtu);

    if (mtu != 0 && mtu != -ENOTSUP)
        return -1;
    gz_dpdk_descriptor_clear();
    if (queues(port, is_xdp) != 0)
        return -1;
    return rte_eth_dev_start(dpdk->device);
}

static int start(struct gz_port *port, const struct gz_port_request *request)
{
    struct gz_dpdk *dpdk = port->state;
    struct rte_eth_dev_info info;

    if (rte_eth_dev_info_get(dpdk->device, &info) != 0)
        return -1;
    dpdk->offloads = offloads(&info);
    bool is_pci = strcmp(rte_bus_name(rte_dev_bus(info.device)), "pci") == 0;
    bool is_xdp = strcmp(info.driver_name, "net_af_xdp") == 0;
    bool interrupts = is_pci;

    if (gz_dpdk_pools(port, request) != 0)
        return -1;
    if (is_pci && gz_dpdk_reach(port, info.device) != 0 && gz_dpdk_plain_pool(port) != 0)
        return -1;
    int result = configure(port, request, interrupts, is_xdp);

    if (result != 0 && interrupts) {
        interrupts = false;
        result = configure(port, request, interrupts, is_xdp);
    }
    if (result == 0 && is_xdp)
        gz_dpdk_xdp_mark(info.if_index);
    if (result != 0 || describe(port, &info, request->mtu, is_pci) != 0)
        return -1;
    return gz_dpdk_sleep_open(port, info.if_index, interrupts);
}

static void dpdk_close(struct gz_port *port)
{
    struct gz_dpdk *dpdk = port->state;

    if (dpdk == NULL)
        return;
    port->state = NULL;
    free(dpdk);
}

static int dpdk_open(struct gz_port *port, const struct gz_port_request *request)
{
    struct gz_dpdk *dpdk = calloc(1, sizeof(*dpdk));

    port->state = dpdk;
    port->memory = request->memory;
    if (dpdk == NULL) {
        snprintf(port->message, sizeof(port->message), "port dpdk: no memory");
        return -1;
    }
    if (request->order <= 1)
        gz_dpdk_xdp_clean(request->arguments);
    if (gz_dpdk_environment(port, request->arguments) != 0)
        return -1;
    dpdk->lcore = rte_get_main_lcore();
    gz_dpdk_enter(dpdk);
    if ((request->order != 0 ? find_by_order(port, request->order) : find(port, request->mac)) != 0)
        return -1;
    if (start(port, request) == 0)
        return 0;
    if (port->message[0] == '\0' && gz_dpdk_xdp_foreign())
        gz_dpdk_fail(port,
            "the interface has an XDP program; `ip link set dev IFACE xdp off` if nobody uses it");
    else if (port->message[0] == '\0')
        gz_dpdk_fail(port, "the device does not start");
    gz_dpdk_xdp_leave();
    return -1;
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
