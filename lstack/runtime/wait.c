/*
 * Waiting (DESIGN D10). At most one thread is the poller: it spins for a while when that has paid lately,
 * then sleeps on the port, its own eventfd, the caller's kernel descriptors and the next timer. All others
 * sleep on their eventfd and kernel descriptors; whoever runs the stack wakes them. A poller that goes back
 * to the application appoints another.
 */
#include "wait.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "stack.h"

/* Waking a sleeping thread on another core takes about 25 us: spinning about twice as long can pay. */
#define SPIN_TIME 50
/* A wait that ended within this time would have ended while spinning. */
#define SPIN_PAYS 80
#define SPIN_MOST 8
#define SPIN_LEAST 2
/* Rounds of spinning between looks at kernel descriptors, and between giving the core to somebody else. */
#define ROUNDS_KERNEL 16
#define ROUNDS_YIELD 64
/* A poller that is usually back within this time, in microseconds, needs no deputy. */
#define SHORT_ABSENCE 200
#define ABSENCES_MOST 8
/* The device takes no frames: look again soon, in microseconds. */
#define BLOCKED_RETRY 1000

static struct gz_thread **bucket(int32_t set)
{
    return &gz_current->sleepers[(uint32_t)set % GZ_SLEEPERS];
}

static struct gz_place *place_of(struct gz_thread *thread)
{
    return &thread->places[gz_current->index];
}

static void list(struct gz_thread *thread, int32_t set)
{
    struct gz_thread **head = bucket(set);
    struct gz_place *place = place_of(thread);

    place->set = set;
    place->next_sleeper = *head;
    place->listed = true;
    *head = thread;
    thread->waits_in |= 1u << gz_current->index;
    gz_current->sleeper_count++;
}

static void unlist(struct gz_thread *thread)
{
    struct gz_place *place = place_of(thread);
    struct gz_thread **at = bucket(place->set);

    if (!place->listed)
        return;
    while (*at != thread)
        at = &place_of(*at)->next_sleeper;
    *at = place->next_sleeper;
    place->listed = false;
    gz_current->sleeper_count--;
}

static void kick_later(struct gz_thread *thread)
{
    struct gz_kicks *kicks = &gz_current->kicks;

    if (kicks->count < sizeof(kicks->threads) / sizeof(kicks->threads[0]))
        kicks->threads[kicks->count++] = thread;
    else
        gz_thread_kick(thread);
}

struct gz_kicks gz_take_kicks(void)
{
    struct gz_kicks *kicks = &gz_current->kicks, taken;

    taken.count = kicks->count;
    for (uint32_t i = 0; i < kicks->count; i++)
        taken.threads[i] = kicks->threads[i];
    kicks->count = 0;
    return taken;
}

static void wake(struct gz_thread *thread)
{
    atomic_store(&thread->woken, true);
    if (thread->asleep)
        kick_later(thread);
}

void gz_wake_set(int32_t set)
{
    struct gz_thread *last = NULL;

    /* The one that has slept longest stands last. */
    for (struct gz_thread *thread = *bucket(set); thread != NULL; thread = place_of(thread)->next_sleeper)
        if (place_of(thread)->set == set && !atomic_load(&thread->woken))
            last = thread;
    if (last != NULL)
        wake(last);
}

void gz_wake_everyone(void)
{
    for (int i = 0; i < GZ_SLEEPERS; i++) {
        struct gz_thread *thread = gz_current->sleepers[i];

        for (; thread != NULL; thread = place_of(thread)->next_sleeper)
            wake(thread);
    }
}

void gz_waits_forked(void)
{
    memset(gz_current->sleepers, 0, sizeof(gz_current->sleepers));
    gz_current->sleeper_count = 0;
    gz_current->kicks.count = 0;
    gz_current->poller = NULL;
}

uint64_t gz_deadline(int64_t timeout)
{
    if (timeout < 0)
        return GZ_NEVER;
    return gz_now() + (uint64_t)(timeout + 999) / 1000;
}

static bool is_blocked(void)
{
    for (uint32_t i = 0; i < gz_current->port_count; i++)
        if (gz_current->ports[i]->blocked)
            return true;
    return false;
}

