/*
 * Opens the ports of several stacks on a device that has receive-side scaling (DPDK's null driver, which
 * keeps key and table, and carries no frame), and prints what the device was told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "port/dpdk/dpdk.h"

#define QUEUES_MOST 16
#define ROOM (512u << 20)
#define WINDOW (1u << 20)

int __real_rte_eth_dev_info_get(uint16_t device, struct rte_eth_dev_info *info);
int __wrap_rte_eth_dev_info_get(uint16_t device, struct rte_eth_dev_info *info);

/* The driver has a key of 40 bytes, and does not say so. */
int __wrap_rte_eth_dev_info_get(uint16_t device, struct rte_eth_dev_info *info)
{
    int result = __real_rte_eth_dev_info_get(device, info);

    info->hash_key_size = 40;
    return result;
}

static void print_bytes(const char *name, const uint8_t *bytes, uint32_t length)
{
    printf("%s ", name);
    for (uint32_t i = 0; i < length; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void print_device(uint16_t device, uint16_t entries)
{
    uint8_t key[64] = { 0 };
    struct rte_eth_rss_conf rss = { .rss_key = key, .rss_key_len = sizeof(key) };
    struct rte_eth_rss_reta_entry64 table[8] = { 0 };
    uint8_t queues[512];

    if (rte_eth_dev_rss_hash_conf_get(device, &rss) != 0)
        exit(1);
    print_bytes("key", key, 40);
    for (uint32_t i = 0; i < entries / 64; i++)
        table[i].mask = UINT64_MAX;
    if (rte_eth_dev_rss_reta_query(device, table, entries) != 0)
        exit(1);
    for (uint32_t i = 0; i < entries; i++)
        queues[i] = (uint8_t)table[i / 64].reta[i % 64];
    print_bytes("table", queues, entries);
}

int main(int count, char **arguments)
{
    static struct gz_port ports[QUEUES_MOST];
    static uint8_t *memories[QUEUES_MOST];
    uint32_t queues = count > 1 ? (uint32_t)atoi(arguments[1]) : 1;
    char *eal[] = { "spread", "--no-huge", "--no-shconf", "--no-telemetry", "--no-pci", "-m", "256", "--vdev",
        "net_null0", NULL };
    uint8_t key[64];

    for (uint32_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(i * 37 + 11);
    for (uint32_t i = 0; i < queues; i++)
        memories[i] =
            mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (uint32_t i = 0; i < queues; i++) {
        struct gz_port_request request = { .queue = i, .queues = queues, .slots = 1024,
            .memory = memories[i], .memories = memories, .window = WINDOW, .arguments = eal,
            .hash_key = key, .hash_key_length = 52 };

        ports[i].fd = -1;
        if (gz_dpdk_port.open(&ports[i], &request) != 0) {
            printf("%s\n", ports[i].message);
            return 1;
        }
        printf("port %u: entries %u\n", i, ports[i].hash_entries);
    }
    if (queues > 1)
        print_device(0, (uint16_t)ports[0].hash_entries);
    return 0;
}
