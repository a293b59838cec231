/*
 * epoll: the application's instance is a real one of the kernel; a wait set beside it has the stack's
 * sockets.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
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
    GZ_ENTER(thread, -1);
    struct gz_file *file = (uint32_t)fd < gz_files_limit() ? gz_file_new(GZ_KIND_EPOLL) : NULL;

    if (file != NULL) {
        file->epoll_fd = fd;
        gz_file_attach(fd, file);
    }
    GZ_LEAVE(thread);
    return fd;
}

/* The stacks in which the instance has a wait set. */
static uint32_t sets_of(const struct gz_file *epoll)
{
    uint32_t result = 0;

    for (uint32_t i = 0; i < gz_process.stacks; i++)
        if (epoll->places[i] >= 0)
            result |= 1u << i;
    return result;
}

void gz_epoll_end(struct gz_thread *thread, struct gz_file *file)
{
    uint32_t known = gz_current->shared->created && !gz_process.detached ? sets_of(file) : 0;

    GZ_VISIT(thread, known) {
        int32_t *set = &file->places[gz_current->index];

        if (!atomic_load(&gz_current->shared->poisoned))
            w2c_stack_waitSetClose(&gz_current->module, (u32)*set);
        *set = -1;
    }
    if (file->shots != NULL)
        munmap((void *)file->shots, gz_files_limit());
    file->shots = NULL;
}