/* When the poller has to look again: at the next timer, or soon when the device took not all. */
static uint64_t next_look(void)
{
    uint64_t next = w2c_stack_nextDeadline(&gz_current->module);
    uint64_t retry = is_blocked() ? gz_now() + BLOCKED_RETRY : GZ_NEVER;

    return next < retry ? next : retry;
}

void gz_check_poller(struct gz_thread *thread)
{
    struct gz_thread *poller = gz_current->poller;

    if (poller == NULL || poller == thread || !poller->asleep || atomic_load(&gz_current->shared->poisoned))
        return;
    if (next_look() < gz_current->poller_deadline) {
        gz_current->poller_deadline = 0;
        kick_later(poller);
    }
}

void gz_kick_poller(void)
{
    if (gz_current->poller != NULL && gz_current->poller->asleep)
        kick_later(gz_current->poller);
}

/* A sleeping thread that is not meant to wake yet takes the poller's place when it is kicked. */
static void appoint(void)
{
    for (int i = 0; gz_current->sleeper_count > 0 && i < GZ_SLEEPERS; i++) {
        struct gz_thread *thread = gz_current->sleepers[i];

        for (; thread != NULL; thread = place_of(thread)->next_sleeper) {
            if (thread->asleep && !atomic_load(&thread->woken)) {
                kick_later(thread);
                return;
            }
        }
    }
}

/*
 * Without a poller, whoever enters the engine next runs the stack, and the keeper's tick is the last resort.
 * Waking a deputy costs as much as waking the thread that a packet is for: only who stays away for long does.
 */
static void leave_port(struct gz_thread *thread, uint64_t now)
{
    gz_current->poller = NULL;
    thread->left_at = now;
    gz_keeper_attend();
    if (thread->long_absences > ABSENCES_MOST / 2 || !gz_keeper_ticks())
        appoint();
}

void gz_watch_over(void)
{
    if (gz_current->poller == NULL)
        appoint();
}

bool gz_others_sleep(void)
{
    return gz_current->sleeper_count > 0;
}

static void note_absence(struct gz_thread *thread, uint64_t now)
{
    uint64_t absence = now - thread->left_at;

    if (thread->left_at == 0)
        return;
    /* One long absence may be the scheduler's doing: most of them have to be long. */
    if (absence < SHORT_ABSENCE)
        thread->long_absences -= thread->long_absences > 0;
    else
        thread->long_absences += thread->long_absences < ABSENCES_MOST;
    thread->left_at = 0;
}

/* It does not sleep in the current stack any more. */
static void get_up(struct gz_thread *thread)
{
    struct gz_place *place = place_of(thread);

    if (!place->listed)
        return;
    unlist(thread);
    if (place->set >= 0 && !atomic_load(&gz_current->shared->poisoned))
        w2c_stack_waitSetWake(&gz_current->module, (u32)place->set);
}

static void end_here(struct gz_thread *thread)
{
    get_up(thread);
    thread->waits_in &= ~(1u << gz_current->index);
    if (gz_current->poller != thread)
        return;
    if (gz_current->running)
        leave_port(thread, gz_now());
    else
        gz_current->poller = NULL;
}

void gz_wait_end(struct gz_thread *thread)
{
    thread->asleep = false;
    end_here(thread);
    GZ_VISIT(thread, thread->waits_in)
        end_here(thread);
}

static bool poll_kernel(struct gz_wait *wait)
{
    struct timespec none = { 0, 0 };

    if (wait->kernel_count == 0)
        return false;
    wait->kernel_ready = syscall(SYS_ppoll, wait->kernel, (long)wait->kernel_count, &none, NULL, 0L) > 0;
    return wait->kernel_ready;
}

/* Runs the stacks of `polled` in which something is due; true: the thread was woken. No lock held. */
static bool run_due(struct gz_thread *thread, uint32_t polled, uint64_t now, bool *ran)
{
    struct gz_stack *here = gz_current;

    for (uint32_t left = polled; left != 0; left &= left - 1) {
        gz_current = &gz_stacks[__builtin_ctz(left)];
        if (!gz_due(now))
            continue;
        *ran = true;
        gz_resume(thread);
        gz_run();
        gz_pause(thread);
    }
    gz_current = here;
    return atomic_load(&thread->woken);
}

