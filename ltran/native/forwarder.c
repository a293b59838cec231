/* The forwarding thread: moves frames while there are any, looks on for a moment, then sleeps. */
#include "forwarder.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wasm_rt_memory.h"

#define NEVER UINT64_MAX
/* Without frames for so long, in microseconds, the thread sleeps. */
#define SPIN_TIME 50
/* A device that takes no frames is tried again after so long, in microseconds. */
#define BLOCKED_RETRY 1000
#define WAKING_MOST 16
#define WINDOW (8ull << 30)
#define SEED_SIZE 32

struct gz_forwarder gz_forwarder = { .sleep = -1, .call = -1, .kernel = -1 };
_Thread_local sigjmp_buf gz_escape;
static _Thread_local volatile sig_atomic_t inside;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER, lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction others[NSIG];
static pthread_t thread;
static bool runs, is_low_power;
static void (*when_trapped)(int code);
static void (*when_noted)(void);
static _Atomic bool stopping, asleep;

uint64_t gz_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

wasm_rt_memory_t *w2c_env_memory(struct w2c_env *env)
{
    return &env->memory;
}

void gz_enter(void)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&gate);
    inside = 1;
}

void gz_leave(void)
{
    inside = 0;
    pthread_mutex_unlock(&lock);
}

__attribute__((noreturn, cold)) void wasm_rt_trap(wasm_rt_trap_t code)
{
    atomic_store(&gz_forwarder.trapped, (int)code);
    siglongjmp(gz_escape, 1);
}

/* A fault of the module is a trap; any other is Node's. */
static void fault(int number, siginfo_t *information, void *context)
{
    struct sigaction *other = &others[number];
    uint64_t offset = (uint64_t)((uint8_t *)information->si_addr - gz_forwarder.env.memory.data);

    if (inside && information->si_code > 0 && offset < WINDOW)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    if ((other->sa_flags & SA_SIGINFO) != 0)
        other->sa_sigaction(number, information, context);
    else
        sigaction(number, other, NULL);
}

int gz_create(uint32_t size)
{
    struct gz_forwarder *forwarder = &gz_forwarder;
    struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

    memset(forwarder->to_client, -1, sizeof(forwarder->to_client));
    memset(forwarder->to_ltran, -1, sizeof(forwarder->to_ltran));
    forwarder->sleep = epoll_create1(EPOLL_CLOEXEC);
    forwarder->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (forwarder->sleep < 0 || forwarder->call < 0 || gz_listen_to(forwarder->call) != 0)
        return -errno;
    if (gz_wasm_memory_map(&forwarder->env.memory, size) != 0)
        return -errno;
    forwarder->memory_size = size;
    /* Clients' memory lies behind it: the window bounds bulk copies, and what is not mapped faults. */
    forwarder->env.memory.size = 1ull << 32;
    sigaction(SIGSEGV, &action, &others[SIGSEGV]);
    sigaction(SIGBUS, &action, &others[SIGBUS]);
    wasm2c_dispatch_instantiate(&forwarder->module, &forwarder->env);
    if (getrandom(forwarder->env.memory.data + GZ_CALL + GZ_CALL_SEED, SEED_SIZE, 0) < 0)
        return -errno;
    GZ_ENTER(-EFAULT);
    int result = (int)w2c_dispatch_create(&forwarder->module, size, gz_now());

    gz_leave();
    return result;
}

