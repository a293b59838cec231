/*
 * epoll: the application's instance is a real one of the kernel; a wait set beside it has the stack's
 * sockets.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "stack.h"
#include "user_memory.h"
#include "wait.h"

/* While the stack has events, the kernel's are looked at once in so many calls. */
#define KERNEL_TURN 4

long gz_epoll_create(int flags)
{
    int fd = epoll_create1(flags);

    if (fd < 0)
        return -errno;
    GZ_ENTER(thread);
    struct gz_file *file = (uint32_t)fd < gz_files_limit() ? gz_file_new(GZ_KIND_EPOLL) : NULL;

    if (file != NULL) {
        file->epoll_fd = fd;
        gz_file_attach(fd, file);
    }
    GZ_LEAVE(thread);
    return fd;
}

void gz_epoll_end(struct gz_file *file)
{
    if (file->set >= 0 && gz_stack.shared->created && !gz_stack.detached &&
        !atomic_load(&gz_stack.shared->poisoned))
        w2c_stack_waitSetClose(&gz_stack.module, (u32)file->set);
    file->set = -1;
}

/* The wait set of an instance, made when the first socket of the stack comes; -errno. */
static int32_t set_of(struct gz_file *epoll)
{
    if (epoll->set < 0) {
        epoll->set = (int32_t)w2c_stack_waitSetOpen(&gz_stack.module);
        /* Those who sleep in the instance don't sleep in the set yet. */
        gz_wake_everyone();
    }
    return epoll->set;
}

struct gz_file *gz_watched_at(int fd)
{
    struct gz_file *file = gz_socket_at(fd);

    if (file != NULL)
        return file;
    file = gz_file_at(fd, GZ_KIND_EPOLL);
    if (file == NULL || gz_stack.detached || gz_region_create() != 0 ||
        atomic_load(&gz_stack.shared->poisoned) || set_of(file) < 0)
        return NULL;
    file->side = GZ_BOTH;
    file->handle = (int32_t)w2c_stack_waitSetFace(&gz_stack.module, (u32)file->set);
    return file->handle < 0 ? NULL : file;
}

long gz_epoll_stack_ctl(
    struct gz_file *epoll, int operation, int fd, struct gz_file *file, struct epoll_event *event)
{
    w2c_stack *module = &gz_stack.module;
    int32_t set = set_of(epoll);

    if (set < 0)
        return set;
    switch (operation) {
    case EPOLL_CTL_ADD:
        return (int32_t)w2c_stack_interestAdd(
            module, (u32)set, (u32)file->handle, (u32)fd, event->events, event->data.u64);
    case EPOLL_CTL_MOD:
        return (int32_t)w2c_stack_interestModify(module, (u32)set, (u32)file->handle, (u32)fd, event->events,
            event->data.u64);
    case EPOLL_CTL_DEL:
        return (int32_t)w2c_stack_interestRemove(module, (u32)set, (u32)file->handle, (u32)fd);
    default:
        return -EINVAL;
    }
}

static long kernel_ctl(int fd, struct gz_file *epoll, int operation, int target, struct epoll_event *event)
{
    if (epoll_ctl(fd, operation, target, event) != 0)
        return -errno;
    if (operation == EPOLL_CTL_ADD)
        epoll->kernel_interests++;
    else if (operation == EPOLL_CTL_DEL && epoll->kernel_interests > 0)
        epoll->kernel_interests--;
    return 0;
}

static long ctl(int fd, struct gz_file *epoll, int operation, int target, struct epoll_event *event)
{
    struct gz_file *file = gz_watched_at(target);
    struct epoll_event given;
    long result;

    if (file == NULL)
        return kernel_ctl(fd, epoll, operation, target, event);
    if (operation != EPOLL_CTL_DEL && !gz_copy(&given, event, sizeof(given)))
        return -EFAULT;
    event = &given;
    if (!gz_stack.detached && atomic_load(&gz_stack.shared->poisoned))
        return -ECONNRESET;
    result = file->side == GZ_STACK ? 0 : kernel_ctl(fd, epoll, operation, target, event);
    if (result == 0 && file->side != GZ_UNDECIDED) {
        if (gz_detached(file))
            return file->side == GZ_STACK ? -ECONNABORTED : 0;
        result = gz_epoll_stack_ctl(epoll, operation, target, file, event);
    }
    if (result == 0)
        gz_watches_follow(file, epoll, operation, target, event);
    return result;
}

