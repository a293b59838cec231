/* The kernel device: a port of the kind `tap` behind the NICs. */
#include <errno.h>

#include "forwarder.h"
#include "port/fields.h"

/* While frames move, the device is read this seldom, in microseconds: asking it costs a system call. */
#define LOOK_INTERVAL 20

static struct gz_nic *device(void)
{
    return gz_forwarder.kernel < 0 ? NULL : &gz_forwarder.nics[gz_forwarder.kernel];
}

static uint8_t *ring(void)
{
    return gz_forwarder.env.memory.data + GZ_PORTS + (uint32_t)gz_forwarder.kernel * GZ_PORT_STRIDE;
}

static int introduce(const struct gz_port *port, uint32_t nic)
{
    GZ_ENTER(-EFAULT);
    int32_t id = (int32_t)w2c_dispatch_kernelOpen(&gz_forwarder.module, port->flags, port->mtu, port->mac,
        port->segmentation_max);

    if (id == (int32_t)nic) {
        gz_forwarder.kernel = (int)nic;
        atomic_store(&gz_forwarder.nic_count, nic + 1);
    }
    gz_leave();
    return id < 0 ? id : id == (int32_t)nic ? 0 : -EBUSY;
}

int gz_kernel_open(const struct gz_port_request *request)
{
    uint32_t nic = atomic_load(&gz_forwarder.nic_count);
    struct gz_port *port = &gz_forwarder.nics[nic].port;

    if (nic == GZ_NICS)
        return -ENOSPC;
    *port = (struct gz_port){ .kind = &gz_tap_port, .fd = -1, .id = nic };
    gz_forwarder.nics[nic].is_up = true;
    if (port->kind->open(port, request) != 0)
        return -EIO;
    int result = introduce(port, nic);

    if (result == 0)
        result = gz_listen_to(port->fd);
    return result;
}

static bool may_read(void)
{
    return w2c_dispatch_kernelHolds(&gz_forwarder.module) == 0;
}

bool gz_kernel_receive(uint64_t now)
{
    static uint64_t next_look;
    struct gz_port *port = &device()->port;

    if (now < next_look || !may_read())
        return false;
    uint32_t count = port->kind->receive(port, ring() + GZ_PORT_RX, GZ_RX_BURST);

    if (count > 0)
        w2c_dispatch_receive(&gz_forwarder.module, port->id, count, now);
    next_look = count > 0 ? 0 : now + LOOK_INTERVAL;
    return count > 0;
}

bool gz_kernel_pending(void)
{
    return device()->port.more && may_read();
}

void gz_kernel_flush(void)
{
    if (device() == NULL || gz_field32(ring(), GZ_PORT_TX_HEAD) == gz_field32(ring(), GZ_PORT_TX_TAIL))
        return;
    gz_nic_transmit((uint32_t)gz_forwarder.kernel);
    if (gz_field32(ring(), GZ_PORT_TX_HEAD) != gz_field32(ring(), GZ_PORT_TX_TAIL))
        w2c_dispatch_kernelDrop(&gz_forwarder.module);
}
