/*
 * The keeper: a thread that runs the stack when no thread of the application did for a millisecond, because
 * it computes or waits somewhere else. While a thread polls the keeper looks seldom: a thread that stops
 * polling was woken for something, and would delay it by telling the keeper. In low power mode the keeper
 * sleeps without a time limit meanwhile, and whoever stops polling sets its alarm.
 */
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "stack.h"
#include "wait.h"

#define TICK_NS 1000000l
/* While a thread polls. */
#define SELDOM_NS 2000000l
/* Ticks without any change after which the keeper watches the port itself. */
#define QUIET_TICKS 20
#define STACK_SIZE (256 * 1024)

static struct gz_thread *keeper;
/* A thread polled when the keeper looked last. */
static bool parked;
static int alarm_clock = -1;

void gz_keeper_attend(void)
{
    static const struct itimerspec soon = { .it_value = { 0, TICK_NS } };

    if (keeper == NULL || !parked || !gz_stack.config.low_power_mode)
        return;
    parked = false;
    if (timerfd_settime(alarm_clock, 0, &soon, NULL) != 0)
        gz_thread_kick(keeper);
}

bool gz_is_keeper(const struct gz_thread *thread)
{
    return thread == keeper;
}

bool gz_keeper_ticks(void)
{
    return keeper != NULL && (!parked || !gz_stack.config.low_power_mode);
}

/*
 * Sleeps until the port, a timer or somebody needs it: nobody else polls. Lock held on entry and on return.
 */
static void watch_port(struct gz_thread *thread)
{
    struct pollfd none[GZ_WAIT_EXTRA];
    struct gz_wait wait = { .set = -1, .kernel = none, .deadline = GZ_NEVER };

    thread->spin_score = 0;
    gz_wait(thread, &wait);
    gz_run();
}

/* What the keeper saw at its last tick. */
static uint64_t seen;
static uint32_t quiet;

static void look(struct gz_thread *thread)
{
    uint64_t runs = atomic_load(&gz_stack.runs);
    bool idle = runs == seen;

    quiet = idle ? quiet + 1 : 0;
    parked = false;
    if (gz_stack.poller == NULL && (idle || gz_due(gz_now()))) {
        gz_run();
        gz_watch_over();
        if (quiet >= QUIET_TICKS)
            watch_port(thread);
    } else if (gz_stack.poller != NULL) {
        parked = true;
    }
    seen = atomic_load(&gz_stack.runs);
    if (gz_stack.poller == thread)
        gz_stack.poller = NULL;
}

static int keep(struct gz_thread *thread)
{
    uint64_t junk;

    for (;;) {
        struct pollfd events[] = { { .fd = gz_thread_event(thread), .events = POLLIN },
            { .fd = alarm_clock, .events = POLLIN } };
        struct timespec tick = { 0, parked ? SELDOM_NS : TICK_NS };
        bool unlimited = parked && gz_stack.config.low_power_mode;

        syscall(SYS_ppoll, events, 2L, unlimited ? NULL : &tick, NULL, 0L);
        for (int i = 0; i < 2; i++)
            if (events[i].revents != 0 && read(events[i].fd, &junk, sizeof(junk)) > 0)
                quiet = 0;
        thread->inside = 1;
        gz_resume(thread);
        if (sigsetjmp(thread->escape, 0) != 0) {
            gz_escaped(thread);
            return 0;
        }
        look(thread);
        gz_pause(thread);
        thread->inside = 0;
    }
}

/* num_cpus: a CPU that this process may not use changes nothing. */
static void bind_to_cpu(void)
{
    cpu_set_t set;

    if (gz_stack.config.cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)gz_stack.config.cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void *keeper_main(void *argument)
{
    struct gz_thread *thread = argument;

    (void)argument;
    prctl(PR_SET_NAME, "gz-keeper");
    bind_to_cpu();
    thread = gz_thread();
    alarm_clock = gz_internal(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (thread == NULL || alarm_clock < 0 || gz_thread_event(thread) < 0)
        return NULL;
    keeper = thread;
    keep(thread);
    return NULL;
}

void gz_keeper_start(void)
{
    keeper = NULL;
    parked = false;
    gz_thread_start(keeper_main, STACK_SIZE);
}
