/*
 * Waiting (DESIGN D10). At most one thread is the poller: it spins for a while when that has paid lately,
 * then sleeps on the port, its own eventfd, the caller's kernel descriptors and the next timer. All others
 * sleep on their eventfd and kernel descriptors; whoever runs the stack wakes them. A poller that goes back
 * to the application appoints another.
 */
#include "wait.h"

#include <errno.h>
#include <sched.h>
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
#define BUCKETS 256

static struct gz_thread *sleepers[BUCKETS];
static uint32_t sleeper_count;

static struct gz_thread **bucket(int32_t set)
{
    return &sleepers[(uint32_t)set % BUCKETS];
}

static void list(struct gz_thread *thread, int32_t set)
{
    struct gz_thread **head = bucket(set);

    thread->set = set;
    thread->next_sleeper = *head;
    *head = thread;
    thread->listed = true;
    sleeper_count++;
}

static void unlist(struct gz_thread *thread)
{
    struct gz_thread **at = bucket(thread->set);

    if (!thread->listed)
        return;
    while (*at != thread)
        at = &(*at)->next_sleeper;
    *at = thread->next_sleeper;
    thread->listed = false;
    sleeper_count--;
}

static struct gz_kicks kicks;

static void kick_later(struct gz_thread *thread)
{
    if (kicks.count < sizeof(kicks.threads) / sizeof(kicks.threads[0]))
        kicks.threads[kicks.count++] = thread;
    else
        gz_thread_kick(thread);
}

struct gz_kicks gz_take_kicks(void)
{
    struct gz_kicks taken;

    taken.count = kicks.count;
    for (uint32_t i = 0; i < kicks.count; i++)
        taken.threads[i] = kicks.threads[i];
    kicks.count = 0;
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
    for (struct gz_thread *thread = *bucket(set); thread != NULL; thread = thread->next_sleeper)
        if (thread->set == set && !atomic_load(&thread->woken))
            last = thread;
    if (last != NULL)
        wake(last);
}

void gz_wake_everyone(void)
{
    for (int i = 0; i < BUCKETS; i++)
        for (struct gz_thread *thread = sleepers[i]; thread != NULL; thread = thread->next_sleeper)
            wake(thread);
}

void gz_waits_forked(void)
{
    for (int i = 0; i < BUCKETS; i++)
        sleepers[i] = NULL;
    sleeper_count = 0;
    kicks.count = 0;
    gz_stack.poller = NULL;
}

uint64_t gz_deadline(int64_t timeout)
{
    if (timeout < 0)
        return GZ_NEVER;
    return gz_now() + (uint64_t)(timeout + 999) / 1000;
}

static bool is_blocked(void)
{
    for (uint32_t i = 0; i < gz_stack.port_count; i++)
        if (gz_stack.ports[i]->blocked)
            return true;
    return false;
}

/* When the poller has to look again: at the next timer, or soon when the device took not all. */
static uint64_t next_look(void)
{
    uint64_t next = w2c_stack_nextDeadline(&gz_stack.module);
    uint64_t retry = is_blocked() ? gz_now() + BLOCKED_RETRY : GZ_NEVER;

    return next < retry ? next : retry;
}

void gz_check_poller(struct gz_thread *thread)
{
    struct gz_thread *poller = gz_stack.poller;

    if (poller == NULL || poller == thread || !poller->asleep || atomic_load(&gz_stack.shared->poisoned))
        return;
    if (next_look() < gz_stack.poller_deadline) {
        gz_stack.poller_deadline = 0;
        kick_later(poller);
    }
}

void gz_kick_poller(void)
{
    if (gz_stack.poller != NULL && gz_stack.poller->asleep)
        kick_later(gz_stack.poller);
}