int gz_listen_to(int fd)
{
    /* Edges: nobody has to take what made it readable away, and an error that stays wakes once. */
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };

    return epoll_ctl(gz_forwarder.sleep, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

void gz_call(void)
{
    if (atomic_load(&asleep))
        eventfd_write(gz_forwarder.call, 1);
}

/*
 * Wakes the clients that sleep and have something to take. By a socket, as no client can make this call wait:
 * a write to an eventfd waits if its other owner filled the counter and took O_NONBLOCK away.
 */
static void wake_clients(void)
{
    const uint8_t *list = gz_forwarder.env.memory.data + GZ_CALL_WAKE;
    uint32_t count, vport;

    do {
        count = w2c_dispatch_takeKicks(&gz_forwarder.module);
        for (uint32_t i = 0; i < count && i < GZ_CALL_WAKES; i++) {
            memcpy(&vport, list + i * sizeof(vport), sizeof(vport));
            if (vport >= GZ_VPORTS || gz_forwarder.to_client[vport] < 0)
                continue;
            if (gz_forwarder.by_event[vport])
                gz_kick_eventfd(gz_forwarder.to_client[vport]);
            else
                send(gz_forwarder.to_client[vport], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    } while (count == GZ_CALL_WAKES);
}

/* Moves what there is once: whether there was anything. Within GZ_ENTER. */
static bool run(uint64_t now)
{
    w2c_dispatch *module = &gz_forwarder.module;
    uint32_t nics = atomic_load(&gz_forwarder.nic_count);
    bool any = false;

    for (uint32_t nic = 0; nic < nics; nic++)
        any |= gz_nic_receive(nic, now);
    any |= w2c_dispatch_collect(module, now) != 0;
    if (now >= w2c_dispatch_nextDeadline(module))
        w2c_dispatch_tick(module, now);
    for (uint32_t nic = 0; nic < nics; nic++)
        any |= gz_nic_transmit(nic);
    wake_clients();
    if (w2c_dispatch_takeNotice(module) != 0)
        when_noted();
    return any;
}

/* Until when the thread may sleep; 0: not at all. Within GZ_ENTER. */
static uint64_t may_sleep(uint64_t now)
{
    uint64_t until = w2c_dispatch_nextDeadline(&gz_forwarder.module);

    atomic_store(&asleep, true);
    if (w2c_dispatch_sleep(&gz_forwarder.module) != 0 || atomic_load(&stopping))
        return 0;
    for (uint32_t nic = 0; nic < atomic_load(&gz_forwarder.nic_count); nic++) {
        struct gz_port *port = &gz_forwarder.nics[nic].port;

        if ((int)nic == gz_forwarder.kernel ? gz_kernel_pending() : port->kind->pending(port))
            return 0;
        if (port->kind->arm != NULL && port->kind->arm(port))
            return 0;
        if (w2c_dispatch_outputWaiting(&gz_forwarder.module, nic) != 0 && until > now + BLOCKED_RETRY)
            until = now + BLOCKED_RETRY;
    }
    return until;
}

static void sleep_until(uint64_t until, uint64_t now)
{
    struct epoll_event events[WAKING_MOST];
    uint64_t left = until > now ? until - now : 0;
    struct timespec time = { (time_t)(left / 1000000), (long)(left % 1000000) * 1000 };

    epoll_pwait2(gz_forwarder.sleep, events, WAKING_MOST, until == NEVER ? NULL : &time, NULL);
}

enum turn {
    MOVED,
    IDLE,
    MAY_SLEEP,
    TRAPPED,
};

/* Moves frames, or finds out until when to sleep, if that is asked for. */
static enum turn turn(uint64_t now, bool is_late, uint64_t *until)
{
    GZ_ENTER(TRAPPED);
    enum turn result = run(now) ? MOVED : IDLE;

    if (result == IDLE && is_late) {
        *until = may_sleep(now);
        result = MAY_SLEEP;
    }
    gz_leave();
    return result;
}

static enum turn awake(void)
{
    atomic_store(&asleep, false);
    GZ_ENTER(TRAPPED);
    w2c_dispatch_awake(&gz_forwarder.module);
    gz_leave();
    return IDLE;
}

static void *forward(void *argument)
{
    uint64_t last = gz_now(), until;
    enum turn result = IDLE;

    while (!atomic_load(&stopping) && result != TRAPPED) {
        uint64_t now = gz_now();

        /* The turn before began at `last`. */
        if (result == MOVED)
            atomic_store_explicit(&gz_forwarder.busy, gz_forwarder.busy + now - last, memory_order_relaxed);
        result = turn(now, is_low_power || now - last >= SPIN_TIME, &until);
        if (result == MOVED)
            last = now;
        else if (result == IDLE)
            sched_yield();
        else if (result == MAY_SLEEP) {
            if (until > now)
                sleep_until(until, now);
            result = awake();
        }
    }
    if (atomic_load(&gz_forwarder.trapped) != 0)
        when_trapped(atomic_load(&gz_forwarder.trapped));
    return argument;
}

int gz_start(int cpu, bool low_power, void (*trapped)(int code), void (*noted)(void))
{
    pthread_attr_t attributes;
    sigset_t all, before;
    cpu_set_t cpus;

    if (runs)
        return -EBUSY;
    is_low_power = low_power;
    when_trapped = trapped;
    when_noted = noted;
    pthread_attr_init(&attributes);
    CPU_ZERO(&cpus);
    if (cpu >= 0 && cpu < CPU_SETSIZE) {
        CPU_SET(cpu, &cpus);
        pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus);
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, &attributes, forward, NULL);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    runs = failed == 0;
    if (runs)
        pthread_setname_np(thread, "ltran-forward");
    return -failed;
}

void gz_stop(void)
{
    if (!runs)
        return;
    atomic_store(&stopping, true);
    eventfd_write(gz_forwarder.call, 1);
    pthread_join(thread, NULL);
    runs = false;
}
