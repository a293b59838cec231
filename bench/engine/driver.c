/*
 * Runs a row of the engine benchmark: loads two instances of a stack, hands the driver's calls (bench/engine/
 * driver) on to them, and prints what was moved, and in which time, as a line of JSON.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver/driver.h"
#include "engine.h"
#include "wasm_rt_memory.h"

#define PORT 7
#define DRIVER_MEMORY (16u << 20)

struct w2c_env {
    wasm_rt_memory_t memory;
};

/* What the module's imports act on. */
struct w2c_engine {
    struct w2c_env env;
    const struct engine *engines[2];
    void *stacks[2];
};

wasm_rt_memory_t *w2c_env_memory(struct w2c_env *env)
{
    return &env->memory;
}

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

__attribute__((noreturn)) void wasm_rt_trap(wasm_rt_trap_t code)
{
    fprintf(stderr, "the driver trapped: %d\n", (int)code);
    exit(1);
}

static void *at(struct w2c_engine *all, u32 address)
{
    return all->env.memory.data + address;
}

void w2c_engine_time(struct w2c_engine *all, u32 side, u64 now)
{
    all->engines[side]->time(all->stacks[side], now);
}

void w2c_engine_input(struct w2c_engine *all, u32 side)
{
    all->engines[side]->input(all->stacks[side]);
}

u32 w2c_engine_events(struct w2c_engine *all, u32 side, u32 list)
{
    return all->engines[side]->events(all->stacks[side], at(all, list));
}

void w2c_engine_output(struct w2c_engine *all, u32 side)
{
    all->engines[side]->output(all->stacks[side]);
}

u32 w2c_engine_connect(struct w2c_engine *all, u32 writes)
{
    return (u32)all->engines[0]->connect(all->stacks[0], PORT, (int)writes);
}

u32 w2c_engine_send(struct w2c_engine *all, u32 side, u32 connection, u32 data, u32 length)
{
    return all->engines[side]->send(all->stacks[side], (int)connection, at(all, data), length);
}

u32 w2c_engine_receive(struct w2c_engine *all, u32 side, u32 connection, u32 data, u32 length)
{
    return (u32)all->engines[side]->receive(all->stacks[side], (int)connection, at(all, data), length);
}

void w2c_engine_close(struct w2c_engine *all, u32 side, u32 connection)
{
    all->engines[side]->close(all->stacks[side], (int)connection);
}

u32 w2c_engine_same(struct w2c_engine *all, u32 one, u32 other, u32 length)
{
    return memcmp(at(all, one), at(all, other), length) == 0;
}

u64 w2c_engine_clock(struct w2c_engine *all, u32 processor)
{
    struct timespec time;

    (void)all;
    clock_gettime(processor ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return (u64)time.tv_sec * 1000000 + (u64)time.tv_nsec / 1000;
}

void w2c_engine_failText(struct w2c_engine *all, u32 text)
{
    fail(at(all, text));
}

static void load(struct w2c_engine *all, const char *path, int side)
{
    void *object = dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL);

    if (object == NULL || (all->engines[side] = dlsym(object, ENGINE_SYMBOL)) == NULL)
        fail(dlerror());
    all->stacks[side] = all->engines[side]->open(side, w2c_engine_clock(all, 0));
    if (all->stacks[side] == NULL)
        fail("the stack did not start");
}

int main(int argc, char **argv)
{
    static struct w2c_engine all;
    w2c_driver driver;

    if (argc != 5)
        fail("usage: engine ENGINE.so ROW CONNECTIONS SECONDS");
    load(&all, argv[1], 0);
    load(&all, argv[1], 1);
    for (int side = 0; side < 2; side++)
        all.engines[side]->wire(all.stacks[side], all.engines[!side]->deliver, all.stacks[!side]);
    all.engines[1]->listen(all.stacks[1], PORT);
    if (gz_wasm_memory_map(&all.env.memory, DRIVER_MEMORY) != 0)
        fail("no memory");
    wasm2c_driver_instantiate(&driver, &all, &all.env);
    u32 row = (u32)atoi(argv[2]);
    u64 duration = (u64)(atof(argv[4]) * 1e6);

    w2c_driver_prepare(&driver, row, (u32)atoi(argv[3]), duration);
    u64 spent = w2c_driver_run(&driver, row, duration);

    if (w2c_driver_operations(&driver) == 0)
        fail("nothing was done");
    printf("{\"operations\":%llu,\"verified\":%llu,\"seconds\":%.6f,\"options\":\"%s\"}\n",
        (unsigned long long)w2c_driver_operations(&driver),
        (unsigned long long)w2c_driver_verified(&driver), (double)spent / 1e6, all.engines[0]->options());
    return 0;
}