/* A sleeping thread that is not meant to wake yet takes the poller's place when it is kicked. */
static void appoint(void)
{
    for (int i = 0; sleeper_count > 0 && i < BUCKETS; i++) {
        for (struct gz_thread *thread = sleepers[i]; thread != NULL; thread = thread->next_sleeper) {
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
    gz_stack.poller = NULL;
    thread->left_at = now;
    gz_keeper_attend();
    if (thread->long_absences > ABSENCES_MOST / 2 || !gz_keeper_ticks())
        appoint();
}

void gz_watch_over(void)
{
    if (gz_stack.poller == NULL)
        appoint();
}

bool gz_others_sleep(void)
{
    return sleeper_count > 0;
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

void gz_wait_end(struct gz_thread *thread)
{
    if (thread->listed) {
        unlist(thread);
        if (thread->set >= 0 && !atomic_load(&gz_stack.shared->poisoned))
            w2c_stack_waitSetWake(&gz_stack.module, (u32)thread->set);
    }
    thread->asleep = false;
    if (gz_stack.poller != thread)
        return;
    if (gz_stack.running)
        leave_port(thread, gz_now());
    else
        gz_stack.poller = NULL;
}

static bool poll_kernel(struct gz_wait *wait)
{
    struct timespec none = { 0, 0 };

    if (wait->kernel_count == 0)
        return false;
    wait->kernel_ready = syscall(SYS_ppoll, wait->kernel, (long)wait->kernel_count, &none, NULL, 0L) > 0;
    return wait->kernel_ready;
}

/* Spins without the lock; true: there is something to look at. Lock held on entry and on return. */
static bool spin(struct gz_thread *thread, struct gz_wait *wait)
{
    uint64_t now = gz_now(), end = now + SPIN_TIME;
    bool found = false;

    if (end > wait->deadline)
        end = wait->deadline;
    gz_pause(thread);
    for (uint32_t round = 1; !found && now < end; round++) {
        now = gz_now();
        if (atomic_load(&thread->woken) || atomic_load(&thread->pending) != 0 ||
            (atomic_load(&thread->cancelled) && !thread->shielded)) {
            found = true;
        } else if (gz_due(now)) {
            gz_resume(thread);
            gz_run();
            found = atomic_load(&thread->woken);
            gz_pause(thread);
        } else if (round % ROUNDS_KERNEL == 0) {
            found = poll_kernel(wait);
            if (round % ROUNDS_YIELD == 0 || atomic_load(&gz_stack.waiting) != 0)
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

/*
 * Adds the ports to what the poller sleeps on, and asks them for a wake-up; answers how many. `frames`: some
 * wait already.
 */
static uint32_t watch_ports(struct pollfd *list, bool *frames)
{
    for (uint32_t i = 0; i < gz_stack.port_count; i++) {
        struct gz_port *port = gz_stack.ports[i];

        list[i] = (struct pollfd){ .fd = port->fd, .events = POLLIN };
        *frames = (port->kind->arm != NULL && port->kind->arm(port)) || *frames;
    }
    return gz_stack.port_count;
}

/* Sleeps in the kernel. Lock held on entry and on return. */
static void sleep_in_kernel(struct gz_thread *thread, struct gz_wait *wait, bool poller)
{
    struct pollfd *list = wait->kernel;
    uint32_t count = wait->kernel_count, ports = 0;
    bool frames = false;
    uint64_t until = wait->deadline, junk;
    struct timespec time;

    list[count++] = (struct pollfd){ .fd = gz_thread_event(thread), .events = POLLIN };
    if (poller) {
        uint64_t next = next_look();

        until = next < until ? next : until;
        gz_stack.poller_deadline = next;
        ports = watch_ports(list + count, &frames);
        count += ports;
    }
    if (frames)
        return;
    thread->asleep = true;
    /* From here on others kick us; what happened before is seen now. */
    if (!atomic_load(&thread->woken) && atomic_load(&thread->pending) == 0 && !gz_cancelling(thread)) {
        gz_pause(thread);
        syscall(SYS_ppoll, list, (long)count, remaining(until, &time), NULL, 0L);
        gz_resume(thread);
    }
    thread->asleep = false;
    for (uint32_t i = count - ports; i < count; i++)
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
    if (!gz_stack.running)
        return false;
    if (gz_stack.poller != NULL && gz_stack.poller != thread && gz_is_keeper(gz_stack.poller)) {
        gz_thread_kick(gz_stack.poller);
        gz_stack.poller = NULL;
    }
    if (gz_stack.poller == NULL)
        gz_stack.poller = thread;
    return gz_stack.poller == thread;
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

enum gz_woken gz_wait(struct gz_thread *thread, struct gz_wait *wait)
{
    uint64_t begin = gz_now();
    enum gz_woken result;
    bool poisoned = atomic_load(&gz_stack.shared->poisoned);
    int32_t set = poisoned ? -1 : wait->set;

    note_absence(thread, begin);
    wait->kernel_ready = false;
    if (atomic_load(&thread->pending) != 0 || gz_cancelling(thread))
        return GZ_WOKEN_SIGNAL;
    if (begin >= wait->deadline)
        return GZ_WOKEN_TIMEOUT;
    if (set >= 0 && w2c_stack_waitSetSleep(&gz_stack.module, (u32)set) != 0)
        return GZ_WOKEN_READY;
    atomic_store(&thread->woken, false);
    list(thread, set);
    bool poller = !poisoned && take_over(thread);

    bool sleepy = !poller || gz_stack.config.low_power_mode || thread->spin_score < SPIN_LEAST;

    if (sleepy || !spin(thread, wait)) {
        if (poller)
            gz_run();
        if (!atomic_load(&thread->woken))
            sleep_in_kernel(thread, wait, poller && gz_stack.poller == thread);
    }
    unlist(thread);
    if (set >= 0 && !atomic_load(&gz_stack.shared->poisoned))
        w2c_stack_waitSetWake(&gz_stack.module, (u32)set);
    result = outcome(thread, wait);
    if (gz_now() - begin < SPIN_PAYS)
        thread->spin_score += thread->spin_score < SPIN_MOST;
    else
        thread->spin_score -= thread->spin_score > 0;
    return result;
}

long gz_wait_socket(struct gz_thread *thread, struct gz_file *file, int fd, uint32_t events,
    uint64_t deadline)
{
    w2c_stack *module = &gz_stack.module;
    struct pollfd kernel[1 + GZ_WAIT_EXTRA] = { { .events = (short)events } };
    struct gz_wait wait = {
        .kernel = kernel, .kernel_count = file->side == GZ_BOTH ? 1 : 0, .deadline = deadline,
    };
    bool restart = events == 0 || deadline == GZ_NEVER;
    long result;

    wait.set = (int32_t)w2c_stack_waitSetOpen(module);
    if (wait.set < 0)
        return wait.set;
    result = (int32_t)w2c_stack_interestAdd(module, (u32)wait.set, (u32)file->handle, (u32)fd, events, 0);
    /* Without memory for an interest nothing would ever wake us. */
    while (result == 0) {
        gz_run();
        if ((int32_t)w2c_stack_waitSetHarvest(module, (u32)wait.set, 1) > 0)
            break;
        kernel[0].fd = gz_kernel_fd(file, fd);
        enum gz_woken woken = gz_wait(thread, &wait);

        if (atomic_load(&gz_stack.shared->poisoned)) {
            result = -ECONNRESET;
            break;
        }
        if (file->side == GZ_KERNEL_SIDE)
            break;
        if (woken == GZ_WOKEN_READY && !wait.kernel_ready)
            continue;
        if (woken == GZ_WOKEN_TIMEOUT)
            result = -EAGAIN;
        else if (woken == GZ_WOKEN_SIGNAL)
            result = restart && gz_signals_restart(thread) ? -GZ_RESTART : -EINTR;
        break;
    }
    gz_wait_end(thread);
    if (!atomic_load(&gz_stack.shared->poisoned))
        w2c_stack_waitSetClose(module, (u32)wait.set);
    return result;
}
