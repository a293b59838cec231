/*
 * Two processes, a client and a server, with one ring port between them: a sealed memfd that both map behind
 * linear memory of their own. All of the work is in test/ring/rooms/hammer.room.ts; here is what it cannot
 * do: processes, mappings, eventfds, time.
 *
 *   hammer run FRAMES SEED SLOTS BUFFER_SIZE WINDOW   FRAMES each way; exit 0 when all came, whole and in
 *                                                     order; WINDOW: most that are unanswered, 0: any number
 *   hammer bench [FRAMES]                             figures
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hammer.h"
#include "wasm_rt_memory.h"

#define PRIVATE 0x200000u
#define MOVED 1
#define KICK 2
#define DONE 4
#define BROKEN 8
/* A sleeper that is not woken for so long was forgotten. */
#define FORGOTTEN_MS 10000

struct w2c_env {
    wasm_rt_memory_t memory;
};

wasm_rt_memory_t *w2c_env_memory(struct w2c_env *env)
{
    return &env->memory;
}

__attribute__((noreturn)) void wasm_rt_trap(wasm_rt_trap_t code)
{
    fprintf(stderr, "trap %d\n", code);
    abort();
}

static struct w2c_env env;
static w2c_hammer module;
static int region;
/* Eventfds: to the server, to the client. */
static int kicks[2];

static void check(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    /* A machine with one processor has no second: then both share it. */
    sched_setaffinity(0, sizeof(set), &set);
}

/* A process' own linear memory with the region behind it. */
static void open_memory(void)
{
    check(gz_wasm_memory_map(&env.memory, PRIVATE) == 0, "window");
    wasm2c_hammer_instantiate(&module, &env);
}

static void map_region(uint32_t size)
{
    uint8_t *place = env.memory.data + w2c_hammer_regionPlace(&module);

    check(mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, region, 0) ==
            place, "region");
    /* Bulk copies are checked against the memory's size. */
    env.memory.size = (uint64_t)w2c_hammer_regionPlace(&module) + size;
}

