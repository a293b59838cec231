/* The stack's lock, and what happens when the module traps or a holder dies. */
#include "stack.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "calls.h"
#include "wait.h"

/* Tries before a thread sleeps for the lock, and between giving the core to somebody else. */
#define LOCK_ROUNDS 256
#define LOCK_YIELD 64

static void poison(const char *why)
{
    if (atomic_exchange(&gz_current->shared->poisoned, 1) == 0)
        dprintf(STDERR_FILENO, "gazelle: %s; every connection of process %d is reset\n", why, (int)getpid());
}

/* The lock is held for some microseconds, and waking a sleeper takes ten times as long: look again first. */
static int try_for_a_while(pthread_mutex_t *lock)
{
    int result = EBUSY;

    for (int round = 1; result == EBUSY && round <= LOCK_ROUNDS; round++) {
        if (round % LOCK_YIELD == 0)
            sched_yield();
        else
            __builtin_ia32_pause();
        result = pthread_mutex_trylock(lock);
    }
    return result;
}

void gz_lock_inherit(void)
{
    if (atomic_load(&gz_current->shared->busy))
        poison("a process died inside the stack");
    pthread_mutex_consistent(&gz_current->shared->lock);
}

/* As pthread_mutex_lock(). */
static int lock_mutex(pthread_mutex_t *lock)
{
    int result = pthread_mutex_trylock(lock);

    if (result == EBUSY)
        result = try_for_a_while(lock);
    if (result == EBUSY) {
        atomic_fetch_add(&gz_current->waiting, 1);
        result = pthread_mutex_lock(lock);
        atomic_fetch_sub(&gz_current->waiting, 1);
    }
    return result;
}

static void take(struct gz_thread *thread)
{
    struct gz_shared *shared = gz_current->shared;
    int result = lock_mutex(&shared->lock);

    /* The stack may have got another lock while we waited (part.c). */
    while (result == 0 && shared != gz_current->shared) {
        pthread_mutex_unlock(&shared->lock);
        shared = gz_current->shared;
        result = lock_mutex(&shared->lock);
    }
    if (result != 0 && result != EOWNERDEAD) {
        /* Without the lock nothing here may be touched, and a call that slept cannot even leave its lists. */
        dprintf(STDERR_FILENO, "gazelle: the stack's lock is broken (error %d)\n", result);
        _exit(1);
    }
    thread->locked = 1;
    if (atomic_load_explicit(&thread->cancelled, memory_order_relaxed))
        gz_shield(thread);
    if (result == EOWNERDEAD)
        gz_lock_inherit();
    atomic_store_explicit(&gz_current->shared->busy, 1, memory_order_relaxed);
}

void gz_lock_change(struct gz_shared *shared)
{
    struct gz_shared *old = gz_current->shared;

    pthread_mutex_lock(&shared->lock);
    atomic_store(&shared->busy, 1);
    gz_current->shared = shared;
    atomic_store(&old->busy, 0);
    pthread_mutex_unlock(&old->lock);
}

static void give(struct gz_thread *thread)
{
    atomic_store_explicit(&gz_current->shared->busy, 0, memory_order_relaxed);
    thread->locked = 0;
    struct gz_kicks kicks = gz_take_kicks();

    pthread_mutex_unlock(&gz_current->shared->lock);
    /* Only now: who wakes wants the lock. */
    for (uint32_t i = 0; i < kicks.count; i++)
        gz_thread_kick(kicks.threads[i]);
}

/* The calling thread, on its way in. A handler of a fault within the engine finds the door closed: NULL. */
static struct gz_thread *begin(void)
{
    struct gz_thread *thread = gz_thread();

    if (thread == NULL || thread->inside)
        return NULL;
    thread->inside = 1;
    return thread;
}

struct gz_thread *gz_lock(int fd)
{
    struct gz_thread *thread = begin();

    if (thread == NULL)
        return NULL;
    for (;;) {
        uint32_t index = gz_process.stacks > 1 ? gz_file_stack(thread, fd) : 0;

        gz_current = &gz_stacks[index];
        take(thread);
        /* The number may have come to mean something else while we waited. */
        if (gz_process.stacks == 1 || gz_file_stack(thread, fd) == index)
            return thread;
        give(thread);
    }
}

struct gz_thread *gz_lock_stack(struct gz_stack *stack)
{
    struct gz_thread *thread = begin();

    if (thread == NULL)
        return NULL;
    gz_current = stack;
    take(thread);
    return thread;
}

void gz_switch(struct gz_thread *thread, struct gz_stack *stack)
{
    if (stack == gz_current)
        return;
    gz_pause(thread);
    gz_current = stack;
    take(thread);
}

int gz_in_every_stack(struct gz_thread *thread, int (*act)(struct gz_thread *))
{
    int result = 0;

    GZ_VISIT(thread, GZ_ALL_STACKS)
        if (result == 0)
            result = act(thread);
    return result;
}

/* Those who wait in an epoll instance don't sleep in the wait set yet that it got in another stack. */
static void rouse(struct gz_thread *thread)
{
    for (; thread->rouse != 0; thread->rouse &= thread->rouse - 1) {
        gz_current = &gz_stacks[__builtin_ctz(thread->rouse)];
        take(thread);
        gz_wake_everyone();
        give(thread);
    }
}

void gz_unlock(struct gz_thread *thread)
{
    gz_check_poller(thread);
    give(thread);
    if (thread->rouse != 0)
        rouse(thread);
    thread->inside = 0;
    if (atomic_load_explicit(&thread->pending, memory_order_relaxed) != 0)
        gz_signals_deliver(thread);
    if (thread->shielded)
        gz_unshield(thread);
}

void gz_pause(struct gz_thread *thread)
{
    gz_check_poller(thread);
    give(thread);
}

void gz_resume(struct gz_thread *thread)
{
    take(thread);
}

long gz_escaped(struct gz_thread *thread)
{
    if (!thread->locked)
        take(thread);
    poison("the stack found its memory damaged");
    /* The kernel's sockets under them were never connected: whoever watches them sees a hang-up. */
    gz_files_each(GZ_KIND_SOCKET, gz_watches_to_kernel);
    gz_wait_end(thread);
    gz_bind_leave(thread);
    gz_file_leave(thread);
    gz_wake_everyone();
    give(thread);
    thread->inside = 0;
    gz_signals_deliver(thread);
    if (thread->shielded)
        gz_unshield(thread);
    return -ECONNRESET;
}

__attribute__((noreturn, cold)) void wasm_rt_trap(wasm_rt_trap_t code)
{
    struct gz_thread *thread = gz_thread_if_any();

    if (thread != NULL && thread->inside && thread->locked)
        siglongjmp(thread->escape, 1);
    dprintf(STDERR_FILENO, "gazelle: a module failed (trap %d)\n", (int)code);
    _exit(1);
}
