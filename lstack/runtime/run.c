/* Running the stack: transmit, receive, timers, wake-ups. */
#include "stack.h"

#include <errno.h>

#include "wait.h"

/* Fillings of the transmit ring in one run: with nic_read_number this bounds the time the lock is held. */
#define TRANSMIT_ROUNDS 8

static uint32_t port_at(uint32_t id)
{
    return GZ_PORTS + id * GZ_PORT_STRIDE;
}

int gz_port_add(struct gz_port *port)
{
    if (gz_current->port_count == GZ_PORTS_MAX)
        return -ENOSPC;
    gz_current->ports[gz_current->port_count++] = port;
    gz_kick_poller();
    return 0;
}

void gz_port_remove(struct gz_port *port)
{
    for (uint32_t i = 0; i < gz_current->port_count; i++)
        if (gz_current->ports[i] == port)
            gz_current->ports[i] = gz_current->ports[--gz_current->port_count];
    gz_kick_poller();
}

static void flush(struct gz_port *port, uint64_t now)
{
    uint32_t base = port_at(port->id);

    if (port->kind->transmit == NULL)
        return;
    for (int round = 0; round < TRANSMIT_ROUNDS; round++) {
        uint32_t waiting = w2c_stack_output(&gz_current->module, port->id, now);

        if (waiting == 0)
            return;
        if (waiting > GZ_TX_RING)
            wasm_rt_trap(WASM_RT_TRAP_OOB);
        uint32_t done =
            port->kind->transmit(port, gz_at(base + GZ_PORT_TX), gz_get32(base + GZ_PORT_TX_HEAD), waiting);

        w2c_stack_outputDone(&gz_current->module, port->id, done);
        /* Only a full ring may have kept something back that can go now. */
        if (done < waiting || waiting < GZ_TX_RING)
            return;
    }
}

void gz_flush(uint64_t now)
{
    uint32_t count = gz_current->port_count;

    gz_current->deferred = false;
    for (uint32_t i = 0; i < count; i++)
        flush(gz_current->ports[i], now);
    /* Who waited in line behind a full ring may have built frames for a port that had its turn. */
    for (uint32_t i = 0; count > 1 && i < count; i++)
        flush(gz_current->ports[i], now);
}

void gz_wake_all(void)
{
    uint32_t count;

    do {
        count = w2c_stack_takeWakes(&gz_current->module);
        if (count > GZ_CALL_WAKES)
            wasm_rt_trap(WASM_RT_TRAP_OOB);
        for (uint32_t i = 0; i < count; i++)
            gz_wake_set((int32_t)gz_get32(GZ_CALL_WAKE + i * 4));
    } while (count == GZ_CALL_WAKES);
}

static void receive(struct gz_port *port, uint64_t now)
{
    uint8_t *frames = gz_at(port_at(port->id) + GZ_PORT_RX);

    uint32_t left = (uint32_t)gz_process.config.nic_read_number;

    while (left > 0) {
        uint32_t most = left < GZ_RX_BURST ? left : GZ_RX_BURST;
        uint32_t count = port->kind->receive(port, frames, most);

        if (count > 0 && w2c_stack_receive(&gz_current->module, port->id, count, now) > 0)
            gz_hand_over(frames, count);
        port->kind->release(port);
        if (count < most)
            return;
        left -= count;
    }
}

static bool is_urgent(w2c_stack *module)
{
    for (uint32_t i = 0; i < gz_current->port_count; i++)
        if (w2c_stack_outputUrgent(module, gz_current->ports[i]->id) != 0)
            return true;
    return false;
}

void gz_run(void)
{
    w2c_stack *module = &gz_current->module;
    uint64_t now;

    if (!gz_current->running || atomic_load_explicit(&gz_current->shared->poisoned, memory_order_relaxed))
        return;
    now = gz_now();
    atomic_fetch_add_explicit(&gz_current->runs, 1, memory_order_relaxed);
    gz_flush(now);
    for (uint32_t i = 0; i < gz_current->port_count; i++)
        receive(gz_current->ports[i], now);
    if (now >= w2c_stack_nextDeadline(module)) {
        uint32_t handed = w2c_stack_tick(module, now);

        gz_hand_over(gz_at(port_at(gz_current->wire.id) + GZ_PORT_RX), handed);
    }
    if (is_urgent(module))
        gz_flush(now);
    gz_wake_all();
    atomic_store_explicit(&gz_current->next_deadline, w2c_stack_nextDeadline(module), memory_order_relaxed);
}

bool gz_due(uint64_t now)
{
    if (!gz_current->running)
        return false;
    for (uint32_t i = 0; i < gz_current->port_count; i++)
        if (gz_current->ports[i]->kind->pending(gz_current->ports[i]))
            return true;
    return now >= atomic_load_explicit(&gz_current->next_deadline, memory_order_relaxed);
}
