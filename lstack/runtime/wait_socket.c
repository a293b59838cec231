/* Blocking calls: waiting for one socket, in every stack that it is in. */
#include <errno.h>
#include <poll.h>

#include "calls.h"
#include "stack.h"
#include "wait.h"

/* Opens a wait set for one socket in the current stack; its id or -errno. */
static int32_t watch_here(struct gz_file *file, int fd, uint32_t events)
{
    w2c_stack *module = &gz_current->module;
    int32_t set = (int32_t)w2c_stack_waitSetOpen(module);
    int32_t result = set;

    if (set >= 0)
        result =
            (int32_t)w2c_stack_interestAdd(module, (u32)set, (u32)gz_handle(file), (u32)fd, events, 0);
    /* Without memory for an interest nothing would ever wake us. */
    if (set >= 0 && result < 0)
        w2c_stack_waitSetClose(module, (u32)set);
    return result < 0 ? result : set;
}

static void unwatch_here(int32_t set)
{
    if (set >= 0 && !atomic_load(&gz_current->shared->poisoned))
        w2c_stack_waitSetClose(&gz_current->module, (u32)set);
}

/* Runs every stack that it waits in; whether the socket is ready in one. */
static bool ready_somewhere(struct gz_thread *thread, const struct gz_wait *wait)
{
    gz_run();
    bool found = (int32_t)w2c_stack_waitSetHarvest(&gz_current->module, (u32)wait->set, 1) > 0;

    GZ_VISIT(thread, found ? 0 : wait->others) {
        u32 set = (u32)wait->sets[gz_current->index];

        gz_run();
        found = found || (int32_t)w2c_stack_waitSetHarvest(&gz_current->module, set, 1) > 0;
    }
    return found;
}

long gz_wait_socket(struct gz_thread *thread, struct gz_file *file, int fd, uint32_t events,
    uint64_t deadline)
{
    struct pollfd kernel[1 + GZ_WAIT_EXTRA] = { { .events = (short)events } };
    int32_t sets[GZ_STACKS_MAX];
    struct gz_wait wait = {
        .kernel = kernel, .kernel_count = file->side != GZ_STACK ? 1 : 0, .deadline = deadline, .sets = sets,
    };
    bool restart = events == 0 || deadline == GZ_NEVER;
    long result = 0;

    wait.set = watch_here(file, fd, events);
    if (wait.set < 0)
        return wait.set;
    GZ_VISIT(thread, file->everywhere ? GZ_ALL_STACKS & ~GZ_HERE : 0)
        if (gz_handle(file) >= 0 && (sets[gz_current->index] = watch_here(file, fd, events)) >= 0)
            wait.others |= GZ_HERE;
    while (!ready_somewhere(thread, &wait)) {
        kernel[0].fd = gz_kernel_fd(file, fd);
        enum gz_woken woken = gz_wait(thread, &wait);

        if (atomic_load(&gz_current->shared->poisoned)) {
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
    unwatch_here(wait.set);
    GZ_VISIT(thread, wait.others)
        unwatch_here(sets[gz_current->index]);
    return result;
}
