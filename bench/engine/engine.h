/*
 * What the engine benchmark asks of a TCP stack: two of them run back to back on one thread, frames handed
 * over in memory with one copy. A connection is a number >= 0 that the stack chooses, reused after its close.
 * Times are microseconds of one clock, which the driver reads.
 */
#ifndef GZ_ENGINE_BENCH_H
#define GZ_ENGINE_BENCH_H

#include <stdint.h>

#define ENGINE_MTU 1500
#define ENGINE_WINDOW 65535
#define ENGINE_EVENTS 256
#define ENGINE_CONNECTIONS 65536

enum engine_event_kind { ENGINE_ACCEPTED, ENGINE_CONNECTED, ENGINE_READABLE, ENGINE_WRITABLE };

struct engine_event {
    int connection;
    enum engine_event_kind kind;
};

/* Takes a frame that the other stack sent. */
typedef void engine_deliver(void *peer, const void *const *parts, const uint32_t *lengths, uint32_t count);

struct engine {
    /* Its address is 10.0.0.(side + 1). NULL when it cannot start. */
    void *(*open)(int side, uint64_t now);
    /* Where its frames go. */
    void (*wire)(void *stack, engine_deliver *deliver, void *peer);
    engine_deliver *deliver;
    /* On side 1. */
    void (*listen)(void *stack, uint16_t port);
    /* From side 0; `writes`: ENGINE_WRITABLE is wanted whenever there is room again. -1 when it fails. */
    int (*connect)(void *stack, uint16_t port, int writes);
    /* Bytes taken; 0 when there is no room. */
    uint32_t (*send)(void *stack, int connection, const void *data, uint32_t length);
    /* Bytes read; 0 when there are none now; -1 at the end of the stream. */
    int32_t (*receive)(void *stack, int connection, void *data, uint32_t length);
    void (*close)(void *stack, int connection);
    /* It is `now`: timers that are due run. */
    void (*time)(void *stack, uint64_t now);
    /* Takes delivered frames in. */
    void (*input)(void *stack);
    /* What happened since the last call, at most ENGINE_EVENTS. */
    uint32_t (*events)(void *stack, struct engine_event *events);
    /* Sends what is still to be sent. */
    void (*output)(void *stack);
    /* One line about its configuration. */
    const char *(*options)(void);
};

/* The symbol of each stack's shared object. */
#define ENGINE_SYMBOL "engine"

/* That symbol, of functions named host_ and the member. */
#define ENGINE_OF_HOST                                                     \
    __attribute__((visibility("default"))) const struct engine engine = {  \
        .open = host_open,                                                 \
        .wire = host_wire,                                                 \
        .deliver = host_deliver,                                           \
        .listen = host_listen,                                             \
        .connect = host_connect,                                           \
        .send = host_send,                                                 \
        .receive = host_receive,                                           \
        .close = host_close,                                               \
        .time = host_time,                                                 \
        .input = host_input,                                               \
        .events = host_events,                                             \
        .output = host_output,                                             \
        .options = host_options,                                           \
    }

#endif
