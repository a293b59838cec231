/*
 * Two instances of one TCP stack back to back on one thread: side 0 opens connections to side 1. Prints what
 * one row moved, and in which time, as a line of JSON.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"

#define PORT 7
#define MESSAGE 64
#define BUFFER 65536
/* Connections after which those in TIME_WAIT are let go, while the clock of the row stands still. */
#define BATCH 64
#define TIME_WAIT_US 130000000ull
#define STEP_US 250000
/* Nothing moved for so long: something is broken. */
#define PATIENCE_US 5000000

struct connection {
    bool open;
    /* Bytes of the stream verified so far. */
    uint64_t position;
};

static const struct engine *engines[2];
static void *stacks[2];
static struct connection connections[2][ENGINE_CONNECTIONS];
/* Streams are made of this, each from a place of its own: a byte that is out of place shows. */
static uint8_t pattern[BUFFER * 2];
static uint8_t buffer[BUFFER];
static uint64_t operations, bytes, ahead;
/* The connection that was opened first. */
static int first = -1;

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static uint64_t clock_us(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void load(const char *path, int side)
{
    void *object = dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL);

    if (object == NULL || (engines[side] = dlsym(object, ENGINE_SYMBOL)) == NULL)
        fail(dlerror());
    stacks[side] = engines[side]->open(side, clock_us(CLOCK_MONOTONIC));
    if (stacks[side] == NULL)
        fail("the stack did not start");
}

static uint32_t place(uint64_t stream, uint64_t position)
{
    return (uint32_t)((stream * 7919 + position) % BUFFER);
}

static uint32_t take(int side, int connection, uint64_t stream)
{
    struct connection *to = &connections[side][connection];
    int32_t length = engines[side]->receive(stacks[side], connection, buffer, BUFFER);

    if (length < 0) {
        to->open = false;
        engines[side]->close(stacks[side], connection);
    }
    if (length <= 0)
        return 0;
    if (memcmp(buffer, pattern + place(stream, to->position), (size_t)length) != 0)
        fail("received bytes differ from those sent");
    to->position += (uint64_t)length;
    bytes += (uint64_t)length;
    return (uint32_t)length;
}

static void put(int side, int connection, const uint8_t *data, uint32_t length)
{
    if (engines[side]->send(stacks[side], connection, data, length) != length)
        fail("no room for a message");
}

static void start(bool writes)
{
    int connection = engines[0]->connect(stacks[0], PORT, writes);

    if (connection < 0)
        fail("connect failed");
    connections[0][connection] = (struct connection){ .open = true };
    if (first < 0)
        first = connection;
}

static void request(int connection)
{
    put(0, connection, pattern + place((uint64_t)connection, connections[0][connection].position), MESSAGE);
}

/* The server sends back what it got; the client has verified it when it asks again. */
static void echo(int connection)
{
    int32_t length = engines[1]->receive(stacks[1], connection, buffer, BUFFER);

    if (length > 0)
        put(1, connection, buffer, (uint32_t)length);
    else if (length < 0) {
        connections[1][connection].open = false;
        engines[1]->close(stacks[1], connection);
    }
}

static bool replied(int connection)
{
    const struct connection *client = &connections[0][connection];

    return take(0, connection, (uint64_t)connection) > 0 && client->position % MESSAGE == 0;
}

static void round_trips(int side, const struct engine_event *event)
{
    if (side == 1 && event->kind == ENGINE_READABLE)
        echo(event->connection);
    else if (side == 0 && event->kind != ENGINE_READABLE)
        request(event->connection);
    else if (side == 0 && replied(event->connection)) {
        operations++;
        request(event->connection);
    }
}

static void one_of_many(int side, const struct engine_event *event)
{
    if (side == 1 || event->connection == first)
        round_trips(side, event);
}

static void short_connections(int side, const struct engine_event *event)
{
    if (side == 1 && event->kind == ENGINE_READABLE)
        echo(event->connection);
    else if (side == 0 && event->kind != ENGINE_READABLE)
        request(event->connection);
    else if (side == 0 && replied(event->connection)) {
        connections[0][event->connection].open = false;
        engines[0]->close(stacks[0], event->connection);
        if (++operations < BATCH)
            start(false);
    }
}

static void bulk(int side, const struct engine_event *event)
{
    static uint64_t sent;

    if (side == 1 && event->kind == ENGINE_READABLE) {
        while (take(1, event->connection, 0) > 0)
            operations = bytes;
    } else if (side == 0 && event->kind != ENGINE_READABLE) {
        uint32_t taken;

        do {
            taken = engines[0]->send(stacks[0], event->connection, pattern + place(0, sent), BUFFER);
            sent += taken;
        } while (taken > 0);
    }
}

