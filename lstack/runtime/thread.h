/* What the engine knows of a thread of the application. */
#ifndef GZ_THREAD_H
#define GZ_THREAD_H

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stacks that a process can have. */
#define GZ_STACKS_MAX 32
#define GZ_SIGNALS 65
/* Real-time signals that are put off beyond the first of each number. */
#define GZ_SIGNALS_QUEUED 32

struct gz_file;

struct gz_thread {
    /* Within the engine: handlers of signals are put off until the thread leaves it. */
    volatile sig_atomic_t inside;
    volatile sig_atomic_t locked;
    /* Bit n: signal n arrived and its handler was put off. */
    _Atomic uint64_t pending;
    sigjmp_buf escape;
    /* The file of the blocking call that it is in, or NULL. */
    struct gz_file *file;
    /* It asks all stacks for an address, and no other thread does (bind.c). */
    bool binds;
    /* Wakes the thread when it sleeps; -1 until needed. */
    int event;
    /* The stack of its sockets, unless they say otherwise. */
    uint32_t home;
    /* In each stack: the wait set in which it sleeps (-1: none), and its place among the sleepers there. */
    struct gz_place {
        int set;
        struct gz_thread *next_sleeper;
        bool listed;
    } places[GZ_STACKS_MAX];
    /* Bit n: it is in a list of stack n, or its poller. */
    uint32_t waits_in;
    /* Bit n: when it leaves, everyone who sleeps in stack n is to look again. */
    uint32_t rouse;
    _Atomic bool asleep;
    _Atomic bool woken;
    /* Whether spinning has paid lately: 0 (never) to GZ_SPIN_MOST. */
    int spin_score;
    /* When its last wait ended; and whether it mostly stays away for long between two (0: never, up to 8). */
    uint64_t left_at;
    uint32_t long_absences;
    /* Events of its last wait that are not answered yet: sends may be put off as long. */
    uint32_t batch;
    /* Threads whose name the configuration does not select: -1 unknown, 0 excluded, 1 selected. */
    int selected;
    /* It had its turn to be moved to a CPU, and was moved to these (affinity.c); NULL: it stayed. */
    bool settled;
    const char *cpus;
    /* pthread_cancel() was called for it; it is put off as long as the thread is shielded (cancel.c). */
    _Atomic bool cancelled;
    bool shielded;
    int cancel_state;
    pthread_t id;
    bool ended;
    struct gz_thread *next;
    struct gz_thread *next_free;
    siginfo_t information[GZ_SIGNALS];
    /* In the order of their arrival. */
    _Atomic uint32_t queued;
    siginfo_t queue[GZ_SIGNALS_QUEUED];
};

/* The calling thread's; made at its first call. NULL when there is no memory. */
struct gz_thread *gz_thread(void);
/* That of the living thread `id`, or NULL. Called with the lock held. */
struct gz_thread *gz_thread_of(pthread_t id);
/* The same without making one. */
struct gz_thread *gz_thread_if_any(void);
/* The thread's eventfd, made when needed; -1 when there is none. */
int gz_thread_event(struct gz_thread *thread);
/* Wakes it if it sleeps. */
void gz_thread_kick(struct gz_thread *thread);
/*
 * Starts a thread of the engine's own, which takes no signals, and is in the current stack. 0 or -1.
 */
int gz_thread_start(void *(*run)(void *), size_t stack_size);
void gz_threads_start(void);
void gz_threads_forked(void);

/* affinity.c */
/* What the process starts with is what threads go back to. */
void gz_affinity_start(void);
/* The calling thread runs the stack from now on: moves it, at its first time. */
void gz_affinity_move(struct gz_thread *thread);
/* The thread ends: another one may have its place. */
void gz_affinity_ended(struct gz_thread *thread);
/* In a child; `thread` is the calling one, or NULL. */
void gz_affinity_forked(struct gz_thread *thread);
/* pthread_create(): the new thread is not where its maker was moved to. 0 or its error. */
int gz_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

/* cancel.c */
/* pthread_cancel: 0 or its error. */
int gz_cancel(pthread_t id);
/* Cancellation of the calling thread is put off until gz_unshield(). */
void gz_shield(struct gz_thread *thread);
void gz_unshield(struct gz_thread *thread);
/* Its blocking call shall end, for a cancellation that it has not forbidden. */
bool gz_cancelling(const struct gz_thread *thread);

/* signals.c */
int gz_signals_start(void);
/* The stack runs: signals that end the process by default let it close its connections before. */
void gz_signals_watch_end(void);
long gz_signal_action(int signal, const struct sigaction *set, struct sigaction *old);
/* Runs the handlers that were put off; the thread is outside the engine. */
void gz_signals_deliver(struct gz_thread *thread);
/* Whether every handler put off so far was installed with SA_RESTART. */
bool gz_signals_restart(const struct gz_thread *thread);

#endif
