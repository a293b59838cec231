/* The stacks of this process: their regions, locks, and running them. */
#ifndef GZ_STACK_H
#define GZ_STACK_H

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "config.h"
#include "port/port.h"
#include "stack/stack.h"
#include "stack_layout.h"
#include "thread.h"

#define GZ_NEVER UINT64_MAX
/* Buckets of threads that sleep in a stack, by wait set. */
#define GZ_SLEEPERS 256

/* The import of the module: its memory. */
struct w2c_env {
    wasm_rt_memory_t memory;
};

/* What all processes that share a region see; lives beside it, and is inherited by fork. */
struct gz_shared {
    pthread_mutex_t lock;
    /* Set while the lock's holder may have left the region half changed. */
    _Atomic uint32_t busy;
    _Atomic uint32_t poisoned;
    /* The process that has the port; 0: nobody yet. */
    _Atomic pid_t owner;
    bool created;
    uint32_t port_id;
    /* Descriptors that name a stack socket, in all processes, by the socket's place in its pool. */
    uint16_t references[1 << 20];
};

/* What stacks of a process hand on to each other (handover.c). */
struct gz_inbox;

/* One stack; guarded by the lock in `shared`, but for atomics. */
struct gz_stack {
    uint32_t index;
    /* The CPU of its keeper, -1: any. */
    int cpu;
    /* The thread at home here that has its CPU (affinity.c). */
    struct gz_thread *_Atomic first;
    struct w2c_env env;
    w2c_stack module;
    struct gz_shared *shared;
    int region_fd;
    uint32_t region_size;
    /* The configured port, and all that are open, it first. */
    struct gz_port wire;
    struct gz_port *ports[GZ_PORTS_MAX];
    uint32_t port_count;
    /* Frames from the stack before it; NULL when there is one stack. */
    struct gz_inbox *inbox;
    /* This process has the port and runs the stack. */
    bool running;
    /* Threads that wait for the lock. */
    _Atomic uint32_t waiting;
    /* Times that gz_run() ran. */
    _Atomic uint64_t runs;
    /* Transmission was put off; the next wait does it. */
    bool deferred;
    /* See wait.c. */
    struct gz_thread *poller;
    uint64_t poller_deadline;
    _Atomic uint64_t next_deadline;
    struct gz_thread *sleepers[GZ_SLEEPERS];
    uint32_t sleeper_count;
    /* Threads to be kicked by the lock's holder once it has given the lock up. */
    struct gz_kicks {
        uint32_t count;
        struct gz_thread *threads[32];
    } kicks;
    /* See keeper.c. */
    struct gz_keeper {
        struct gz_thread *thread;
        /* A thread polled when the keeper looked last. */
        bool parked;
        int alarm_clock;
        /* What it saw at its last tick. */
        uint64_t seen;
        uint32_t quiet;
    } keeper;
};

/* What is the process' and not one stack's. */
struct gz_process {
    struct gz_config config;
    uint32_t stacks;
    /* All of them run here. */
    _Atomic bool claimed;
    /* Threads of the application have CPUs (affinity.c). */
    bool moves_threads;
    /* A child forked after the claim: its stack descriptors are only numbers. */
    bool detached;
    /* The process with which stacks are shared that nobody had claimed when it forked this one; 0: none. */
    pid_t forker;
    /* Starting failed and the configuration says to go on with the kernel. */
    bool failed;
};

extern struct gz_stack gz_stacks[GZ_STACKS_MAX];
extern struct gz_process gz_process;
/*
 * The stack that the calling thread is in, or was in last: everything that names none is about this one. Its
 * lock is the only one that the thread may hold.
 */
extern __thread struct gz_stack *gz_current __attribute__((tls_model("initial-exec")));

/* Makes the regions of all stacks unless they exist; 0 or -errno. Called with the lock held. */
int gz_region_create(void);
/* Takes the memory of the current stack's region from its NUMA node, before it is touched (affinity.c). */
void gz_memory_to_node(void);
/* Reserves the windows and shared pages; at the engine's start. */
int gz_region_reserve(void);
/* Another page beside the region, for a process that will have a region of its own. 0 or -1. */
int gz_shared_renew(void);
/* A new page, not yet the current stack's; NULL when there is none. */
struct gz_shared *gz_shared_make(void);
/* Another window for the current stack's memory, in place of the one that it has, if any. 0 or -1. */
int gz_window_renew(void);
/* The current stack has another page, whose lock the thread holds instead. */
void gz_lock_change(struct gz_shared *shared);
/*
 * part.c: a process that shares stacks with the one that forked it, or another one, makes its own behind
 * ltran. `all`: all its sockets are made again there, not only those that are waited for.
 */
void gz_part(bool all);
bool gz_process_alive(pid_t process);
/* Makes the port, the address and the gateway known to a new region; 0 or -1 with a message (start.c). */
int gz_introduce(void);
/*
 * Says why the stack does not work here and ends the process, unless the configuration wants the kernel then.
 */
long gz_start_failed(void);
/* True in the keeper thread. */
bool gz_is_keeper(const struct gz_thread *thread);

static inline uint8_t *gz_at(uint32_t address)
{
    return gz_current->env.memory.data + address;
}

static inline uint32_t gz_get32(uint32_t address)
{
    uint32_t value;

    memcpy(&value, gz_at(address), sizeof(value));
    return value;
}

