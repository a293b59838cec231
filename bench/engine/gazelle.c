/*
 * Our own stack for the engine benchmark: the module as it serves applications, and beside it
 * bench/engine/host.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "host/host.h"
#include "stack/stack.h"
#include "stack_layout.h"
#include "wasm_rt_memory.h"

#define MEMORY (257u << 20)

struct w2c_env {
    wasm_rt_memory_t memory;
};

struct host {
    struct w2c_env env;
    w2c_stack module;
    w2c_host side;
    engine_deliver *deliver;
    void *peer;
};

wasm_rt_memory_t *w2c_env_memory(struct w2c_env *env)
{
    return &env->memory;
}

__attribute__((noreturn)) void wasm_rt_trap(wasm_rt_trap_t code)
{
    abort();
}

static uint8_t *at(const struct host *host, uint32_t address)
{
    return host->env.memory.data + address;
}

static uint32_t get32(const struct host *host, uint32_t address)
{
    uint32_t value;

    memcpy(&value, at(host, address), sizeof(value));
    return value;
}

static void *host_open(int side, uint64_t now)
{
    struct host *host = calloc(1, sizeof(*host));

    if (host == NULL || gz_wasm_memory_map(&host->env.memory, MEMORY) != 0)
        return NULL;
    wasm2c_stack_instantiate(&host->module, &host->env);
    wasm2c_host_instantiate(&host->side, &host->env, &host->module);
    return w2c_host_open(&host->side, (u32)side, now) ? host : NULL;
}

static void host_wire(void *stack, engine_deliver *deliver, void *peer)
{
    struct host *host = stack;

    host->deliver = deliver;
    host->peer = peer;
}

static void host_time(void *stack, uint64_t now)
{
    w2c_host_time(&((struct host *)stack)->side, now);
}

static void host_input(void *stack)
{
    w2c_host_input(&((struct host *)stack)->side);
}

static void host_deliver(void *stack, const void *const *parts, const uint32_t *lengths, uint32_t count)
{
    struct host *host = stack;
    uint32_t length = 0;

    for (uint32_t i = 0; i < count; i++)
        length += lengths[i];
    uint8_t *to = at(host, w2c_host_deliver(&host->side, length));

    for (uint32_t i = 0; i < count; to += lengths[i++])
        memcpy(to, parts[i], lengths[i]);
}

static void send_slot(struct host *host, uint32_t position)
{
    uint32_t slot = GZ_PORTS + GZ_PORT_TX + (position & (GZ_TX_RING - 1)) * GZ_TX_SLOT_STRIDE;
    const void *parts[GZ_TX_SPANS];
    uint32_t lengths[GZ_TX_SPANS];
    uint16_t spans;

    memcpy(&spans, at(host, slot + GZ_TX_SLOT_SPAN_COUNT), sizeof(spans));
    for (uint32_t i = 0; i < spans; i++) {
        uint32_t span = slot + GZ_TX_SLOT_SPANS + i * GZ_SPAN_SIZE;

        parts[i] = at(host, get32(host, span + GZ_SPAN_ADDRESS));
        lengths[i] = get32(host, span + GZ_SPAN_LENGTH);
    }
    host->deliver(host->peer, parts, lengths, spans);
}

static void host_output(void *stack)
{
    struct host *host = stack;
    uint32_t count;

    /* What found no room in a full ring is asked for again. */
    do {
        uint32_t head = get32(host, GZ_PORTS + GZ_PORT_TX_HEAD);

        count = w2c_host_output(&host->side);
        for (uint32_t i = 0; i < count; i++)
            send_slot(host, head + i);
        if (count > 0)
            w2c_stack_outputDone(&host->module, 0, count);
    } while (count == GZ_TX_RING);
}

static void host_listen(void *stack, uint16_t port)
{
    w2c_host_listen(&((struct host *)stack)->side, port);
}

static int host_connect(void *stack, uint16_t port, int writes)
{
    return (int)w2c_host_connect(&((struct host *)stack)->side, port);
}

/* Copies between `data` and the spans of a plan; answers how much. */
static uint32_t copy(struct host *host, uint8_t *data, bool in)
{
    uint32_t spans = get32(host, GZ_CALL + GZ_CALL_SPAN_COUNT), done = 0;

    for (uint32_t i = 0; i < spans; i++) {
        uint32_t span = GZ_CALL_SPAN + i * GZ_SPAN_SIZE, part = get32(host, span + GZ_SPAN_LENGTH);
        uint8_t *bytes = at(host, get32(host, span + GZ_SPAN_ADDRESS));

        memcpy(in ? bytes : data + done, in ? data + done : bytes, part);
        done += part;
    }
    return done;
}

static uint32_t host_send(void *stack, int connection, const void *data, uint32_t length)
{
    struct host *host = stack;

    if ((int)w2c_host_sendPlan(&host->side, (u32)connection, length) <= 0)
        return 0;
    return w2c_host_sendCommit(&host->side, (u32)connection, copy(host, (uint8_t *)data, true));
}

static int32_t host_receive(void *stack, int connection, void *data, uint32_t length)
{
    struct host *host = stack;
    int planned = (int)w2c_host_receivePlan(&host->side, (u32)connection, length);

    if (planned <= 0)
        return planned == 0 ? -1 : 0;
    uint32_t done = copy(host, data, false);

    w2c_host_receiveCommit(&host->side, (u32)connection, done);
    return (int32_t)done;
}

static void host_close(void *stack, int connection)
{
    w2c_host_close(&((struct host *)stack)->side, (u32)connection);
}

static uint32_t host_events(void *stack, struct engine_event *events)
{
    struct host *host = stack;
    uint32_t count = w2c_host_events(&host->side);

    memcpy(events, at(host, w2c_host_hostEvents(&host->side)), count * sizeof(*events));
    return count;
}

static const char *host_options(void)
{
    return "MSS 1460, receive and send buffers 65534, window scale, timestamps, SACK, CUBIC, no Nagle";
}

ENGINE_OF_HOST;
