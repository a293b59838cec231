/*
 * Packet buffers of received frames lie in linear memory, so that the stack parses them where the device put
 * them; their descriptors (which hold pointers) lie outside, where the stack cannot reach them. Frames to
 * transmit are copied into buffers of DPDK's own.
 */
#include "dpdk.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <sys/mman.h>

#define CACHE 256
#define TRANSMIT_BUFFERS 4095
#define RECEIVE_BUFFERS_LEAST 4095
#define PAGE 4096u

static uint32_t aligned(uint32_t size)
{
    return (size + PAGE - 1) & ~(PAGE - 1);
}

/* Maps `size` bytes of the window at `offset`. */
static uint8_t *map(const struct gz_dpdk *dpdk, uint32_t offset, uint32_t size)
{
    void *at = mmap(dpdk->memory + offset, size, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

/* A name for a pool of the queue: there may be several, and several devices. */
static const char *name_of(const struct gz_dpdk *dpdk, const char *what)
{
    static char name[RTE_MEMPOOL_NAMESIZE];

    snprintf(name, sizeof(name), "gz-%s-%u-%u", what, dpdk->device, dpdk->queue);
    return name;
}

static struct rte_mempool *linear_pool(const char *name, uint8_t *base, uint32_t size, uint32_t count)
{
    struct rte_pktmbuf_extmem memory = {
        .buf_ptr = base,
        .buf_iova = (rte_iova_t)(uintptr_t)base,
        .buf_len = size,
        .elt_size = GZ_DPDK_ROOM,
    };

    if (rte_extmem_register(base, size, NULL, 0, PAGE) != 0)
        return NULL;
    return rte_pktmbuf_pool_create_extbuf(
        name, count, CACHE, 0, GZ_DPDK_ROOM, SOCKET_ID_ANY, &memory, 1);
}

static struct rte_mempool *plain_pool(const char *name, uint32_t count)
{
    return rte_pktmbuf_pool_create(name, count, CACHE, 0, GZ_DPDK_ROOM, SOCKET_ID_ANY);
}

int gz_dpdk_pools(struct gz_port *port, struct gz_dpdk *dpdk, const struct gz_port_request *request)
{
    uint32_t wanted = request->receive_buffers != 0 ? request->receive_buffers : request->slots * 2 - 1;
    uint32_t count = wanted > RECEIVE_BUFFERS_LEAST ? wanted : RECEIVE_BUFFERS_LEAST;
    uint32_t transmit = request->transmit_buffers != 0 ? request->transmit_buffers : TRANSMIT_BUFFERS;
    uint32_t bounce = aligned(GZ_RX_BURST * GZ_DPDK_BOUNCE);

    if ((uint64_t)request->window + (uint64_t)count * GZ_DPDK_ROOM + PAGE + bounce > UINT32_MAX) {
        gz_dpdk_fail(port, "below 4096 MiB is no room for so many receive buffers; lower `memory`");
        return -1;
    }
    uint32_t frames = aligned(count * GZ_DPDK_ROOM);
    uint8_t *base = map(dpdk, request->window, frames);

    dpdk->bounce = map(dpdk, request->window + frames, bounce);
    if (base == NULL || dpdk->bounce == NULL) {
        gz_dpdk_fail(port, "no memory for receive buffers");
        return -1;
    }
    dpdk->window_size = frames + bounce;
    dpdk->frames = base;
    dpdk->frames_size = frames;
    dpdk->receive_pool = linear_pool(name_of(dpdk, "receive"), base, frames, count);
    dpdk->transmit_pool = plain_pool(name_of(dpdk, "transmit"), transmit);
    if (dpdk->receive_pool == NULL || dpdk->transmit_pool == NULL) {
        gz_dpdk_fail(port, "DPDK has no memory for packet buffers; raise -m or --socket-mem in dpdk_args");
        return -1;
    }
    return 0;
}

int gz_dpdk_reach(const struct gz_dpdk *dpdk, struct rte_device *device)
{
    /* Our memory has no physical addresses that hold still: only an IOMMU can lead a device to it. */
    if (rte_eal_iova_mode() != RTE_IOVA_VA)
        return -1;
    return rte_dev_dma_map(device, dpdk->frames, (uint64_t)(uintptr_t)dpdk->frames, dpdk->frames_size);
}

int gz_dpdk_plain_pool(struct gz_port *port, struct gz_dpdk *dpdk)
{
    unsigned count = dpdk->receive_pool->size;

    rte_mempool_free(dpdk->receive_pool);
    dpdk->copies = true;
    dpdk->receive_pool = plain_pool(name_of(dpdk, "copied"), count);
    if (dpdk->receive_pool != NULL)
        return 0;
    gz_dpdk_fail(port, "DPDK has no memory for packet buffers; raise -m or --socket-mem in dpdk_args");
    return -1;
}
