/* What the device counts: DPDK's extended statistics, as the driver has them. */
#include <rte_ethdev.h>
#include <stdio.h>

#include "dpdk.h"

#define STATISTICS_MOST 256

uint32_t gz_dpdk_statistics(const struct gz_port *port, char *to, uint32_t size)
{
    const struct gz_dpdk *dpdk = port->state;
    struct rte_eth_xstat_name names[STATISTICS_MOST];
    struct rte_eth_xstat values[STATISTICS_MOST];
    int count = rte_eth_xstats_get(dpdk->device, values, STATISTICS_MOST);
    uint32_t used = 0;

    /* With more than there is room for nothing is filled in. */
    if (count > STATISTICS_MOST || rte_eth_xstats_get_names(dpdk->device, names, STATISTICS_MOST) != count)
        return 0;
    for (int i = 0; i < count && used < size; i++)
        used += (uint32_t)snprintf(to + used, size - used, "%s\"%s\":%llu", i > 0 ? "," : "", names[i].name,
            (unsigned long long)values[i].value);
    return used < size ? used : 0;
}
