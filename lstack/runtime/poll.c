/*
 * poll and, through it, select: the stack's sockets in a wait set made for the call, the kernel's descriptors
 * beside it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

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
    /* What each place of the list named when the call began, if the stack has a part in it. */
    struct gz_file **files;
    uint32_t kernel_count;
    int32_t set;
};

static short wanted(const struct pollfd *entry)
{
    return (short)(entry->events | POLLERR | POLLHUP);
}

/* Sorts the list into the wait set and the kernel's part. */
static long sort(struct polling *polling)
{
    w2c_stack *module = &gz_stack.module;

    for (nfds_t i = 0; i < polling->count; i++) {
        struct pollfd *entry = &polling->list[i];
        struct gz_file *file = entry->fd < 0 ? NULL : gz_watched_at(entry->fd);

        entry->revents = 0;
        polling->files[i] = file;
        if (file != NULL)
            file->calls++;
        if (file != NULL && (file->side == GZ_STACK || file->side == GZ_BOTH)) {
            if (atomic_load(&gz_stack.shared->poisoned) || gz_detached(file)) {
                entry->revents = (short)(POLLERR | POLLHUP | (entry->events & (POLLIN | POLLOUT)));
                continue;
            }
            int32_t result = (int32_t)w2c_stack_interestAdd(
                module, (u32)polling->set, (u32)file->handle, (u32)i, (uint16_t)wanted(entry), i);

            if (result < 0)
                return result;
        }
        if (file != NULL && file->side == GZ_STACK)
            continue;
        polling->kernel[polling->kernel_count] = *entry;
        polling->origin[polling->kernel_count++] = i;
    }
    return 0;
}

static void harvest(struct polling *polling)
{
    int32_t count;

    do {
        count = (int32_t)w2c_stack_waitSetHarvest(&gz_stack.module, (u32)polling->set, GZ_CALL_EVENTS);
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
    for (nfds_t i = 0; i < polling->count; i++)
        if (polling->files[i] != NULL && polling->list[i].revents != 0 &&
            gz_watched_at(polling->list[i].fd) != polling->files[i])
            polling->list[i].revents = POLLNVAL;
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

static void look(struct polling *polling)
{
    if (polling->set >= 0 && !atomic_load(&gz_stack.shared->poisoned))
        harvest(polling);
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
    struct gz_wait wait = { .set = polling->set, .kernel = polling->kernel, .deadline = deadline };
    long count;

    for (;;) {
        gz_run();
        look(polling);
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
    polling.set = gz_stack.running ? (int32_t)w2c_stack_waitSetOpen(&gz_stack.module) : -1;
    if (gz_stack.running && polling.set < 0)
        return polling.set;
    result = sort(&polling);
    if (result == 0)
        result = wait_for_entries(thread, &polling, deadline);
    tell_closed(&polling);
    leave_files(thread, &polling);
    if (polling.set >= 0 && !atomic_load(&gz_stack.shared->poisoned))
        w2c_stack_waitSetClose(&gz_stack.module, (u32)polling.set);
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
    GZ_ENTER(thread);
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