/*
 * Spins without the lock, for all stacks of `polled`; true: there is something to look at. Lock held on entry
 * and on return.
 */
static bool spin(struct gz_thread *thread, struct gz_wait *wait, uint32_t polled)
{
    uint64_t now = gz_now(), end = now + SPIN_TIME;
    bool found = false;

    if (end > wait->deadline)
        end = wait->deadline;
    gz_pause(thread);
    for (uint32_t round = 1; !found && now < end; round++) {
        bool ran = false;

        now = gz_now();
        if (atomic_load(&thread->woken) || atomic_load(&thread->pending) != 0 ||
            (atomic_load(&thread->cancelled) && !thread->shielded)) {
            found = true;
            continue;
        }
        found = run_due(thread, polled, now, &ran);
        if (ran)
            continue;
        if (round % ROUNDS_KERNEL == 0) {
            found = poll_kernel(wait);
            if (round % ROUNDS_YIELD == 0 || atomic_load(&gz_current->waiting) != 0)
                sched_yield();
        } else {
            __builtin_ia32_pause();
        }
    }
    gz_resume(thread);
    return found;
}

/* How long the kernel shall keep us: NULL for ever. */
static struct timespec *remaining(uint64_t until, struct timespec *time)
{
    uint64_t now = gz_now(), left = until > now ? until - now : 0;

    if (until == GZ_NEVER)
        return NULL;
    time->tv_sec = (time_t)(left / 1000000);
    time->tv_nsec = (long)(left % 1000000) * 1000;
    return time;
}

/* What a thread sleeps on, beside its own descriptors. */
struct bed {
    struct pollfd *list;
    uint32_t count, most;
    uint64_t until;
    /* Frames wait already. */
    bool frames;
};

/* The current stack's poller sleeps on its ports, asks them for a wake-up, and minds its next deadline. */
static void watch_stack(struct bed *bed)
{
    uint64_t next = next_look();

    for (uint32_t i = 0; i < gz_current->port_count; i++) {
        struct gz_port *port = gz_current->ports[i];

        if (bed->count < bed->most)
            bed->list[bed->count++] = (struct pollfd){ .fd = port->fd, .events = POLLIN };
        else if (next > gz_now() + BLOCKED_RETRY)
            next = gz_now() + BLOCKED_RETRY;
        bed->frames = (port->kind->arm != NULL && port->kind->arm(port)) || bed->frames;
    }
    gz_current->poller_deadline = next;
    bed->until = next < bed->until ? next : bed->until;
}

static void watch_stacks(struct gz_thread *thread, struct bed *bed, uint32_t polled)
{
    GZ_VISIT(thread, polled)
        if (gz_current->poller == thread)
            watch_stack(bed);
}

/* Counts what ended a sleep: the application's descriptors come first, then the thread's own, then ports. */
static void count_wake(const struct pollfd *list, uint32_t kernel_count, uint32_t count)
{
    uint32_t by = 0;

    for (uint32_t i = 0; i < count; i++)
        if (list[i].revents != 0)
            by |= i < kernel_count ? GZ_WAKE_DESCRIPTOR : i == kernel_count ? GZ_WAKE_THREAD : GZ_WAKE_FRAME;
    if (gz_current->running && !atomic_load(&gz_current->shared->poisoned))
        w2c_stack_wokenBy(&gz_current->module, by);
}

