/*
 * The kernel's device: a second port, for a kernel that has the stack's address, too (kni_switch). Of several
 * stacks the first one has it.
 */
#include "kernel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "port/netlink.h"
#include "stack.h"

static struct gz_port device = { .fd = -1 };
static int sockets[2] = { -1, -1 };

static void put_request(void)
{
    const struct gz_config *config = &gz_process.config;
    uint8_t *request = gz_at(GZ_KERNEL_AREA);

    memset(request, 0, GZ_KERNEL_AREA_SIZE);
    gz_put64(GZ_KERNEL_AREA + GZ_KERNEL_MAC, device.mac);
    memcpy(request + GZ_KERNEL_FILTER, config->host_addr + 12, 4);
    gz_put32(GZ_KERNEL_AREA + GZ_KERNEL_INTERFACE, if_nametoindex(device.device));
    gz_put32(GZ_KERNEL_AREA + GZ_KERNEL_MTU, device.mtu);
    memcpy(request + GZ_KERNEL_ADDRESS, config->host_addr + 12, 4);
    memcpy(request + GZ_KERNEL_GATEWAY, config->gateway_addr + 12, 4);
    gz_put32(GZ_KERNEL_AREA + GZ_KERNEL_PREFIX_LENGTH, (uint32_t)config->prefix_length);
    gz_put32(GZ_KERNEL_AREA + GZ_KERNEL_IS_OWNED, 1);
    gz_put32(GZ_KERNEL_AREA + GZ_KERNEL_WIRE_COUNT, gz_current->wire.device[0] != '\0');
    memcpy(request + GZ_KERNEL_WIRE_NAMES, gz_current->wire.device, GZ_KERNEL_WIRE_NAME_SIZE);
}

/* What the stack says to the kernel in a step: 0, or -errno of what cannot be done without. */
static int tell(uint32_t step)
{
    put_request();
    uint32_t length = w2c_stack_kernelMessage(&gz_current->module, step);
    int which = gz_get32(GZ_KERNEL_AREA + GZ_KERNEL_IS_FILTER) != 0;

    if (length == 0)
        return 0;
    int result = gz_netlink_tell(sockets[which], gz_at(GZ_KERNEL_AREA + GZ_KERNEL_MESSAGE_AT), length);

    return (int32_t)w2c_stack_kernelNeeds(&gz_current->module, step, (uint32_t)result) != 0 ? result : 0;
}

static int tell_all(void)
{
    for (uint32_t step = 0; step < GZ_KERNEL_STEP_UNSHARE; step++) {
        int result = tell(step);

        if (result == 0)
            continue;
        snprintf(device.message, sizeof(device.message),
            "the kernel does not share %s (step %u): %s; kni_switch takes CAP_NET_ADMIN and nf_tables",
            device.device, step, strerror(-result));
        return -1;
    }
    return 0;
}

static int introduce(void)
{
    int32_t id = (int32_t)w2c_stack_kernelOpen(&gz_current->module, gz_current->wire.id, device.flags,
        device.mtu, device.mac, device.segmentation_max);

    if (id < 0 || gz_port_add(&device) != 0)
        return -1;
    device.id = (uint32_t)id;
    return 0;
}

int gz_kernel_start(char *message, size_t size)
{
    const struct gz_config *config = &gz_process.config;
    struct gz_port_request request = {
        .name = config->kni_device[0] != '\0' ? config->kni_device : "kni",
        .port_mac = gz_current->wire.mac,
        .mtu = gz_current->wire.mtu,
        .flags = gz_current->wire.flags,
        .memory = gz_current->env.memory.data,
        .window = (uint32_t)gz_current->env.memory.size,
    };

    /* Behind ltran the kernel's device is ltran's. */
    if (!config->kni_switch || config->port_kind == GZ_PORT_KIND_LTRAN)
        return 0;
    if (gz_current->index != 0) {
        w2c_stack_kernelShare(&gz_current->module, gz_current->wire.id);
        return 0;
    }
    device.kind = &gz_tap_port;
    int failed = device.kind->open(&device, &request);

    device.fd = gz_internal(device.fd);
    gz_current->env.memory.size += device.window_size;
    if (failed == 0) {
        sockets[0] = gz_internal(gz_netlink_open(NETLINK_ROUTE));
        sockets[1] = gz_internal(gz_netlink_open(NETLINK_NETFILTER));
        failed = introduce() != 0 || tell_all() != 0;
    }
    if (failed != 0)
        snprintf(message, size, "%s", device.message);
    return failed != 0 ? -1 : 0;
}

void gz_kernel_end(void)
{
    if (device.kind == NULL || gz_current->index != 0 || !gz_current->running)
        return;
    for (uint32_t step = GZ_KERNEL_STEP_UNSHARE; step < GZ_KERNEL_STEP_FORGET; step++)
        tell(step);
}
