/*
 * How a device deals received frames out among several queues. Packet sockets run the stack's program; a
 * device with receive-side scaling hashes with the stack's key. The TAP driver leaves it to the kernel, which
 * answers a connection in the queue that its last frame was sent to; AF_XDP to the NIC, or to the sender's
 * choice of a queue on veth.
 */
#include "dpdk.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#define ENTRIES_MOST RTE_ETH_RSS_RETA_SIZE_512
#define KEY_MOST 64

void gz_dpdk_spread_ask(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info,
    const struct gz_port_request *request)
{
    uint64_t wanted = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
    struct rte_eth_rss_conf *rss = &conf->rx_adv_conf.rss_conf;

    if ((info->flow_type_rss_offloads & wanted) == 0)
        return;
    conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    rss->rss_hf = info->flow_type_rss_offloads & wanted;
    if (info->hash_key_size == 0 || info->hash_key_size > request->hash_key_length)
        return;
    rss->rss_key = (uint8_t *)request->hash_key;
    rss->rss_key_len = info->hash_key_size;
}

/* Fills the device's table with its `count` queues in turn: 0, or what keeps it from that. */
static int fill_table(uint16_t device, uint16_t count, uint16_t entries)
{
    struct rte_eth_rss_reta_entry64 table[ENTRIES_MOST / RTE_ETH_RETA_GROUP_SIZE] = { 0 };

    for (uint16_t i = 0; i < entries; i++) {
        table[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ull << (i % RTE_ETH_RETA_GROUP_SIZE);
        table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = i % count;
    }
    return rte_eth_dev_rss_reta_update(device, table, entries);
}

/* Whether the device hashes connections with our key; some take it only when they run. */
static bool takes_key(
    uint16_t device, const struct gz_port_request *request, const struct rte_eth_dev_info *info)
{
    uint8_t key[KEY_MOST] = { 0 };
    struct rte_eth_conf conf = { 0 };
    struct rte_eth_rss_conf *ours = &conf.rx_adv_conf.rss_conf;
    struct rte_eth_rss_conf found = { .rss_key = key, .rss_key_len = sizeof(key) };

    gz_dpdk_spread_ask(&conf, info, request);
    if (ours->rss_key_len == 0)
        return false;
    rte_eth_dev_rss_hash_update(device, ours);
    return rte_eth_dev_rss_hash_conf_get(device, &found) == 0 &&
           (found.rss_hf & RTE_ETH_RSS_NONFRAG_IPV4_TCP) != 0 &&
           memcmp(key, ours->rss_key, ours->rss_key_len) == 0;
}

void gz_dpdk_spread(struct gz_dpdk *queues, uint16_t count, const struct rte_eth_dev_info *info,
    const struct gz_port_request *request)
{
    uint16_t entries = info->reta_size;
    struct sock_fprog program = { .len = (unsigned short)request->steering_length,
        .filter = (struct sock_filter *)request->steering };

    /* One that takes no program is no packet socket. */
    if (queues->descriptor >= 0)
        setsockopt(queues->descriptor, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program));
    if (entries == 0 || entries > ENTRIES_MOST || (entries & (entries - 1)) != 0 ||
        fill_table(queues->device, count, entries) != 0 || !takes_key(queues->device, request, info))
        return;
    for (uint16_t i = 0; i < count; i++)
        queues[i].hash_entries = entries;
}
