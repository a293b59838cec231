/* NICs: the ports of lstack/port, with the rings of the dispatch module. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forwarder.h"
#include "port/fields.h"

/* Arguments for DPDK's environment, and their bytes. */
#define WORDS_MOST 64
#define WORDS_SIZE 8192

static uint8_t *ring(uint32_t nic)
{
    return gz_forwarder.env.memory.data + GZ_PORTS + nic * GZ_PORT_STRIDE;
}

/* Within GZ_ENTER by the caller's caller: a trap leaves. */
static int introduce(struct gz_port *port, uint32_t nic)
{
    GZ_ENTER(-EFAULT);
    int32_t id = (int32_t)w2c_dispatch_nicOpen(&gz_forwarder.module, port->flags, port->mtu, port->mac,
        port->segmentation_max);

    if (id == (int32_t)nic)
        atomic_store(&gz_forwarder.nic_count, nic + 1);
    gz_leave();
    return id < 0 ? id : id == (int32_t)nic ? 0 : -EBUSY;
}

/* A device that filters lets frames to the address of its bond pass, or to all groups (PACKET_MR_*). */
static void accept_more(const struct gz_port *port, unsigned short type, uint64_t mac)
{
    struct packet_mreq more = {
        .mr_ifindex = (int)if_nametoindex(port->device),
        .mr_type = type,
        .mr_alen = 6,
    };

    memcpy(more.mr_address, &mac, 6);
    setsockopt(port->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &more, sizeof(more));
}

int gz_nic_open(const struct gz_port_kind *kind, const struct gz_port_request *request, uint64_t mac)
{
    uint32_t nic = atomic_load(&gz_forwarder.nic_count);
    struct gz_port *port = &gz_forwarder.nics[nic].port;

    if (nic == GZ_NICS)
        return -ENOSPC;
    *port = (struct gz_port){ .kind = kind, .fd = -1, .id = nic, .takes_tags = true };
    gz_forwarder.nics[nic].is_up = true;
    int failed = (kind->describe != NULL && kind->describe(port, request) != 0) ||
        kind->open(port, request) != 0;

    if (!failed && port->mac != mac)
        accept_more(port, PACKET_MR_UNICAST, mac);
    if (!failed)
        accept_more(port, PACKET_MR_ALLMULTI, 0);
    if (!failed && port->mac != mac && kind->accept != NULL)
        kind->accept(port, mac);
    gz_forwarder.nics[nic].own_mac = port->mac;
    port->mac = mac;
    int result = failed ? -EIO : introduce(port, nic);

    if (result == 0 && port->fd >= 0)
        result = gz_listen_to(port->fd);
    if (result != 0)
        kind->close(port);
    return result;
}

/* What gz_dpdk_load() found. */
static struct {
    const struct gz_port_kind *kind;
    char words[WORDS_SIZE];
    char *arguments[WORDS_MOST + 1];
} dpdk;

const char *gz_dpdk_load(const char *path, const uint8_t *words, size_t size)
{
    /* Bound deeply: its names are its own, whatever the program that loads it brings. */
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

    dpdk.kind = object == NULL ? NULL : dlsym(object, GZ_DPDK_SYMBOL);
    if (dpdk.kind == NULL)
        return dlerror();
    if (size >= WORDS_SIZE)
        return strerror(E2BIG);
    memcpy(dpdk.words, words, size);
    uint32_t count = 0;

    for (size_t at = 0; at < size && count < WORDS_MOST; at += strlen(dpdk.words + at) + 1)
        dpdk.arguments[count++] = dpdk.words + at;
    return "";
}

int gz_nic_open_dpdk(struct gz_port_request *request, uint64_t mac)
{
    request->arguments = dpdk.arguments;
    return dpdk.kind == NULL ? -ENOSYS : gz_nic_open(dpdk.kind, request, mac);
}

void gz_nics_close(void)
{
    uint32_t count = atomic_exchange(&gz_forwarder.nic_count, 0);

    for (uint32_t nic = 0; nic < count; nic++)
        gz_forwarder.nics[nic].port.kind->close(&gz_forwarder.nics[nic].port);
}

bool gz_nic_receive(uint32_t nic, uint64_t now)
{
    struct gz_port *port = &gz_forwarder.nics[nic].port;

    if ((int)nic == gz_forwarder.kernel)
        return gz_kernel_receive(now);
    uint32_t count = port->kind->receive(port, ring(nic) + GZ_PORT_RX, GZ_RX_BURST);

    if (count > 0)
        w2c_dispatch_receive(&gz_forwarder.module, nic, count, now);
    gz_kernel_flush();
    port->kind->release(port);
    return count > 0;
}

bool gz_nic_transmit(uint32_t nic)
{
    struct gz_port *port = &gz_forwarder.nics[nic].port;
    uint32_t head = gz_field32(ring(nic), GZ_PORT_TX_HEAD);
    uint32_t waiting = gz_field32(ring(nic), GZ_PORT_TX_TAIL) - head;

    if (waiting == 0)
        return false;
    if (waiting > GZ_TX_RING)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    uint32_t done = port->kind->transmit(port, ring(nic) + GZ_PORT_TX, head, waiting);

    w2c_dispatch_outputDone(&gz_forwarder.module, nic, done);
    return done > 0;
}

/*
 * An interface that is not here any more says nothing: up, as a TAP device works on in another namespace. The
 * flags follow a lost carrier up to a second later, the driver knows it at once, if it can be asked. The
 * kernel is asked about DPDK's virtual devices too: their drivers always say that their link is up.
 */
static bool is_up(const struct gz_port *port)
{
    static int questions = -1;
    struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
    struct ifreq ask = { 0 };

    if (port->device[0] == '\0')
        return port->kind->is_up == NULL || port->kind->is_up(port);
    if (questions < 0)
        questions = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", port->device);
    if (ioctl(questions, SIOCGIFFLAGS, &ask) != 0)
        return true;
    if ((ask.ifr_flags & IFF_RUNNING) == 0)
        return false;
    ask.ifr_data = (char *)&link;
    return ioctl(questions, SIOCETHTOOL, &ask) != 0 || link.data != 0;
}

int gz_device_mtu(const char *device, int mtu)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq ask = { 0 };

    if (fd < 0)
        return -errno;
    snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", device);
    ask.ifr_mtu = mtu;
    int result = ioctl(fd, mtu > 0 ? SIOCSIFMTU : SIOCGIFMTU, &ask) == 0 ? ask.ifr_mtu : -errno;

    close(fd);
    return result;
}

static int tell(uint32_t nic, bool up)
{
    int error;
    socklen_t size = sizeof(error);

    /* Takes the error off the socket that the kernel left when the interface went down. */
    getsockopt(gz_forwarder.nics[nic].port.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    GZ_ENTER(-EFAULT);
    w2c_dispatch_nicLink(&gz_forwarder.module, nic, up, gz_now());
    gz_leave();
    gz_call();
    return 0;
}

uint32_t gz_nics_look(void)
{
    uint32_t count = atomic_load(&gz_forwarder.nic_count), changed = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct gz_nic *nic = &gz_forwarder.nics[i];
        bool up = is_up(&nic->port);

        if ((int)i == gz_forwarder.kernel || up == nic->is_up)
            continue;
        nic->is_up = up;
        tell(i, up);
        changed |= 1u << i;
    }
    return changed;
}
