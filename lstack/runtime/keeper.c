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
/* Wake-ups of the port that it then waits for without a tick in between. */
#define ROUNDS_MOST 64
#define STACK_SIZE (256 * 1024)

void gz_keeper_attend(void)
{
    static const struct itimerspec soon = { .it_value = { 0, TICK_NS } };

    struct gz_keeper *keeper = &gz_current->keeper;

    if (keeper->thread == NULL || !keeper->parked || !gz_process.config.low_power_mode)
        return;
    keeper->parked = false;
    if (timerfd_settime(keeper->alarm_clock, 0, &soon, NULL) != 0)
        gz_thread_kick(keeper->thread);
}

bool gz_is_keeper(const struct gz_thread *thread)
{
    return thread == gz_current->keeper.thread;
}

bool gz_keeper_ticks(void)
{
    const struct gz_keeper *keeper = &gz_current->keeper;

    return keeper->thread != NULL && (!keeper->parked || !gz_process.config.low_power_mode);
}

/*
 * Sleeps until the port, a timer or somebody needs it: nobody else polls. Lock held on entry and on return.
 */
static void watch_port(struct gz_thread *thread)
{
    struct pollfd none[GZ_WAIT_EXTRA];
    struct gz_wait wait = { .set = -1, .kernel = none, .deadline = GZ_NEVER };

    /* A stack among several may have no thread of its own for long: then this one goes on watching. */
    int rounds = gz_process.stacks > 1 ? ROUNDS_MOST : 1;

    do {
        thread->spin_score = 0;
        gz_wait(thread, &wait);
        gz_run();
    } while (--rounds > 0 && gz_current->poller == thread && !gz_others_sleep());
}

static void look(struct gz_thread *thread)
{
    struct gz_keeper *keeper = &gz_current->keeper;
    bool idle = atomic_load(&gz_current->runs) == keeper->seen;

    keeper->quiet = idle ? keeper->quiet + 1 : 0;
    keeper->parked = false;
    if (gz_current->poller == NULL && (idle || gz_due(gz_now()))) {
        gz_run();
        gz_watch_over();
        bool alone = gz_process.stacks > 1 && idle && !gz_others_sleep();

        if (alone || keeper->quiet >= QUIET_TICKS)
            watch_port(thread);
    } else if (gz_current->poller != NULL) {
        keeper->parked = true;
    }
    keeper->seen = atomic_load(&gz_current->runs);
    if (gz_current->poller == thread)
        gz_current->poller = NULL;
}

static int keep(struct gz_thread *thread)
{
    struct gz_keeper *keeper = &gz_current->keeper;
    uint64_t junk;

    for (;;) {
        struct pollfd events[] = { { .fd = gz_thread_event(thread), .events = POLLIN },
            { .fd = keeper->alarm_clock, .events = POLLIN } };
        struct timespec tick = { 0, keeper->parked ? SELDOM_NS : TICK_NS };
        bool unlimited = keeper->parked && gz_process.config.low_power_mode;

        syscall(SYS_ppoll, events, 2L, unlimited ? NULL : &tick, NULL, 0L);
        for (int i = 0; i < 2; i++)
            if (events[i].revents != 0 && read(events[i].fd, &junk, sizeof(junk)) > 0)
                keeper->quiet = 0;
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

    if (gz_current->cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)gz_current->cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void *keeper_main(void *argument)
{
    struct gz_thread *thread = gz_thread();
    int alarm_clock = gz_internal(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));

    prctl(PR_SET_NAME, "gz-keeper");
    bind_to_cpu();
    if (thread == NULL || alarm_clock < 0 || gz_thread_event(thread) < 0)
        return argument;
    gz_current->keeper.alarm_clock = alarm_clock;
    gz_current->keeper.thread = thread;
    keep(thread);
    return argument;
}

void gz_keeper_start(void)
{
    gz_current->keeper.thread = NULL;
    gz_current->keeper.parked = false;
    gz_thread_start(keeper_main, STACK_SIZE);
}
