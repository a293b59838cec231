/*
 * Signals (DESIGN D11): a handler that arrives while its thread is in the engine runs when the thread leaves,
 * so that it may call the stack or jump away. Faults inside the module's window end in the engine's exit
 * (D4).
 */
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stack.h"
#include "user_memory.h"

#define WINDOW (8ull << 30)

/* What the application installed; `wrapped`: the kernel has our handler in its place. */
static struct {
    struct sigaction action;
    volatile sig_atomic_t wrapped;
} installed[GZ_SIGNALS];

static bool is_fault(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS;
}

/* Signals that end a process in an orderly way unless it does something else with them. */
static bool is_end(int signal)
{
    return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

static bool in_window(const void *address)
{
    for (uint32_t i = 0; i < gz_process.stacks; i++) {
        const uint8_t *data = gz_stacks[i].env.memory.data;

        if ((const uint8_t *)address >= data && (const uint8_t *)address < data + WINDOW)
            return true;
    }
    return false;
}

/* The signal as if nobody had installed a handler: the kernel acts on it once more. */
static void act_by_default(int signal, const siginfo_t *information)
{
    struct sigaction plain = { .sa_handler = SIG_DFL };

    if (installed[signal].action.sa_handler == SIG_IGN && information->si_code <= 0)
        return;
    sigaction(signal, &plain, NULL);
    if (information->si_code <= 0)
        raise(signal);
}

static void run_handler(int signal, siginfo_t *information, void *context)
{
    struct sigaction action = installed[signal].action;
    sigset_t before;
    bool fault = is_fault(signal);

    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) {
        if (action.sa_handler == SIG_DFL && is_end(signal))
            gz_finish();
        act_by_default(signal, information);
        return;
    }
    if (action.sa_flags & SA_RESETHAND)
        installed[signal].action.sa_handler = SIG_DFL;
    /*
     * Our own handler of faults blocks nothing, so that it can jump out; the application's gets what it asked
     * for.
     */
    if (fault) {
        sigset_t block = action.sa_mask;

        if (!(action.sa_flags & SA_NODEFER))
            sigaddset(&block, signal);
        pthread_sigmask(SIG_BLOCK, &block, &before);
    }
    if (action.sa_flags & SA_SIGINFO)
        action.sa_sigaction(signal, information, context);
    else
        action.sa_handler(signal);
    if (fault)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/*
 * To be delivered when the thread leaves the engine. Real-time signals queue, as in the kernel; when there is
 * no more room the last one takes the place of the first.
 */
static void put_off(struct gz_thread *thread, int signal, const siginfo_t *information)
{
    bool again = (atomic_load(&thread->pending) >> (signal - 1) & 1) != 0;

    if (again && signal >= SIGRTMIN && atomic_load(&thread->queued) < GZ_SIGNALS_QUEUED) {
        /* A signal that interrupts this one takes its own place. */
        uint32_t place = atomic_fetch_add(&thread->queued, 1);

        if (place < GZ_SIGNALS_QUEUED) {
            thread->queue[place] = *information;
            return;
        }
        atomic_store(&thread->queued, GZ_SIGNALS_QUEUED);
    }
    thread->information[signal] = *information;
    atomic_fetch_or(&thread->pending, 1ull << (signal - 1));
}

static void on_signal(int signal, siginfo_t *information, void *context)
{
    struct gz_thread *thread = gz_thread_if_any();
    int saved = errno;

    if (is_fault(signal) && information->si_code > 0)
        gz_copy_faulted(in_window(information->si_addr));
    if (thread != NULL && thread->inside) {
        bool synchronous = information->si_code > 0 && signal != SIGCHLD && signal != SIGIO &&
                           signal != SIGALRM;

        if (is_fault(signal) && thread->locked && information->si_code > 0 && in_window(information->si_addr))
            siglongjmp(thread->escape, 1);
        if (!synchronous ||
            !(is_fault(signal) || signal == SIGFPE || signal == SIGILL || signal == SIGTRAP)) {
            put_off(thread, signal, information);
            gz_thread_kick(thread);
            errno = saved;
            return;
        }
    }
    run_handler(signal, information, context);
    errno = saved;
}

/* Whether the kernel gets our handler for what the application asked for. */
static bool is_wrapped(int signal, const struct sigaction *wanted)
{
    if (is_fault(signal) || (wanted->sa_handler != SIG_DFL && wanted->sa_handler != SIG_IGN))
        return true;
    return gz_stacks[0].running && is_end(signal) && wanted->sa_handler == SIG_DFL;
}

/* The kernel's action for what the application asked for. */
static int install(int signal, const struct sigaction *wanted)
{
    struct sigaction action = *wanted;

    if (is_fault(signal)) {
        sigemptyset(&action.sa_mask);
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        action.sa_sigaction = on_signal;
    } else if (is_wrapped(signal, wanted)) {
        action.sa_flags = (wanted->sa_flags | SA_SIGINFO) & ~(int)SA_RESETHAND;
        action.sa_sigaction = on_signal;
    }
    return sigaction(signal, &action, NULL);
}

long gz_signal_action(int signal, const struct sigaction *set, struct sigaction *old)
{
    struct sigaction before;

    if (signal < 1 || signal >= GZ_SIGNALS || sigaction(signal, NULL, &before) != 0)
        return -EINVAL;
    if (installed[signal].wrapped) {
        before = installed[signal].action;
    }
    if (set != NULL) {
        struct sigaction kept = installed[signal].action;
        int was = installed[signal].wrapped;

        installed[signal].action = *set;
        installed[signal].wrapped = is_wrapped(signal, set);
        if (install(signal, set) != 0) {
            installed[signal].action = kept;
            installed[signal].wrapped = was;
            return -errno;
        }
    }
    if (old != NULL)
        *old = before;
    return 0;
}

int gz_signals_start(void)
{
    for (int signal = 1; signal < GZ_SIGNALS; signal++) {
        struct sigaction now;

        if (sigaction(signal, NULL, &now) != 0)
            continue;
        if ((now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN) && !is_fault(signal))
            continue;
        if (signal == SIGKILL || signal == SIGSTOP)
            continue;
        if (gz_signal_action(signal, &now, NULL) != 0)
            return -1;
    }
    return 0;
}

void gz_signals_watch_end(void)
{
    static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
    struct sigaction now;

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (gz_signal_action(ends[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            gz_signal_action(ends[i], &now, NULL);
}

bool gz_signals_restart(const struct gz_thread *thread)
{
    uint64_t pending = atomic_load(&thread->pending);

    for (int signal = 1; signal < GZ_SIGNALS; signal++)
        if ((pending >> (signal - 1) & 1) && !(installed[signal].action.sa_flags & SA_RESTART))
            return false;
    return true;
}

static void send_again(int signal, siginfo_t *information)
{
    syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, information);
}

void gz_signals_deliver(struct gz_thread *thread)
{
    sigset_t all, before;

    if (atomic_load(&thread->pending) == 0)
        return;
    /* Handlers run when all are pending again, in the kernel's order; they may enter the engine. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    uint64_t pending = atomic_exchange(&thread->pending, 0);
    uint32_t queued = atomic_exchange(&thread->queued, 0);

    for (int signal = 1; signal < GZ_SIGNALS; signal++)
        if (pending >> (signal - 1) & 1)
            send_again(signal, &thread->information[signal]);
    for (uint32_t i = 0; i < queued; i++)
        send_again(thread->queue[i].si_signo, &thread->queue[i]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