/* A one-shot interest under `fd` is made, or armed again. Without memory each stack's fires. */
static void arm_shot(struct gz_file *epoll, int fd)
{
    if (gz_process.stacks == 1)
        return;
    if (epoll->shots == NULL) {
        void *shots = mmap(NULL, gz_files_limit(), PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        epoll->shots = shots == MAP_FAILED ? NULL : shots;
    }
    if (epoll->shots != NULL)
        atomic_store(&epoll->shots[fd], GZ_SHOT_ARMED);
}

/* An interest fired under `fd`, READY_SPENT in it if it was a one-shot one: whether it is to be told. */
static bool is_told(struct gz_file *epoll, uint32_t fd)
{
    uint32_t number = fd & ~GZ_READY_SPENT;

    if ((fd & GZ_READY_SPENT) == 0 || epoll->shots == NULL || number >= gz_files_limit())
        return true;
    uint8_t armed = GZ_SHOT_ARMED;

    return atomic_compare_exchange_strong(&epoll->shots[number], &armed, GZ_SHOT_SPENT) ||
        armed == GZ_SHOT_UNKNOWN;
}

/* The wait set of an instance in the current stack, made when the first socket of it comes; -errno. */
static int32_t set_of(struct gz_file *epoll)
{
    int32_t *set = &epoll->places[gz_current->index];

    if (epoll->kind != GZ_KIND_EPOLL)
        return -EBADF;
    if (*set < 0) {
        *set = (int32_t)w2c_stack_waitSetOpen(&gz_current->module);
        /* Those who sleep in the instance don't sleep in the set yet. */
        if (epoll->stack == gz_current->index)
            gz_wake_everyone();
        else
            gz_thread()->rouse |= 1u << epoll->stack;
    }
    return *set;
}

int32_t gz_face(const struct gz_file *epoll)
{
    int32_t set = epoll->places[gz_current->index];

    return set < 0 ? -1 : (int32_t)w2c_stack_waitSetFace(&gz_current->module, (u32)set);
}

/* An instance that others watch shows them the sockets of every stack: it has a wait set in each. */
static void show_everywhere(struct gz_file *file)
{
    struct gz_thread *thread = gz_thread();

    file->everywhere = true;
    gz_file_enter(thread, file);
    GZ_VISIT(thread, GZ_ALL_STACKS & ~GZ_HERE)
        if (!atomic_load(&gz_current->shared->poisoned))
            set_of(file);
    gz_file_leave(thread);
}

struct gz_file *gz_watched_at(int fd)
{
    struct gz_file *file = gz_socket_at(fd);

    if (file != NULL)
        return file;
    file = gz_file_at(fd, GZ_KIND_EPOLL);
    if (file == NULL || gz_process.detached || gz_region_create() != 0 ||
        atomic_load(&gz_current->shared->poisoned) || set_of(file) < 0)
        return NULL;
    file->side = GZ_BOTH;
    if (gz_process.stacks > 1 && !file->everywhere)
        show_everywhere(file);
    return gz_face(file) < 0 ? NULL : file;
}

long gz_epoll_stack_ctl(
    struct gz_file *epoll, int operation, int fd, struct gz_file *file, struct epoll_event *event)
{
    w2c_stack *module = &gz_current->module;
    int32_t set = set_of(epoll), handle = gz_handle(file);

    if (set < 0 || handle < 0)
        return set < 0 ? set : 0;
    switch (operation) {
    case EPOLL_CTL_ADD:
        return (int32_t)w2c_stack_interestAdd(
            module, (u32)set, (u32)handle, (u32)fd, event->events, event->data.u64);
    case EPOLL_CTL_MOD:
        return (int32_t)w2c_stack_interestModify(module, (u32)set, (u32)handle, (u32)fd, event->events,
            event->data.u64);
    case EPOLL_CTL_DEL:
        return (int32_t)w2c_stack_interestRemove(module, (u32)set, (u32)handle, (u32)fd);
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

/* The same for a listener's shadows. */
static void follow_elsewhere(struct gz_thread *thread, struct gz_file *epoll, int operation, int fd,
    struct gz_file *file, struct epoll_event *event)
{
    gz_file_enter(thread, file);
    GZ_VISIT(thread, GZ_ALL_STACKS & ~GZ_HERE)
        if (gz_handle(file) >= 0 && !atomic_load(&gz_current->shared->poisoned))
            gz_epoll_stack_ctl(epoll, operation, fd, file, event);
    gz_file_leave(thread);
}

static long ctl(struct gz_thread *thread, int fd, struct gz_file *epoll, int operation, int target,
    struct epoll_event *event)
{
    struct gz_file *file = gz_watched_at(target);
    struct epoll_event given;
    long result;

    if (file == NULL)
        return kernel_ctl(fd, epoll, operation, target, event);
    if (operation != EPOLL_CTL_DEL && !gz_copy(&given, event, sizeof(given)))
        return -EFAULT;
    event = &given;
    if (!gz_process.detached && atomic_load(&gz_current->shared->poisoned))
        return -ECONNRESET;
    if (operation != EPOLL_CTL_DEL && (given.events & EPOLLONESHOT) != 0)
        arm_shot(epoll, target);
    result = file->side == GZ_STACK ? 0 : kernel_ctl(fd, epoll, operation, target, event);
    if (result == 0 && file->side != GZ_UNDECIDED) {
        if (gz_detached(file))
            return file->side == GZ_STACK ? -ECONNABORTED : 0;
        result = gz_epoll_stack_ctl(epoll, operation, target, file, event);
    }
    if (result == 0)
        gz_watches_follow(file, epoll, operation, target, event);
    if (result == 0 && file->everywhere)
        follow_elsewhere(thread, epoll, operation, target, file, event);
    return result;
}

long gz_epoll_ctl(int fd, int operation, int target, struct epoll_event *event)
{
    uint8_t kind =
        target >= 0 && (uint32_t)target < gz_files_limit() ? gz_files_kinds()[target] : GZ_KIND_NONE;
    bool known = kind == GZ_KIND_SOCKET || kind == GZ_KIND_EPOLL;

    /* In the stack of what is watched; what is not ours is watched by the instance alone. */
    GZ_ENTER(thread, known ? target : fd);
    struct gz_file *epoll = gz_file_at(fd, GZ_KIND_EPOLL);
    long result = epoll == NULL ? GZ_KERNEL : ctl(thread, fd, epoll, operation, target, event);

    GZ_LEAVE(thread);
    return result;
}

static long kernel_events(int fd, struct epoll_event *events, int most)
{
    long count = syscall(SYS_epoll_wait, fd, events, most, 0);

    return count >= 0 ? count : errno == EFAULT ? -EFAULT : 0;
}

/* Takes what is ready in the current stack's wait set, unless another stack's said it. */
static long stack_events(struct gz_file *epoll, int32_t set, struct epoll_event *events, int most)
{
    uint32_t room = most > (int)GZ_CALL_EVENTS ? GZ_CALL_EVENTS : (uint32_t)most;
    int32_t count, told = 0;

    if (set < 0 || most <= 0)
        return 0;
    count = (int32_t)w2c_stack_waitSetHarvest(&gz_current->module, (u32)set, room);
    if (count < 0)
        return 0;
    if ((uint32_t)count > room)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    for (int32_t i = 0; i < count; i++) {
        uint32_t at = GZ_CALL_EVENT + (uint32_t)i * GZ_EVENT_SIZE;

        struct epoll_event event = { .events = gz_get32(at + GZ_EVENT_EVENTS) };

        if (!is_told(epoll, gz_get32(at + GZ_EVENT_FD)))
            continue;
        event.data.u64 = gz_get64(at + GZ_EVENT_DATA);
        if (!gz_copy(&events[told], &event, sizeof(event)))
            return told > 0 ? told : -EFAULT;
        told++;
    }
    return told;
}

/* Takes what is ready: the stack's first, and the kernel's in its turn. */
static long collect(struct gz_file *epoll, struct epoll_event *events, int most)
{
    bool usable = gz_current->running && !atomic_load(&gz_current->shared->poisoned);
    int32_t set = usable ? epoll->places[gz_current->index] : -1;
    bool turn = epoll->kernel_interests > 0 && ++epoll->turn % KERNEL_TURN == 0;
    long kernel = turn ? kernel_events(epoll->epoll_fd, events, most > 1 ? most / 2 : 1) : 0;
    if (kernel < 0)
        return kernel;
    long stack = stack_events(epoll, set, events + kernel, most - (int)kernel);

    if (stack < 0)
        return kernel > 0 ? kernel : stack;

    if (kernel + stack == 0 && !turn && epoll->kernel_interests > 0)
        kernel = kernel_events(epoll->epoll_fd, events, most);
    return kernel + stack;
}

/* Runs the stacks of `from` and takes what is ready there: behind `count` events, up to `most` in all. */
static long collect_elsewhere(struct gz_thread *thread, struct gz_file *epoll, uint32_t from,
    struct epoll_event *events, long count, int most)
{
    GZ_VISIT(thread, from) {
        gz_run();
        if (!gz_current->running || atomic_load(&gz_current->shared->poisoned) || count < 0 || count >= most)
            continue;
        int32_t set = epoll->places[gz_current->index];
        long more = stack_events(epoll, set, events + count, most - (int)count);

        count = more >= 0 || count == 0 ? count + more : count;
    }
    return count;
}

/* Takes what is ready in all stacks; each has its turn to be the first. */
static long collect_all(struct gz_thread *thread, struct gz_file *epoll, struct epoll_event *events, int most)
{
    uint32_t elsewhere = sets_of(epoll) & ~GZ_HERE;
    /* Somebody else's may be the only ones that are looked at once in a while. */
    bool first = elsewhere != 0 && most > 1 && (epoll->turn++ & 1) != 0;
    long count = 0;

    if (elsewhere == 0)
        return collect(epoll, events, most);
    if (first)
        count = collect_elsewhere(thread, epoll, elsewhere, events, 0, most / 2);
    if (count < 0)
        return count;
    long own = collect(epoll, events + count, most - (int)count);

    if (own < 0)
        return count > 0 ? count : own;
    count += own;
    return first || count >= most ? count
                                  : collect_elsewhere(thread, epoll, elsewhere, events, count, most);
}

static long wait_for_events(struct gz_thread *thread, struct gz_file *epoll, struct epoll_event *events,
    int most, uint64_t deadline)
{
    struct pollfd kernel[1 + GZ_WAIT_EXTRA] = { { .events = POLLIN } };
    struct gz_wait wait = { .kernel = kernel, .deadline = deadline };
    long count;

    for (;;) {
        gz_run();
        count = collect_all(thread, epoll, events, most);
        if (count != 0)
            break;
        kernel[0].fd = epoll->epoll_fd;
        wait.set = gz_current->running ? epoll->places[gz_current->index] : -1;
        wait.others = sets_of(epoll) & ~GZ_HERE;
        wait.sets = epoll->places;
        wait.kernel_count = epoll->kernel_interests > 0 || (wait.set < 0 && wait.others == 0) ? 1 : 0;
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

    GZ_ENTER(thread, fd);
    struct gz_file *epoll = gz_file_at(fd, GZ_KIND_EPOLL);
    long result = GZ_KERNEL;

    if (epoll != NULL && most > 0) {
        if (mask != NULL)
            pthread_sigmask(SIG_SETMASK, mask, &before);
        gz_file_enter(thread, epoll);
        if (sets_of(epoll) != 0)
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
