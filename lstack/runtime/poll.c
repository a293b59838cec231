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

/* Memory for an entry, whichever side it is of. */
#define ENTRY_SIZE (sizeof(struct pollfd) + sizeof(nfds_t) + sizeof(struct gz_file *))

struct polling {
    struct pollfd *list;
    nfds_t count;
    /* The kernel's part, and the place in the list that each came from. */
    struct pollfd *kernel;
    nfds_t *origin;
    /* What each place of the list named when the call began, if the stacks have a part in it. */
    struct gz_file **files;
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
static struct gz_file *visitor(const struct polling *polling, nfds_t i)
{
    struct gz_file *file = polling->files[i];

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
    polling->files[i] = file;
    if (file != NULL)
        file->calls++;
    if (file != NULL && (file->side == GZ_STACK || file->side == GZ_BOTH)) {
        if (atomic_load(&gz_current->shared->poisoned) || gz_detached(file)) {
            entry->revents = (short)(POLLERR | POLLHUP | (entry->events & (POLLIN | POLLOUT)));
            return 0;
        }
        int32_t result = add(polling, file, i);

        if (result < 0)
            return result;
        if (file->everywhere)
            polling->stacks = GZ_ALL_STACKS;
    }
    /* Another thread's connect() may decide for the stack while this call waits. */
    bool is_open = file != NULL && file->side == GZ_UNDECIDED && file->datagram;

    if (is_open && gz_current->running && !atomic_load(&gz_current->shared->poisoned)) {
        int32_t result = add(polling, file, i);

        if (result < 0)
            return result;
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

/* Listeners of other stacks that are in this one too. */
static long sort_visitors(struct gz_thread *thread, struct polling *polling)
{
    int32_t *set = &polling->sets[gz_current->index];
    long result = 0;

    if (*set < 0)
        *set = (int32_t)w2c_stack_waitSetOpen(&gz_current->module);
    if (*set < 0)
        return *set;
    for (nfds_t i = 0; result == 0 && i < polling->count; i++)
        if (!belongs_here(thread, polling->list[i].fd) && visitor(polling, i) != NULL)
            result = add(polling, visitor(polling, i), i);
    return result;
}

/* Other stacks: their own sockets, then listeners that are everywhere. */
static long sort_elsewhere(struct gz_thread *thread, struct polling *polling)
{
    long result = 0;

    for (nfds_t i = 0; i < polling->count; i++)
        polling->stacks |= 1u << gz_file_stack(thread, polling->list[i].fd);
    GZ_VISIT(thread, polling->stacks & ~GZ_HERE)
        if (result == 0)
            result = sort(thread, polling);
    GZ_VISIT(thread, polling->stacks)
        if (result == 0 && gz_current->running)
            result = sort_visitors(thread, polling);
    return result;
}

static void harvest(struct polling *polling)
{
    u32 set = (u32)polling->sets[gz_current->index];
    int32_t count;

    do {
        count = (int32_t)w2c_stack_waitSetHarvest(&gz_current->module, set, GZ_CALL_EVENTS);
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

/*
 * As in Linux: what another thread closes goes on until this call ends, and does not end it; once something
 * else does, it is said that the descriptor is closed.
 */
static void tell_closed(struct polling *polling)
{
    for (nfds_t i = 0; i < polling->count; i++) {
        const struct gz_file *file = polling->files[i];

        if (file != NULL && polling->list[i].revents != 0 &&
            gz_file_at(polling->list[i].fd, file->kind) != file)
            polling->list[i].revents = POLLNVAL;
    }
}

static void leave_files(struct gz_thread *thread, const struct polling *polling)
{
    for (nfds_t i = 0; i < polling->count; i++) {
        thread->file = polling->files[i];
        gz_file_leave(thread);
    }
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
    GZ_VISIT(thread, polling->stacks) {
        gz_run();
        if (polling->sets[gz_current->index] >= 0 && !atomic_load(&gz_current->shared->poisoned))
            harvest(polling);
    }
    for (uint32_t i = 0; i < polling->kernel_count; i++) {
        const struct gz_file *file = polling->files[polling->origin[i]];

        if (file != NULL)
            polling->kernel[i].fd = gz_kernel_fd(file, polling->list[polling->origin[i]].fd);
    }
    if (polling->kernel_count > 0 && poll(polling->kernel, polling->kernel_count, 0) > 0)
        for (uint32_t i = 0; i < polling->kernel_count; i++)
            polling->list[polling->origin[i]].revents |= polling->kernel[i].revents;
}

static long wait_for_entries(struct gz_thread *thread, struct polling *polling, uint64_t deadline)
{
    struct gz_wait wait = { .set = polling->sets[gz_current->index], .kernel = polling->kernel,
        .deadline = deadline, .others = polling->stacks & ~GZ_HERE, .sets = polling->sets };
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
    GZ_VISIT(thread, polling->stacks) {
        int32_t set = polling->sets[gz_current->index];

        if (set >= 0 && !atomic_load(&gz_current->shared->poisoned))
            w2c_stack_waitSetClose(&gz_current->module, (u32)set);
    }
}

static long poll_list(
    struct gz_thread *thread, struct pollfd *list, nfds_t count, int64_t timeout, char *memory)
{
    struct polling polling = { .list = list, .count = count, .kernel = (struct pollfd *)memory };
    uint64_t deadline = gz_deadline(timeout);
    long result;

    polling.origin = (nfds_t *)(memory + (count + GZ_WAIT_EXTRA) * sizeof(struct pollfd));
    polling.files = (struct gz_file **)(polling.origin + count + GZ_WAIT_EXTRA);
    memset(polling.files, 0, count * sizeof(struct gz_file *));
    gz_claim();
    polling.stacks = GZ_HERE;
    memset(polling.sets, -1, gz_process.stacks * sizeof(polling.sets[0]));
    result = sort(thread, &polling);
    if (result == 0 && gz_process.stacks > 1)
        result = sort_elsewhere(thread, &polling);
    if (result == 0)
        result = wait_for_entries(thread, &polling, deadline);
    tell_closed(&polling);
    leave_files(thread, &polling);
    close_sets(thread, &polling);
    return result;
}

static long poll_once(struct pollfd *list, nfds_t count, int64_t timeout, const sigset_t *mask)
{
    size_t size = (count + GZ_WAIT_EXTRA) * ENTRY_SIZE;
    char small[(SMALL + GZ_WAIT_EXTRA) * ENTRY_SIZE] __attribute__((aligned(8)));
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
