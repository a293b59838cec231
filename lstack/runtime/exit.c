/*
 * The end of the process. The kernel closes a process' sockets when it ends, and goes on delivering what they
 * still hold; the stack ends with its process, so it closes them itself and stays until the peers have
 * acknowledged everything.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "kernel.h"
#include "stack.h"
#include "wait.h"

/*
 * How long a process stays for peers that don't answer, and for a lock that is not given back; in
 * microseconds.
 */
#define PATIENCE 3000000
#define LOCK_PATIENCE_NS 200000000l

/* The lock, unless another thread keeps it: at the end of a process threads stop anywhere. */
static struct gz_thread *lock_soon(struct gz_stack *stack)
{
    struct gz_thread *thread = gz_thread();
    struct timespec limit;

    if (thread == NULL || thread->inside)
        return NULL;
    gz_current = stack;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec += LOCK_PATIENCE_NS;
    if (limit.tv_nsec >= 1000000000l) {
        limit.tv_sec++;
        limit.tv_nsec -= 1000000000l;
    }
    int result = pthread_mutex_timedlock(&gz_current->shared->lock, &limit);

    if (result == EOWNERDEAD) {
        gz_lock_inherit();
        pthread_mutex_unlock(&gz_current->shared->lock);
    }
    if (result != 0)
        return NULL;
    thread->inside = 1;
    thread->locked = 1;
    return thread;
}

static void end_socket(struct gz_file *file)
{
    if (file->side == GZ_STACK || file->side == GZ_BOTH)
        w2c_stack_socketClose(&gz_current->module, (u32)file->handle, gz_now());
}

static bool works(const struct gz_stack *stack)
{
    return stack->running && !gz_process.detached && !atomic_load(&stack->shared->poisoned);
}

/* Closes the sockets of one stack. */
static void end_sockets(struct gz_stack *stack)
{
    struct gz_thread *thread = works(stack) ? lock_soon(stack) : NULL;

    if (thread == NULL)
        return;
    if (sigsetjmp(thread->escape, 0) != 0) {
        gz_escaped(thread);
        return;
    }
    gz_files_each(GZ_KIND_SOCKET, end_socket);
    gz_run();
    gz_unlock(thread);
}

/* Stays until the peers of one stack know. */
static void finish(struct gz_stack *stack, uint64_t end)
{
    struct gz_thread *thread = works(stack) ? lock_soon(stack) : NULL;
    struct pollfd none[GZ_WAIT_EXTRA];
    struct gz_wait wait = { .set = -1, .kernel = none };

    if (thread == NULL)
        return;
    if (sigsetjmp(thread->escape, 0) != 0) {
        gz_escaped(thread);
        return;
    }
    while (w2c_stack_unfinished(&gz_current->module) > 0 && gz_now() < end) {
        wait.deadline = end;
        gz_wait(thread, &wait);
        gz_run();
    }
    gz_wait_end(thread);
    gz_kernel_end();
    gz_current->running = false;
    gz_unlock(thread);
}

__attribute__((destructor)) void gz_finish(void)
{
    uint64_t end = gz_now() + PATIENCE;

    for (uint32_t i = 0; i < gz_process.stacks; i++)
        end_sockets(&gz_stacks[i]);
    for (uint32_t i = 0; i < gz_process.stacks; i++)
        finish(&gz_stacks[i], end);
}
