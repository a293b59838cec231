/* Opening, watching and closing a device of DPDK. */
#include "dpdk.h"

#include <errno.h>
#include <poll.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DESCRIPTORS 1024
#define SUPER_FRAME_HEADERS 256u

static bool is_zero(const uint8_t mac[6])
{
    static const uint8_t zero[6];

    return memcmp(mac, zero, sizeof(zero)) == 0;
}

/* The device with the wanted hardware address, else the only one: 0, or -1 with a message that lists what there is. */
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

        snprintf(found + used, sizeof(found) - used, " " RTE_ETHER_ADDR_PRT_FMT, RTE_ETHER_ADDR_BYTES(&address));
    }
    if (count == 1 && is_zero(mac))
        return 0;
    snprintf(port->message, sizeof(port->message),
        "port dpdk: %u devices, none of which is the one that `devices` names; hardware addresses found:%s", count,
        count == 0 ? " none (is the NIC bound to vfio-pci? see dpdk-devbind.py --status)" : found);
    return -1;
}

/*
 * What the stack uses of what the device offers. The tap driver offers to cut super-frames, but holds a segment with its
 * link header against the MTU, and so refuses every full one without ever saying so.
 */
static uint64_t offloads(const struct rte_eth_dev_info *info)
{
    bool cuts = strcmp(info->driver_name, "net_tap") != 0;
    uint64_t wanted = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
    uint64_t cutting = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
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

static int queues(struct gz_port *port)
{
    struct gz_dpdk *dpdk = port->state;
    uint16_t receive = DESCRIPTORS, transmit = DESCRIPTORS;

    if (rte_eth_dev_adjust_nb_rx_tx_desc(dpdk->device, &receive, &transmit) != 0 ||
        rte_eth_tx_queue_setup(dpdk->device, 0, transmit, SOCKET_ID_ANY, NULL) != 0)
        return -1;
    if (rte_eth_rx_queue_setup(dpdk->device, 0, receive, SOCKET_ID_ANY, NULL, dpdk->receive_pool) == 0)
        return 0;
    /* Some drivers (af_xdp) insist on buffers of one piece with their descriptors. */
    if (gz_dpdk_plain_pool(port) != 0)
        return -1;
    return rte_eth_rx_queue_setup(dpdk->device, 0, receive, SOCKET_ID_ANY, NULL, dpdk->receive_pool);
}

/* Configures and starts the device; fills in what the stack wants to know of it. */
static int start(struct gz_port *port, const struct gz_port_request *request)
{
    struct gz_dpdk *dpdk = port->state;
    struct rte_eth_dev_info info;
    struct rte_ether_addr address;
    uint16_t mtu;

    if (rte_eth_dev_info_get(dpdk->device, &info) != 0 || rte_eth_macaddr_get(dpdk->device, &address) != 0)
        return -1;
    dpdk->offloads = offloads(&info);
    struct rte_eth_conf conf = { .txmode.offloads = dpdk->offloads };

    if (rte_eth_dev_configure(dpdk->device, 1, 1, &conf) != 0)
        return -1;
    if (request->mtu != 0 && rte_eth_dev_set_mtu(dpdk->device, (uint16_t)request->mtu) != 0)
        return -1;
    if (gz_dpdk_pools(port, request) != 0 || queues(port) != 0 || rte_eth_dev_start(dpdk->device) != 0)
        return -1;
    if (rte_eth_dev_get_mtu(dpdk->device, &mtu) != 0)
        return -1;
    port->mtu = mtu;
    port->mac = 0;
    memcpy(&port->mac, address.addr_bytes, sizeof(address.addr_bytes));
    if ((dpdk->offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0)
        port->flags |= GZ_PORT_FLAG_TX_CHECKSUM;
    if ((dpdk->offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0) {
        port->flags |= GZ_PORT_FLAG_SEGMENTATION;
        port->segmentation_max = segmentation(&info);
    }
    /* A virtual link to the local kernel may carry checksums that were never finished (DESIGN D13). */
    if (strcmp(rte_bus_name(rte_dev_bus(info.device)), "pci") != 0)
        port->flags |= GZ_PORT_FLAG_PARTIAL_CHECKSUM;
    return 0;
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
    if (gz_dpdk_environment(port, request->arguments) != 0)
        return -1;
    dpdk->lcore = rte_get_main_lcore();
    gz_dpdk_enter(dpdk);
    if (find(port, request->mac) != 0)
        return -1;
    if (start(port, request) != 0) {
        if (port->message[0] == '\0')
            gz_dpdk_fail(port, "the device does not start");
        return -1;
    }
    /* A second name for it: the engine moves and closes its own. */
    port->fd = dup(gz_dpdk_descriptor());
    if (port->fd < 0) {
        gz_dpdk_fail(port, "this device has no descriptor to wait on");
        return -1;
    }
    return 0;
}

static bool dpdk_pending(const struct gz_port *port)
{
    struct pollfd wanted = { .fd = port->fd, .events = POLLIN };

    return poll(&wanted, 1, 0) > 0;
}

__attribute__((visibility("default"))) const struct gz_port_kind gz_dpdk_port = {
    .name = "dpdk",
    .open = dpdk_open,
    .pending = dpdk_pending,
    .receive = gz_dpdk_receive,
    .release = gz_dpdk_release,
    .transmit = gz_dpdk_transmit,
    .close = dpdk_close,
};
