/* Waiting for the stack, for kernel descriptors, and for time, all at once (DESIGN D10). */
#ifndef GZ_WAIT_H
#define GZ_WAIT_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "stack_layout.h"
#include "thread.h"

enum gz_woken {
    /* Something in the wait set or among the kernel descriptors may be ready. */
    GZ_WOKEN_READY,
    GZ_WOKEN_TIMEOUT,
    /* A signal, or a cancellation: the call ends. */
    GZ_WOKEN_SIGNAL,
};

struct gz_wait {
    /* The wait set in the current stack, -1: none. */
    int32_t set;
    /* Bit n: it waits in stack n too, which is not the current one, in wait set sets[n]. */
    uint32_t others;
    const int32_t *sets;
    /* The caller's kernel descriptors; revents is filled. There is room for GZ_WAIT_EXTRA behind them. */
    struct pollfd *kernel;
    uint32_t kernel_count;
    /* Some of them turned out to be ready. */
    bool kernel_ready;
    /* In microseconds of gz_now(), GZ_NEVER: none. */
    uint64_t deadline;
};

/*
 * The thread's eventfd and the ports; in several stacks, those that a thread polls beyond this are looked at
 * by time.
 */
#define GZ_WAIT_EXTRA (1 + 2 * GZ_PORTS_MAX)

/* Waits once; the caller looks for what is ready and comes again. Lock held on entry and on return. */
enum gz_woken gz_wait(struct gz_thread *thread, struct gz_wait *wait);
/* The caller goes back to the application: somebody else has to watch the port. */
void gz_wait_end(struct gz_thread *thread);
/* Nobody watches the port: a sleeping thread shall, if there is one. */
void gz_watch_over(void);
/* Some thread sleeps, or spins. */
bool gz_others_sleep(void);
struct gz_kicks gz_take_kicks(void);
/* Wakes one thread that sleeps in wait set `set`. */
void gz_wake_set(int32_t set);
/* What the sleeping poller watches has changed: it looks again. */
void gz_kick_poller(void);
/* Wakes everyone. */
void gz_wake_everyone(void);
void gz_waits_forked(void);
/* A timer was set that comes before the sleeping poller's. */
void gz_check_poller(struct gz_thread *thread);
/* Deadline from a timeout in nanoseconds (GZ_FOREVER: none). */
uint64_t gz_deadline(int64_t timeout);

struct gz_file;
/* Waits until one of `events` is true of a socket, or the deadline. 0, -EAGAIN (time), -EINTR, -ERESTART. */
long gz_wait_socket(struct gz_thread *thread, struct gz_file *file, int fd, uint32_t events,
    uint64_t deadline);
#endif
