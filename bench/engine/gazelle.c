/* Our own stack for the engine benchmark: the module as it serves applications, without a port. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "engine.h"
#include "stack/stack.h"
#include "stack_layout.h"
#include "wasm_rt_memory.h"

#define REGION (256u << 20)
#define SLOT 2048u
/* A connection's number is its socket's place in the pool; the rest of a handle is its age. */
#define NUMBER (ENGINE_CONNECTIONS - 1)

struct w2c_env {
    wasm_rt_memory_t memory;
};

struct host {
    struct w2c_env env;
    w2c_stack module;
    uint64_t now;
    u32 set;
    u32 listener;
    int listening;
    engine_deliver *deliver;
    void *peer;
    uint32_t received;
    u32 handles[ENGINE_CONNECTIONS];
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

static void put32(struct host *host, uint32_t address, uint32_t value)
{
    memcpy(at(host, address), &value, sizeof(value));
}

static void endpoint(struct host *host, int side, uint16_t port)
{
    static const uint16_t version = 4;
    uint8_t address[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)(side + 1) };

    memcpy(at(host, GZ_CALL_ENDPOINT), address, sizeof(address));
    memcpy(at(host, GZ_CALL_ENDPOINT + GZ_ENDPOINT_PORT), &port, sizeof(port));
    memcpy(at(host, GZ_CALL_ENDPOINT + GZ_ENDPOINT_VERSION), &version, sizeof(version));
    put32(host, GZ_CALL + GZ_CALL_ENDPOINT_GIVEN, 1);
}

static void *host_open(int side, uint64_t now)
{
    struct host *host = calloc(1, sizeof(*host));

    if (host == NULL || gz_wasm_memory_map(&host->env.memory, REGION + GZ_RX_BURST * SLOT) != 0)
        return NULL;
    wasm2c_stack_instantiate(&host->module, &host->env);
    put32(host, GZ_CALL + GZ_CALL_SEED, (uint32_t)side + 1);
    if (w2c_stack_create(&host->module, REGION, now) != 0)
        return NULL;
    w2c_stack_portOpen(&host->module, 0, ENGINE_MTU, 2ull | (uint64_t)(side + 1) << 40, 0);
    endpoint(host, side, 0);
    w2c_stack_addressAdd(&host->module, 0, 24, now);
    host->listening = -1;
    host->set = w2c_stack_waitSetOpen(&host->module);
    host->now = now;
    return host;
}

static void host_wire(void *stack, engine_deliver *deliver, void *peer)
{
    struct host *host = stack;

    host->deliver = deliver;
    host->peer = peer;
}

static void host_input(void *stack)
{
    struct host *host = stack;

    if (host->received > 0)
        w2c_stack_receive(&host->module, 0, host->received, host->now);
    host->received = 0;
}

static void host_deliver(void *stack, const void *const *parts, const uint32_t *lengths, uint32_t count)
{
    struct host *host = stack;

    if (host->received == GZ_RX_BURST)
        host_input(host);
    uint32_t index = host->received++;
    uint32_t slot = REGION + index * SLOT, length = 0;
    uint32_t frame = GZ_PORTS + GZ_PORT_RX + index * GZ_RX_FRAME_SIZE;

    for (uint32_t i = 0; i < count; i++) {
        memcpy(at(host, slot + length), parts[i], lengths[i]);
        length += lengths[i];
    }
    put32(host, frame + GZ_RX_FRAME_ADDRESS, slot);
    put32(host, frame + GZ_RX_FRAME_LENGTH, length);
    put32(host, frame + GZ_RX_FRAME_WIRE_LENGTH, length);
    put32(host, frame + GZ_RX_FRAME_FLAGS, 0);
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

        count = w2c_stack_output(&host->module, 0, host->now);

        for (uint32_t i = 0; i < count; i++)
            send_slot(host, head + i);
        if (count > 0)
            w2c_stack_outputDone(&host->module, 0, count);
    } while (count == GZ_TX_RING);
}

/* Answers the connection's number. */
static int watch(struct host *host, u32 handle, uint32_t events)
{
    u32 number = handle & NUMBER;

    host->handles[number] = handle;
    w2c_stack_interestAdd(&host->module, host->set, handle, number, events, number);
    return (int)number;
}

/* The window that lwIP as shipped has, and no small-segment delay, on both sides. */
static void configure(struct host *host, u32 handle)
{
    static const struct {
        int level, name, value;
    } options[] = {
        { IPPROTO_TCP, TCP_NODELAY, 1 },
        { SOL_SOCKET, SO_RCVBUF, ENGINE_WINDOW / 2 },
        { SOL_SOCKET, SO_SNDBUF, ENGINE_WINDOW / 2 },
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        put32(host, GZ_CALL_OPTION, (uint32_t)options[i].value);
        w2c_stack_socketOptionSet(&host->module, handle, (u32)options[i].level, (u32)options[i].name,
            sizeof(int), host->now);
    }
}

