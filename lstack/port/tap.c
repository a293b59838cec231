/*
 * The port `tap`: a device of the kernel whose wire we are. What the kernel sends is read frame by frame into
 * linear memory, with a virtio-net header in front; what it is to receive is written straight from there. The
 * device goes with its descriptor.
 */
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "port/fields.h"
#include "stack_layout.h"

/* Room for a virtio-net header and the largest frame there is. */
#define SLOT_SIZE (17u * 4096)
#define SLOTS 32u
#define SUPER_FRAME_HEADERS 256u

static int fail(struct gz_port *port, const char *what)
{
    const char *remedy = "";

    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        remedy = "; `modprobe tun`, or let the container have /dev/net/tun";
    else if (errno == EPERM || errno == EACCES)
        remedy = "; run as root, or with CAP_NET_ADMIN";
    else if (errno == EBUSY)
        remedy = "; another program has it: choose another kni_device";
    snprintf(port->message, sizeof(port->message), "cannot make the kernel's device %s (%s): %s%s",
        port->device, what, strerror(errno), remedy);
    return -1;
}

static void tap_close(struct gz_port *port)
{
    if (port->fd >= 0)
        close(port->fd);
    port->fd = -1;
}

/* Super-frames only if whoever gets them cuts them. */
static int make_device(struct gz_port *port, uint32_t flags)
{
    struct ifreq ask = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
    unsigned int offload = (flags & GZ_PORT_FLAG_TX_CHECKSUM) == 0 ? 0 : TUN_F_CSUM;

    if (offload != 0 && (flags & GZ_PORT_FLAG_SEGMENTATION) != 0)
        offload |= TUN_F_TSO4;

    port->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (port->fd < 0)
        return fail(port, "/dev/net/tun");
    memcpy(ask.ifr_name, port->device, sizeof(port->device));
    if (ioctl(port->fd, TUNSETIFF, &ask) != 0)
        return fail(port, "TUNSETIFF");
    if (ioctl(port->fd, TUNSETOFFLOAD, offload) != 0)
        return fail(port, "TUNSETOFFLOAD");
    return 0;
}

static int tap_open(struct gz_port *port, const struct gz_port_request *request)
{
    port->memory = request->memory;
    port->window_size = SLOTS * SLOT_SIZE;
    port->window = request->window;
    snprintf(port->device, sizeof(port->device), "%s", request->name);
    if ((uint64_t)request->window + port->window_size > UINT32_MAX) {
        snprintf(port->message, sizeof(port->message),
            "no room for the kernel's device below 4096 MiB; make memory or nic_rxqueue_size smaller");
        return -1;
    }
    if (mmap(request->memory + request->window, port->window_size, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        return fail(port, "memory");
    if (make_device(port, request->flags) != 0) {
        tap_close(port);
        return -1;
    }
    port->mac = request->port_mac;
    port->mtu = request->mtu;
    port->flags = GZ_PORT_FLAG_VNET_HEADER | GZ_PORT_FLAG_TX_CHECKSUM | GZ_PORT_FLAG_SEGMENTATION |
        GZ_PORT_FLAG_RX_CHECKSUM | GZ_PORT_FLAG_PARTIAL_CHECKSUM;
    port->segmentation_max = 65536 - SUPER_FRAME_HEADERS;
    return 0;
}

/* The last reading ended before there was nothing more. */
static bool tap_pending(const struct gz_port *port)
{
    return port->more;
}

static uint32_t tap_receive(struct gz_port *port, uint8_t *frames, uint32_t most)
{
    uint32_t count = 0;
    ssize_t length = 0;

    while (count < most && count < SLOTS) {
        uint32_t slot = port->window + count * SLOT_SIZE;

        length = read(port->fd, port->memory + slot, SLOT_SIZE);
        if (length <= 0)
            break;
        uint8_t *frame = frames + (size_t)count++ * GZ_RX_FRAME_SIZE;

        gz_field32_set(frame, GZ_RX_FRAME_ADDRESS, slot);
        gz_field32_set(frame, GZ_RX_FRAME_LENGTH, (uint32_t)length);
        gz_field32_set(frame, GZ_RX_FRAME_WIRE_LENGTH, (uint32_t)length);
        gz_field32_set(frame, GZ_RX_FRAME_FLAGS, 0);
    }
    port->more = length > 0;
    return count;
}

static void tap_release(struct gz_port *port)
{
    (void)port;
}

static ssize_t transmit_one(const struct gz_port *port, const uint8_t *slot)
{
    struct iovec pieces[GZ_TX_SPANS];
    uint16_t count = gz_field16(slot, GZ_TX_SLOT_SPAN_COUNT);

    if (count > GZ_TX_SPANS)
        count = GZ_TX_SPANS;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *span = slot + GZ_TX_SLOT_SPANS + (size_t)i * GZ_SPAN_SIZE;

        pieces[i].iov_base = port->memory + gz_field32(span, GZ_SPAN_ADDRESS);
        pieces[i].iov_len = gz_field32(span, GZ_SPAN_LENGTH);
    }
    return writev(port->fd, pieces, count);
}

static uint32_t tap_transmit(struct gz_port *port, const uint8_t *slots, uint32_t head, uint32_t count)
{
    uint32_t done = 0;

    port->blocked = false;
    for (; done < count; done++) {
        if (transmit_one(port, slots + (size_t)((head + done) & (GZ_TX_RING - 1)) * GZ_TX_SLOT_STRIDE) >= 0)
            continue;
        port->blocked = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == EINTR;
        if (port->blocked)
            break;
        /* The device is down, or the frame longer than it takes: it is lost. */
        port->refused++;
    }
    return done;
}

const struct gz_port_kind gz_tap_port = {
    .name = "tap",
    .open = tap_open,
    .pending = tap_pending,
    .receive = tap_receive,
    .release = tap_release,
    .transmit = tap_transmit,
    .close = tap_close,
};
