/*
 * poll and, through it, select: the stack's sockets in a wait set made for the call, the kernel's descriptors
 * beside it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "stack.h"
#include "wait.h"

/* Lists up to this length need no memory from the heap. */
#define SMALL 64

struct polling {
    struct pollfd *list;
    nfds_t count;
    /* The kernel's part, and the place in the list that each came from. */
    struct pollfd *kernel;
    nfds_t *origin;
    uint32_t kernel_count;
    /* The stacks that have sockets of the list, bit n is stack n, and the wait set in each; -1: none. */
    uint32_t stacks;
    int32_t sets[GZ_STACKS_MAX];
};

static short wanted(const struct pollfd *entry)
{
    return (short)(entry->events | POLLERR | POLLHUP);
}

/* Whether entry `i` is sorted in the current stack: its own, or the caller's for what is not ours. */
static bool belongs_here(const struct gz_thread *thread, int fd)
{
    return gz_process.stacks == 1 || gz_file_stack(thread, fd) == gz_current->index;
}

/* The file of an entry of another stack that has a place in this one, or NULL. */
static struct gz_file *visitor(int fd)
{
    struct gz_file *file = gz_file_at(fd, GZ_KIND_SOCKET);

    return file != NULL && file->everywhere && gz_handle(file) >= 0 ? file : NULL;
}

static int32_t add(struct polling *polling, const struct gz_file *file, nfds_t i)
{
    int32_t set = polling->sets[gz_current->index];

    return (int32_t)w2c_stack_interestAdd(&gz_current->module, (u32)set, (u32)gz_handle(file), (u32)i,
        (uint16_t)wanted(&polling->list[i]), i);
}

/* Sorts one entry into the current stack's wait set or the kernel's part. */
static long sort_entry(struct polling *polling, nfds_t i)
{
    struct pollfd *entry = &polling->list[i];
    struct gz_file *file = entry->fd < 0 ? NULL : gz_watched_at(entry->fd);

    entry->revents = 0;
    if (file != NULL && (file->side == GZ_STACK || file->side == GZ_BOTH)) {
        if (atomic_load(&gz_current->shared->poisoned) || gz_detached(file)) {
            entry->revents = (short)(POLLERR | POLLHUP | (entry->events & (POLLIN | POLLOUT)));
            return 0;
        }
        int32_t result = add(polling, file, i);

        if (result < 0)
            return result;
        if (file->everywhere)
            polling->stacks = UINT32_MAX >> (GZ_STACKS_MAX - gz_process.stacks);
    }
    if (file != NULL && file->side == GZ_STACK)
        return 0;
    polling->kernel[polling->kernel_count] = *entry;
    polling->origin[polling->kernel_count++] = i;
    return 0;
}

/* Opens the current stack's wait set, and sorts its entries into it. */
static long sort(struct gz_thread *thread, struct polling *polling)
{
    int32_t *set = &polling->sets[gz_current->index];
    long result = 0;

    if (gz_current->running)
        *set = (int32_t)w2c_stack_waitSetOpen(&gz_current->module);
    if (gz_current->running && *set < 0)
        return *set;
    for (nfds_t i = 0; result == 0 && i < polling->count; i++)
        if (belongs_here(thread, polling->list[i].fd))
            result = sort_entry(polling, i);
    return result;
}

/* Other stacks: their own sockets, then listeners that are everywhere. */
static long sort_elsewhere(struct gz_thread *thread, struct polling *polling)
{
    struct gz_stack *here = gz_current;
    long result = 0;

    for (nfds_t i = 0; i < polling->count; i++)
        polling->stacks |= 1u << gz_file_stack(thread, polling->list[i].fd);
    for (uint32_t s = 0; result == 0 && s < gz_process.stacks; s++) {
        if (s == here->index || (polling->stacks >> s & 1) == 0)
            continue;
        gz_switch(thread, &gz_stacks[s]);
        result = sort(thread, polling);
    }
    for (uint32_t s = 0; result == 0 && s < gz_process.stacks; s++) {
        if ((polling->stacks >> s & 1) == 0)
            continue;
        gz_switch(thread, &gz_stacks[s]);
        if (gz_current->running && polling->sets[s] < 0)
            result = polling->sets[s] = (int32_t)w2c_stack_waitSetOpen(&gz_current->module);
        for (nfds_t i = 0; result >= 0 && i < polling->count; i++)
            if (!belongs_here(thread, polling->list[i].fd) && visitor(polling->list[i].fd) != NULL)
                result = add(polling, visitor(polling->list[i].fd), i);
        result = result < 0 ? result : 0;
    }
    gz_switch(thread, here);
    return result;
}