/* Sleeps in the kernel, as poller of `polled`. Lock held on entry and on return. */
static void sleep_in_kernel(struct gz_thread *thread, struct gz_wait *wait, uint32_t polled)
{
    struct pollfd *list = wait->kernel;
    struct bed bed = { .list = list, .count = wait->kernel_count, .until = wait->deadline,
        .most = wait->kernel_count + GZ_WAIT_EXTRA };
    struct timespec time;
    uint64_t junk;

    list[bed.count++] = (struct pollfd){ .fd = gz_thread_event(thread), .events = POLLIN };
    /* From here on others kick us; what happened before is seen below. */
    thread->asleep = true;
    watch_stacks(thread, &bed, polled);
    bool stays = !bed.frames && !atomic_load(&thread->woken) && atomic_load(&thread->pending) == 0 &&
        !gz_cancelling(thread);

    if (stays) {
        gz_pause(thread);
        syscall(SYS_ppoll, list, (long)bed.count, remaining(bed.until, &time), NULL, 0L);
        gz_resume(thread);
    }
    thread->asleep = false;
    if (!stays)
        return;
    count_wake(list, wait->kernel_count, bed.count);
    for (uint32_t i = wait->kernel_count + 1; i < bed.count; i++)
        if ((list[i].revents & POLLERR) != 0)
            gz_link_error(list[i].fd);
    if ((list[wait->kernel_count].revents & POLLIN) != 0 && read(thread->event, &junk, sizeof(junk)) < 0)
        atomic_thread_fence(memory_order_seq_cst); /* Nothing to take: somebody's kick was taken before. */
    for (uint32_t i = 0; i < wait->kernel_count; i++)
        if (list[i].revents != 0)
            wait->kernel_ready = true;
}

/* Becomes the poller when there is none but the keeper. */
static bool take_over(struct gz_thread *thread)
{
    if (!gz_current->running)
        return false;
    if (gz_current->poller != NULL && gz_current->poller != thread && gz_is_keeper(gz_current->poller)) {
        gz_thread_kick(gz_current->poller);
        gz_current->poller = NULL;
    }
    if (gz_current->poller == NULL)
        gz_current->poller = thread;
    return gz_current->poller == thread;
}

static enum gz_woken outcome(struct gz_thread *thread, struct gz_wait *wait)
{
    if (atomic_load(&thread->woken) || wait->kernel_ready)
        return GZ_WOKEN_READY;
    if (atomic_load(&thread->pending) != 0 || gz_cancelling(thread))
        return GZ_WOKEN_SIGNAL;
    if (gz_now() >= wait->deadline)
        return GZ_WOKEN_TIMEOUT;
    return GZ_WOKEN_READY;
}

/*
 * Lies down in the current stack, in wait set `set`. False: something is ready there. Becomes its poller if
 * there is none: then its bit in `polled` is set.
 */
static bool lie_down(struct gz_thread *thread, int32_t set, uint32_t *polled)
{
    bool poisoned = atomic_load(&gz_current->shared->poisoned);

    if (poisoned)
        set = -1;
    if (set >= 0 && w2c_stack_waitSetSleep(&gz_current->module, (u32)set) != 0)
        return false;
    list(thread, set);
    if (!poisoned && take_over(thread))
        *polled |= 1u << gz_current->index;
    return true;
}

static void get_up_everywhere(struct gz_thread *thread, const struct gz_wait *wait)
{
    get_up(thread);
    GZ_VISIT(thread, wait->others)
        get_up(thread);
}

enum gz_woken gz_wait(struct gz_thread *thread, struct gz_wait *wait)
{
    uint64_t begin = gz_now();
    enum gz_woken result;
    uint32_t polled = 0;

    note_absence(thread, begin);
    wait->kernel_ready = false;
    if (atomic_load(&thread->pending) != 0 || gz_cancelling(thread))
        return GZ_WOKEN_SIGNAL;
    if (begin >= wait->deadline)
        return GZ_WOKEN_TIMEOUT;
    atomic_store(&thread->woken, false);
    bool lies = lie_down(thread, wait->set, &polled);

    GZ_VISIT(thread, lies ? wait->others : 0)
        lies = lies && lie_down(thread, wait->sets[gz_current->index], &polled);
    if (!lies) {
        get_up_everywhere(thread, wait);
        return GZ_WOKEN_READY;
    }
    bool sleepy = polled == 0 || gz_process.config.low_power_mode || thread->spin_score < SPIN_LEAST;

    if (sleepy || !spin(thread, wait, polled)) {
        GZ_VISIT(thread, polled)
            gz_run();
        if (!atomic_load(&thread->woken))
            sleep_in_kernel(thread, wait, polled);
    }
    get_up_everywhere(thread, wait);
    result = outcome(thread, wait);
    if (gz_now() - begin < SPIN_PAYS)
        thread->spin_score += thread->spin_score < SPIN_MOST;
    else
        thread->spin_score -= thread->spin_score > 0;
    return result;
}