static inline uint64_t gz_get64(uint32_t address)
{
    uint64_t value;

    memcpy(&value, gz_at(address), sizeof(value));
    return value;
}

static inline void gz_put32(uint32_t address, uint32_t value)
{
    memcpy(gz_at(address), &value, sizeof(value));
}

static inline void gz_put64(uint32_t address, uint64_t value)
{
    memcpy(gz_at(address), &value, sizeof(value));
}

/* Microseconds of a clock that never goes back. */
uint64_t gz_now(void);

/* The lock of the stack that `fd` belongs to, with what must happen around it: see lock.c. */
struct gz_thread *gz_lock(int fd);
/* The lock of one stack. */
struct gz_thread *gz_lock_stack(struct gz_stack *stack);
/* Gives the current stack up and goes to another, whose lock it takes. Files that must stay are pinned. */
void gz_switch(struct gz_thread *thread, struct gz_stack *stack);
/* A tour of the stacks of `left`, bit n is stack n, that ends where it began. */
struct gz_tour {
    uint32_t left;
    struct gz_stack *home;
};
static inline bool gz_tour_next(struct gz_thread *thread, struct gz_tour *tour)
{
    bool more = tour->left != 0;

    gz_switch(thread, more ? &gz_stacks[__builtin_ctz(tour->left)] : tour->home);
    tour->left &= tour->left - 1;
    return more;
}
/* The body is run in each stack of `set`, and must not leave the loop but by `continue`. */
#define GZ_VISIT(thread, set) \
    for (struct gz_tour tour = { (set), gz_current }; gz_tour_next(thread, &tour);)
#define GZ_HERE (1u << gz_current->index)
#define GZ_ALL_STACKS (UINT32_MAX >> (GZ_STACKS_MAX - gz_process.stacks))

/* Calls `act` in each stack, in order, until one answers other than 0; answers that. Ends where it began. */
int gz_in_every_stack(struct gz_thread *thread, int (*act)(struct gz_thread *));
void gz_unlock(struct gz_thread *thread);
/* The lock came from a dead holder (EOWNERDEAD): makes it usable again, and the stack's state known. */
void gz_lock_inherit(void);
/* Gives the lock up for a while within a call, and takes it again. */
void gz_pause(struct gz_thread *thread);
void gz_resume(struct gz_thread *thread);
long gz_escaped(struct gz_thread *thread);

/*
 * Every call of the application enters here and leaves by GZ_LEAVE. A trap within the module comes back in
 * this place: the macro then leaves the calling function with -ECONNRESET. `fd` says which stack; -1: the
 * thread's own.
 */
#define GZ_ENTER(thread, fd)                            \
    struct gz_thread *thread = gz_lock(fd);             \
    do {                                                \
        if (thread == NULL)                             \
            return -EDEADLK;                            \
        if (sigsetjmp(thread->escape, 0) != 0)          \
            return gz_escaped(thread);                  \
    } while (0)
#define GZ_LEAVE(thread) gz_unlock(thread)

/*
 * Runs the stack once: transmit, receive, timers, transmit what is urgent, wake. Called with the lock held.
 */
void gz_run(void);
/*
 * Adds a port that is open, in the stack too (its id is portOpen()'s), and takes it away again; lock held. A
 * thread that spins may still ask a port whether frames wait when it was taken away: its structure, and what
 * pending() reads, stay readable for ever. 0 or -ENOSPC.
 */
int gz_port_add(struct gz_port *port);
void gz_port_remove(struct gz_port *port);
/* handover.c: makes room for frames from other stacks, in the current one; called at the claim. 0 or -1. */
int gz_inbox_open(void);
/* Gives the frames among `count` that the stack marked to the next stack. */
void gz_hand_over(const uint8_t *frames, uint32_t count);

/* Transmits everything that waits. */
void gz_flush(uint64_t now);
/* Wakes whom the stack wants woken. */
void gz_wake_all(void);
/* Whether gz_run() would find something to do. No lock needed. */
bool gz_due(uint64_t now);

/* Claims the ports of all stacks for this process unless that was done: 0 or -errno. Lock held. */
int gz_claim(void);

/* Starts the thread that runs the stack when no other does (keeper.c), and calls for its attention. */
void gz_keeper_start(void);
void gz_keeper_attend(void);
bool gz_keeper_ticks(void);

/*
 * Starts the thread that tells the stack of changes of the port's link (link.c); called with the lock held.
 */
void gz_link_start(void);
/* Takes the error off a port's descriptor that the kernel left when the interface went down. */
void gz_link_error(int fd);

/* Counts a fallback to the kernel; `reason` is a GZ_FALLBACK_ value. */
void gz_count_fallback(uint32_t reason);

/*
 * Closes every socket of the stack and waits until the peers know, or don't answer: the process ends
 * (exit.c).
 */
void gz_finish(void);

/* How weighty something is that is said while the stack runs; what is said at the start always is. */
enum gz_weight {
    GZ_INFO,
    GZ_DEBUG,
};

/* Says a line on standard error, if the setting wants lines of this weight. */
__attribute__((format(printf, 2, 3))) void gz_say(enum gz_weight weight, const char *format, ...);

/* Moves a descriptor of the engine's own out of the application's way; answers the new one or -1. */
int gz_internal(int fd);
#endif