static void harvest(struct polling *polling)
{
    int32_t count;

    do {
        count = (int32_t)w2c_stack_waitSetHarvest(&gz_current->module, (u32)polling->sets[gz_current->index], GZ_CALL_EVENTS);
        for (int32_t i = 0; i < count && i < (int32_t)GZ_CALL_EVENTS; i++) {
            uint32_t at = GZ_CALL_EVENT + (uint32_t)i * GZ_EVENT_SIZE;
            uint64_t place = gz_get64(at + GZ_EVENT_DATA);

            if (place < polling->count)
                polling->list[place].revents |= (short)gz_get32(at + GZ_EVENT_EVENTS);
        }
        /* Level-triggered entries come again at once: one round over all of them is enough. */
    } while (count == (int32_t)GZ_CALL_EVENTS && polling->count > GZ_CALL_EVENTS &&
             count < (int32_t)polling->count);
}

static long ready_entries(const struct polling *polling)
{
    long count = 0;

    for (nfds_t i = 0; i < polling->count; i++)
        count += polling->list[i].revents != 0;
    return count;
}

/* Runs every stack and takes what is ready. */
static void look(struct gz_thread *thread, struct polling *polling)
{
    struct gz_stack *here = gz_current;

    for (uint32_t left = polling->stacks; left != 0; left &= left - 1) {
        gz_switch(thread, &gz_stacks[__builtin_ctz(left)]);
        gz_run();
        if (polling->sets[gz_current->index] >= 0 && !atomic_load(&gz_current->shared->poisoned))
            harvest(polling);
    }
    gz_switch(thread, here);
    if (polling->kernel_count > 0 && poll(polling->kernel, polling->kernel_count, 0) > 0)
        for (uint32_t i = 0; i < polling->kernel_count; i++)
            polling->list[polling->origin[i]].revents |= polling->kernel[i].revents;
}

static long wait_for_entries(struct gz_thread *thread, struct polling *polling, uint64_t deadline)
{
    struct gz_wait wait = { .set = polling->sets[gz_current->index], .kernel = polling->kernel,
        .deadline = deadline, .others = polling->stacks & ~(1u << gz_current->index), .sets = polling->sets };
    long count;

    for (;;) {
        look(thread, polling);
        count = ready_entries(polling);
        if (count > 0)
            break;
        wait.kernel_count = polling->kernel_count;
        enum gz_woken woken = gz_wait(thread, &wait);

        if (woken == GZ_WOKEN_READY)
            continue;
        if (woken == GZ_WOKEN_SIGNAL)
            count = -EINTR;
        break;
    }
    gz_wait_end(thread);
    return count;
}

static void close_sets(struct gz_thread *thread, struct polling *polling)
{
    struct gz_stack *here = gz_current;

    for (uint32_t left = polling->stacks; left != 0; left &= left - 1) {
        gz_switch(thread, &gz_stacks[__builtin_ctz(left)]);
        int32_t set = polling->sets[gz_current->index];

        if (set >= 0 && !atomic_load(&gz_current->shared->poisoned))
            w2c_stack_waitSetClose(&gz_current->module, (u32)set);
    }
    gz_switch(thread, here);
}

static long poll_list(
    struct gz_thread *thread, struct pollfd *list, nfds_t count, int64_t timeout, char *memory)
{
    struct polling polling = { .list = list, .count = count, .kernel = (struct pollfd *)memory };
    uint64_t deadline = gz_deadline(timeout);
    long result;

    polling.origin = (nfds_t *)(memory + (count + GZ_WAIT_EXTRA) * sizeof(struct pollfd));
    gz_claim();
    polling.stacks = 1u << gz_current->index;
    memset(polling.sets, -1, gz_process.stacks * sizeof(polling.sets[0]));
    result = sort(thread, &polling);
    if (result == 0 && gz_process.stacks > 1)
        result = sort_elsewhere(thread, &polling);
    if (result == 0)
        result = wait_for_entries(thread, &polling, deadline);
    close_sets(thread, &polling);
    return result;
}

static long poll_once(struct pollfd *list, nfds_t count, int64_t timeout, const sigset_t *mask)
{
    size_t size = (count + GZ_WAIT_EXTRA) * (sizeof(struct pollfd) + sizeof(nfds_t));
    char small[(SMALL + GZ_WAIT_EXTRA) * (sizeof(struct pollfd) + sizeof(nfds_t))]
        __attribute__((aligned(8)));
    char *memory = count <= SMALL ? small : malloc(size);
    sigset_t before;

    if (memory == NULL)
        return -ENOMEM;
    GZ_ENTER(thread, -1);
    if (mask != NULL)
        pthread_sigmask(SIG_SETMASK, mask, &before);
    long result = poll_list(thread, list, count, timeout, memory);

    thread->batch = result > 1 ? (uint32_t)result : 0;
    GZ_LEAVE(thread);
    if (mask != NULL)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (memory != small)
        free(memory);
    return result;
}

long gz_poll(struct pollfd *list, nfds_t count, int64_t timeout, const sigset_t *mask)
{
    GZ_RESTARTING(poll_once(list, count, timeout, mask));
}
