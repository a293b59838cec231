/*
 * The port `ltran`: a shared-memory ring to the ltran process, which has the device, and ports to other
 * programs on this machine. The stack itself moves the frames (stack/link/ring-port.ts); the shell sleeps,
 * kicks and keeps the registration.
 */
#include "port.h"

#include <sys/socket.h>

#include "runtime/register.h"
#include "runtime/stack.h"
#include "runtime/thread.h"

/* Before ltran says what the device has. */
#define MTU_PROVISIONAL 1500u

static int ring_describe(struct gz_port *port, const struct gz_port_request *request)
{
    port->flags = 0;
    port->mac = 0;
    port->mtu = request->mtu != 0 ? request->mtu : MTU_PROVISIONAL;
    return gz_current->shared->created ? 0 : gz_ltran_probe(port);
}

static bool ring_pending(const struct gz_port *port)
{
    return w2c_stack_ringPending(&gz_current->module, port->id) != 0;
}

static bool ring_arm(struct gz_port *port)
{
    char kicks[256];

    port->armed = true;
    /* Whoever has the other end could make it a socket that waits. */
    if (recv(port->fd, kicks, sizeof(kicks), MSG_DONTWAIT) < 0)
        atomic_thread_fence(memory_order_seq_cst); /* Nobody has kicked us since the last time. */
    return w2c_stack_ringArm(&gz_current->module, port->id) != 0;
}

/* Wakes another program; one that has not taken a hundred thousand wake-ups is awake. */
static void kick_peer(const struct gz_port *port)
{
    if (send(port->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
}

/* Kicks the other end, or gives it up, if that is due. */
static void attend(struct gz_port *port, uint32_t sent)
{
    uint32_t due = w2c_stack_ringDue(&gz_current->module, port->id, sent);

    bool is_ltran = port->kind == &gz_ring_port;

    if (due == GZ_RING_DUE_KICK)
        is_ltran ? gz_ltran_kick() : kick_peer(port);
    else if (due == GZ_RING_DUE_END)
        is_ltran ? gz_ltran_end() : (void)shutdown(port->fd, SHUT_RDWR);
}

/*
 * The stack takes as many frames as this says, itself. Another thread may be asleep until ltran kicks: then
 * ltran is to go on kicking.
 */
static uint32_t ring_receive(struct gz_port *port, uint8_t *frames, uint32_t most)
{
    bool is_awaited = gz_current->poller != NULL && gz_current->poller->asleep;

    (void)frames;
    if (is_awaited)
        return ring_pending(port) ? most : 0;
    if (port->armed)
        w2c_stack_ringDisarm(&gz_current->module, port->id);
    port->armed = false;
    return ring_pending(port) ? most : 0;
}

static void ring_release(struct gz_port *port)
{
    attend(port, 0);
}

static uint32_t ring_transmit(struct gz_port *port, const uint8_t *slots, uint32_t head, uint32_t count)
{
    uint32_t done = w2c_stack_ringTransmit(&gz_current->module, port->id);

    (void)slots;
    (void)head;
    port->blocked = done < count;
    attend(port, done);
    return done;
}

const struct gz_port_kind gz_ring_port = {
    .name = "ltran",
    .describe = ring_describe,
    .open = gz_ltran_open,
    .pending = ring_pending,
    .arm = ring_arm,
    .receive = ring_receive,
    .release = ring_release,
    .transmit = ring_transmit,
    .close = gz_ltran_close,
};

const struct gz_port_kind gz_peer_port = {
    .name = "peer",
    .pending = ring_pending,
    .arm = ring_arm,
    .receive = ring_receive,
    .release = ring_release,
    .transmit = ring_transmit,
};