long gz_epoll_ctl(int fd, int operation, int target, struct epoll_event *event)
{
    GZ_ENTER(thread);
    struct gz_file *epoll = gz_file_at(fd, GZ_KIND_EPOLL);
    long result = epoll == NULL ? GZ_KERNEL : ctl(fd, epoll, operation, target, event);

    GZ_LEAVE(thread);
    return result;
}

static long kernel_events(int fd, struct epoll_event *events, int most)
{
    long count = syscall(SYS_epoll_wait, fd, events, most, 0);

    return count >= 0 ? count : errno == EFAULT ? -EFAULT : 0;
}

static long stack_events(int32_t set, struct epoll_event *events, int most)
{
    uint32_t room = most > (int)GZ_CALL_EVENTS ? GZ_CALL_EVENTS : (uint32_t)most;
    int32_t count;

    if (set < 0 || most <= 0)
        return 0;
    count = (int32_t)w2c_stack_waitSetHarvest(&gz_stack.module, (u32)set, room);
    if (count < 0)
        return 0;
    if ((uint32_t)count > room)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    for (int32_t i = 0; i < count; i++) {
        uint32_t at = GZ_CALL_EVENT + (uint32_t)i * GZ_EVENT_SIZE;

        struct epoll_event event = { .events = gz_get32(at + GZ_EVENT_EVENTS) };

        event.data.u64 = gz_get64(at + GZ_EVENT_DATA);
        if (!gz_copy(&events[i], &event, sizeof(event)))
            return i > 0 ? i : -EFAULT;
    }
    return count;
}

/* Takes what is ready: the stack's first, and the kernel's in its turn. */
static long collect(struct gz_file *epoll, struct epoll_event *events, int most)
{
    bool usable = gz_stack.running && !atomic_load(&gz_stack.shared->poisoned);
    int32_t set = usable ? epoll->set : -1;
    bool turn = epoll->kernel_interests > 0 && ++epoll->turn % KERNEL_TURN == 0;
    long kernel = turn ? kernel_events(epoll->epoll_fd, events, most > 1 ? most / 2 : 1) : 0;
    if (kernel < 0)
        return kernel;
    long stack = stack_events(set, events + kernel, most - (int)kernel);

    if (stack < 0)
        return kernel > 0 ? kernel : stack;

    if (kernel + stack == 0 && !turn && epoll->kernel_interests > 0)
        kernel = kernel_events(epoll->epoll_fd, events, most);
    return kernel + stack;
}

static long wait_for_events(struct gz_thread *thread, struct gz_file *epoll, struct epoll_event *events,
    int most, uint64_t deadline)
{
    struct pollfd kernel[1 + GZ_WAIT_EXTRA] = { { .events = POLLIN } };
    struct gz_wait wait = { .kernel = kernel, .deadline = deadline };
    long count;

    for (;;) {
        gz_run();
        count = collect(epoll, events, most);
        if (count != 0)
            break;
        kernel[0].fd = epoll->epoll_fd;
        wait.set = gz_stack.running ? epoll->set : -1;
        wait.kernel_count = epoll->kernel_interests > 0 || wait.set < 0 ? 1 : 0;
        enum gz_woken woken = gz_wait(thread, &wait);

        if (wait.kernel_ready && (count = kernel_events(epoll->epoll_fd, events, most)) != 0)
            break;
        if (woken == GZ_WOKEN_READY)
            continue;
        count = woken == GZ_WOKEN_SIGNAL ? -EINTR : 0;
        break;
    }
    gz_wait_end(thread);
    return count;
}

static long wait_once(
    int fd, struct epoll_event *events, int most, int64_t timeout, const sigset_t *mask)
{
    sigset_t before;

    GZ_ENTER(thread);
    struct gz_file *epoll = gz_file_at(fd, GZ_KIND_EPOLL);
    long result = GZ_KERNEL;

    if (epoll != NULL && most > 0) {
        if (mask != NULL)
            pthread_sigmask(SIG_SETMASK, mask, &before);
        gz_file_enter(thread, epoll);
        if (epoll->set >= 0)
            gz_claim();
        result = wait_for_events(thread, epoll, events, most, gz_deadline(timeout));
        thread->batch = result > 1 ? (uint32_t)result : 0;
        gz_file_leave(thread);
    }
    GZ_LEAVE(thread);
    if (epoll != NULL && most > 0 && mask != NULL)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

long gz_epoll_wait(int fd, struct epoll_event *events, int most, int64_t timeout, const sigset_t *mask)
{
    GZ_RESTARTING(wait_once(fd, events, most, timeout, mask));
}