static void make_region(uint32_t slots, uint32_t buffer_size)
{
    uint32_t size = w2c_hammer_regionBytes(&module, slots, buffer_size);

    region = memfd_create("hammer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    check(region >= 0 && ftruncate(region, size) == 0, "memfd");
    check(fcntl(region, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "seals");
    map_region(size);
}

static void kick(int side)
{
    uint64_t one = 1;

    check(write(kicks[side], &one, sizeof(one)) == sizeof(one), "kick");
}

/* Sleeps until the other side kicks. */
static void rest(int side, uint64_t *sleeps)
{
    struct pollfd waits = { .fd = kicks[side], .events = POLLIN };
    uint64_t count;
    int ready = poll(&waits, 1, FORGOTTEN_MS);

    if (ready == 0)
        fprintf(stderr, "%s: a wake-up was lost after %u sent and %u received\n", side ? "client" : "server",
            w2c_hammer_sentCount(&module), w2c_hammer_receivedCount(&module));
    check(ready == 1, "not woken");
    check(read(kicks[side], &count, sizeof(count)) == sizeof(count), "eventfd");
    *sleeps += 1;
}

/* One side of the hammer, until it has sent and received everything. */
static void run(int side, unsigned seed)
{
    uint64_t sleeps = 0, turns = 0;
    unsigned idle = 0;
    unsigned patience = 0;

    for (;;) {
        uint32_t result = w2c_hammer_turn(&module);

        turns++;
        if (result & KICK)
            kick(!side);
        if (result & BROKEN) {
            fprintf(stderr, "%s: frame %d is wrong, %llu faults\n", side ? "client" : "server",
                (int)w2c_hammer_wrong(&module) - 1, (unsigned long long)w2c_hammer_faults(&module));
            exit(1);
        }
        if (result & DONE)
            break;
        if (result & MOVED)
            idle = 0;
        if (idle++ < patience)
            continue;
        idle = 0;
        /* How long it looks before it sleeps: from not at all, to long enough for the other to come by. */
        patience = rand_r(&seed) % 4 ? 0 : rand_r(&seed) % 300;
        if (result & MOVED)
            continue;
        result = w2c_hammer_sleep(&module);
        if (result == 2)
            kick(!side);
        else if (result == 0)
            rest(side, &sleeps);
        w2c_hammer_awake(&module);
    }
    /* The other side may sleep: its last frames, or its room, were this side's last doing. */
    kick(!side);
    printf("%s: %u sent, %u received, %llu turns, %llu sleeps\n", side ? "client" : "server",
        w2c_hammer_sentCount(&module), w2c_hammer_receivedCount(&module), (unsigned long long)turns,
        (unsigned long long)sleeps);
    check(w2c_hammer_faults(&module) == 0, "faults");
}

/* Makes both processes: the parent is the client. Returns the side: 1 client, 0 server. */
static int part(uint32_t goal, uint64_t seed, uint32_t slots, uint32_t buffer_size, uint32_t window,
    pid_t *child)
{
    open_memory();
    make_region(slots, buffer_size);
    check(w2c_hammer_start(&module, 1, goal, seed, slots, buffer_size, window) == 1, "lay out");
    for (int i = 0; i < 2; i++)
        check((kicks[i] = eventfd(0, EFD_CLOEXEC)) >= 0, "eventfd");
    fflush(stdout);
    *child = fork();
    check(*child >= 0, "fork");
    if (*child != 0)
        return 1;
    /* Nothing of the parent's linear memory but the region is shared. */
    gz_wasm_memory_unmap(&env.memory);
    open_memory();
    map_region(w2c_hammer_regionBytes(&module, slots, buffer_size));
    check(w2c_hammer_start(&module, 0, goal, seed, slots, buffer_size, window) == 1, "attach");
    return 0;
}

static int join(int side, pid_t child)
{
    int status = 0;

    fflush(stdout);
    if (side == 0)
        _exit(0);
    check(waitpid(child, &status, 0) == child, "wait");
    gz_wasm_memory_unmap(&env.memory);
    close(region);
    close(kicks[0]);
    close(kicks[1]);
    return status == 0 ? 0 : 1;
}

/*
 * Where other programs run too, a process loses its processor now and then. So the work is timed in
 * stretches, short against that and long against the ring, and their median told.
 */
#define STRETCHES 10000

static double stretches[STRETCHES];
static unsigned stretch_count;
static double stretch_start;

static void stretch_begin(void)
{
    stretch_count = 0;
    stretch_start = now();
}

static void stretch_end(void)
{
    double time = now();

    if (stretch_count < STRETCHES)
        stretches[stretch_count++] = time - stretch_start;
    stretch_start = time;
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

/* Nanoseconds of one of `each` things in the median stretch. */
static double median(uint32_t each)
{
    qsort(stretches, stretch_count, sizeof(stretches[0]), compare);
    return stretches[stretch_count / 2] / each * 1e9;
}

/* Frames of one length, one way, both sides spinning. */
static void one_way(int from_client, uint32_t length, uint32_t burst, uint32_t kicked, uint32_t frames)
{
    pid_t child;
    int side = part(0, 1, 512, 2048, 0, &child);
    uint32_t stretch = length > 2048 ? 200 : 5000;
    uint32_t done = 0;

    pin(side);
    stretch_begin();
    while (done < frames) {
        uint32_t left = frames - done < burst ? frames - done : burst;
        uint32_t before = done / stretch;

        done += side == from_client ? w2c_hammer_pour(&module, length, left, kicked)
                                    : w2c_hammer_drain(&module, 32);
        if (done / stretch != before)
            stretch_end();
    }
    if (side != from_client) {
        double each = median(stretch);

        printf("one way, %s, %5u bytes, bursts of %2u%s: %6.2f million/s, %6.1f ns a frame\n",
            from_client ? "to server" : "to client", length, burst, kicked ? ", asking whether to kick" : "",
            1e3 / each, each);
    }
    check(join(side, child) == 0, "the other process");
}

/* One frame there and back, both sides spinning. */
static void round_trip(uint32_t length, uint32_t kicked, uint32_t rounds)
{
    pid_t child;
    int side = part(0, 1, 512, 2048, 0, &child);
    const uint32_t stretch = 100;

    pin(side);
    stretch_begin();
    for (uint32_t i = 1; i <= rounds; i++) {
        if (side == 1)
            w2c_hammer_pour(&module, length, 1, kicked);
        while (w2c_hammer_drain(&module, 1) == 0)
            ;
        if (side == 0)
            w2c_hammer_pour(&module, length, 1, kicked);
        if (i % stretch == 0)
            stretch_end();
    }
    if (side == 1)
        printf("round trip, %5u bytes%s: %6.1f ns\n", length, kicked ? ", asking whether to kick" : "",
            median(stretch));
    check(join(side, child) == 0, "the other process");
}

static void bench(uint32_t scale)
{
    static const uint32_t lengths[] = { 64, 1500, 65536 };

    for (int from_client = 1; from_client >= 0; from_client--) {
        for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            uint32_t frames = lengths[i] > 2048 ? scale / 20 : scale;

            one_way(from_client, lengths[i], 1, 0, frames);
            one_way(from_client, lengths[i], 32, 0, frames);
            one_way(from_client, lengths[i], 32, 1, frames);
        }
    }
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        round_trip(lengths[i], 0, scale / 20);
        round_trip(lengths[i], 1, scale / 20);
    }
}

int main(int count, char **words)
{
    pid_t child;
    int side;

    if (count >= 2 && strcmp(words[1], "bench") == 0) {
        bench(count > 2 ? (uint32_t)atoi(words[2]) : 4000000);
        return 0;
    }
    check(count == 7, "hammer run FRAMES SEED SLOTS BUFFER_SIZE WINDOW");
    side = part((uint32_t)atoi(words[2]), (uint64_t)atoi(words[3]), (uint32_t)atoi(words[4]),
        (uint32_t)atoi(words[5]), (uint32_t)atoi(words[6]), &child);
    run(side, (unsigned)atoi(words[3]) + (unsigned)side);
    return join(side, child);
}