static void host_listen(void *stack, uint16_t port)
{
    struct host *host = stack;

    host->listener = w2c_stack_socketOpen(&host->module, 4, SOCK_STREAM);
    endpoint(host, 1, port);
    w2c_stack_socketBind(&host->module, host->listener);
    configure(host, host->listener);
    w2c_stack_socketListen(&host->module, host->listener, 4096);
    host->listening = watch(host, host->listener, EPOLLIN);
}

/* An edge-triggered interest in room costs nothing while there is room. */
static int host_connect(void *stack, uint16_t port, int writes)
{
    struct host *host = stack;
    u32 handle = w2c_stack_socketOpen(&host->module, 4, SOCK_STREAM);

    configure(host, handle);
    endpoint(host, 1, port);
    if ((int)w2c_stack_socketConnect(&host->module, handle, host->now) != -EINPROGRESS)
        return -1;
    return watch(host, handle, EPOLLIN | EPOLLOUT | EPOLLET);
}

static uint32_t host_send(void *stack, int connection, const void *data, uint32_t length)
{
    struct host *host = stack;
    u32 handle = host->handles[connection];
    int planned = (int)w2c_stack_socketSendPlan(&host->module, handle, length, 0, host->now);
    uint32_t done = 0;

    if (planned <= 0)
        return 0;
    uint32_t spans = get32(host, GZ_CALL + GZ_CALL_SPAN_COUNT);

    for (uint32_t i = 0; i < spans; i++) {
        uint32_t span = GZ_CALL_SPAN + i * GZ_SPAN_SIZE;
        uint32_t part = get32(host, span + GZ_SPAN_LENGTH);

        memcpy(at(host, get32(host, span + GZ_SPAN_ADDRESS)), (const uint8_t *)data + done, part);
        done += part;
    }
    return w2c_stack_socketSendCommit(&host->module, handle, done, 0, host->now);
}

static int32_t host_receive(void *stack, int connection, void *data, uint32_t length)
{
    struct host *host = stack;
    u32 handle = host->handles[connection];
    int planned = (int)w2c_stack_socketReceivePlan(&host->module, handle, length, 0, 0, host->now);
    uint32_t done = 0;

    if (planned <= 0)
        return planned == 0 ? -1 : 0;
    uint32_t spans = get32(host, GZ_CALL + GZ_CALL_SPAN_COUNT);

    for (uint32_t i = 0; i < spans; i++) {
        uint32_t span = GZ_CALL_SPAN + i * GZ_SPAN_SIZE;
        uint32_t part = get32(host, span + GZ_SPAN_LENGTH);

        memcpy((uint8_t *)data + done, at(host, get32(host, span + GZ_SPAN_ADDRESS)), part);
        done += part;
    }
    w2c_stack_socketReceiveCommit(&host->module, handle, done, 0, host->now);
    return (int32_t)done;
}

static void host_close(void *stack, int connection)
{
    struct host *host = stack;

    w2c_stack_socketClose(&host->module, host->handles[connection], host->now);
}

static uint32_t accept_all(struct host *host, struct engine_event *events, uint32_t most)
{
    uint32_t count = 0;

    while (count < most) {
        u32 handle = w2c_stack_socketAccept(&host->module, host->listener, host->now);

        if ((int)handle < 0)
            break;
        events[count++] = (struct engine_event){ watch(host, handle, EPOLLIN | EPOLLET), ENGINE_ACCEPTED };
    }
    return count;
}

static uint32_t host_events(void *stack, struct engine_event *events)
{
    struct host *host = stack;
    uint32_t ready = w2c_stack_waitSetHarvest(&host->module, host->set, ENGINE_EVENTS / 2);
    uint32_t count = 0;
    bool accepts = false;

    for (uint32_t i = 0; i < ready; i++) {
        uint32_t event = GZ_CALL_EVENT + i * GZ_EVENT_SIZE;
        int number = (int)get32(host, event + GZ_EVENT_DATA);
        bool readable = (get32(host, event + GZ_EVENT_EVENTS) & EPOLLIN) != 0;

        if (number == host->listening)
            accepts = true;
        else
            events[count++] = (struct engine_event){ number, readable ? ENGINE_READABLE : ENGINE_WRITABLE };
    }
    return accepts ? count + accept_all(host, events + count, ENGINE_EVENTS - count) : count;
}

static void host_time(void *stack, uint64_t now)
{
    struct host *host = stack;

    host->now = now;
    if (now >= w2c_stack_nextDeadline(&host->module))
        w2c_stack_tick(&host->module, now);
}

static const char *host_options(void)
{
    return "MSS 1460, receive and send buffers 65534, window scale, timestamps, SACK, CUBIC, no Nagle";
}

__attribute__((visibility("default"))) const struct engine engine = {
    .open = host_open,
    .wire = host_wire,
    .deliver = host_deliver,
    .listen = host_listen,
    .connect = host_connect,
    .send = host_send,
    .receive = host_receive,
    .close = host_close,
    .time = host_time,
    .input = host_input,
    .events = host_events,
    .output = host_output,
    .options = host_options,
};