typedef void handler(int side, const struct engine_event *event);

/* One turn of both event loops; the time it began. */
static uint64_t turn(handler *handle)
{
    static uint64_t last_operations, moved_at;
    struct engine_event events[ENGINE_EVENTS];
    uint64_t now = clock_us(CLOCK_MONOTONIC) + ahead;

    for (int side = 0; side < 2; side++) {
        const struct engine *engine = engines[side];
        void *stack = stacks[side];

        engine->time(stack, now);
        engine->input(stack);
        uint32_t count = engine->events(stack, events);

        for (uint32_t i = 0; i < count; i++) {
            struct connection *connection = &connections[side][events[i].connection];

            if (events[i].kind == ENGINE_ACCEPTED)
                *connection = (struct connection){ .open = true };
            else if (connection->open)
                handle(side, &events[i]);
        }
        engine->output(stack);
    }
    if (operations != last_operations || moved_at == 0) {
        last_operations = operations;
        moved_at = now;
    } else if (now - moved_at > PATIENCE_US + TIME_WAIT_US)
        fail("nothing moves any more");
    return now;
}

/*
 * Turns until `limit` operations are done or `us` have passed; answers the processor time they took. Kept
 * whole for profiles.
 */
__attribute__((noipa)) static uint64_t measure(handler *handle, uint64_t limit, uint64_t us)
{
    uint64_t begin = clock_us(CLOCK_MONOTONIC) + ahead, now = begin;
    uint64_t spent = clock_us(CLOCK_THREAD_CPUTIME_ID);

    while (operations < limit && now - begin < us)
        now = turn(handle);
    return clock_us(CLOCK_THREAD_CPUTIME_ID) - spent;
}

static uint64_t measure_short(uint64_t us)
{
    uint64_t spent = 0, done = 0;

    for (; spent < us; done += BATCH) {
        for (uint64_t end = ahead + TIME_WAIT_US; ahead < end; ahead += STEP_US)
            turn(short_connections);
        /* The first one finds out again what the stacks forgot. */
        operations = BATCH - 1;
        start(false);
        while (operations < BATCH)
            turn(short_connections);
        operations = 0;
        start(false);
        spent += measure(short_connections, BATCH, PATIENCE_US);
    }
    operations = done;
    return spent;
}

static uint64_t measure_steady(handler *handle, int count, uint64_t us)
{
    /* Some at a time: no stack need keep a long queue of handshakes. */
    for (int i = 0; i < count; i++) {
        start(handle == bulk);
        if (i % BATCH == 0)
            turn(handle);
    }
    uint64_t begin = clock_us(CLOCK_MONOTONIC);

    while (turn(handle) - begin < us / 4)
        continue;
    operations = bytes = 0;
    return measure(handle, UINT64_MAX, us);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        fail("usage: engine ENGINE.so rr-1|rr-1000|idle-N|bulk|connect SECONDS");
    const char *row = argv[2];
    uint64_t us = (uint64_t)(atof(argv[3]) * 1e6), spent;

    for (uint32_t i = 0; i < BUFFER; i++)
        pattern[i] = pattern[i + BUFFER] = (uint8_t)((i * 2654435761u) >> 24);
    load(argv[1], 0);
    load(argv[1], 1);
    engines[0]->wire(stacks[0], engines[1]->deliver, stacks[1]);
    engines[1]->wire(stacks[1], engines[0]->deliver, stacks[0]);
    engines[1]->listen(stacks[1], PORT);
    if (strcmp(row, "connect") == 0)
        spent = measure_short(us);
    else if (strcmp(row, "bulk") == 0)
        spent = measure_steady(bulk, 1, us);
    else if (strncmp(row, "idle-", 5) == 0)
        spent = measure_steady(one_of_many, 1 + atoi(row + 5), us);
    else
        spent = measure_steady(round_trips, strcmp(row, "rr-1000") == 0 ? 1000 : 1, us);
    if (operations == 0)
        fail("nothing was done");
    printf("{\"operations\":%llu,\"verified\":%llu,\"seconds\":%.6f,\"options\":\"%s\"}\n",
        (unsigned long long)operations, (unsigned long long)bytes, (double)spent / 1e6,
        engines[0]->options());
    return 0;
}
