/* close, dup, fcntl, ioctl: what happens to descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "calls.h"
#include "stack.h"
#include "user_memory.h"
#include "wait.h"

/* Microseconds between two looks at a socket that lingers. */
#define LINGER_STEP 100000

/* SO_LINGER: waits until everything was delivered, at most `seconds`. */
static void linger(struct gz_thread *thread, struct gz_file *file, int32_t seconds)
{
    struct pollfd none[GZ_WAIT_EXTRA];
    uint64_t end = gz_now() + (uint64_t)seconds * 1000000;
    struct gz_wait wait = { .kernel = none };
    w2c_stack *module = &gz_current->module;

    wait.set = (int32_t)w2c_stack_waitSetOpen(module);
    if (wait.set >= 0)
        w2c_stack_interestAdd(module, (u32)wait.set, (u32)file->handle, 0, EPOLLHUP | EPOLLERR | EPOLLET, 0);
    while (gz_now() < end && (int32_t)w2c_stack_socketLingers(module, (u32)file->handle) > 0) {
        gz_run();
        if (wait.set >= 0)
            w2c_stack_waitSetHarvest(module, (u32)wait.set, 1);
        wait.deadline = gz_now() + LINGER_STEP < end ? gz_now() + LINGER_STEP : end;
        if (gz_wait(thread, &wait) == GZ_WOKEN_SIGNAL)
            break;
    }
    gz_wait_end(thread);
    if (wait.set >= 0)
        w2c_stack_waitSetClose(module, (u32)wait.set);
}

void gz_socket_end(struct gz_thread *thread, struct gz_file *file)
{
    w2c_stack *module = &gz_current->module;
    if (file->everywhere)
        gz_shadows_end(thread, file);
    struct gz_shared *shared = gz_current->shared;
    bool usable = shared->created && !gz_process.detached && !atomic_load(&shared->poisoned);

    if (file->handle < 0 || !usable)
        return;
    gz_reference(file->handle, -1);
    /* The owner's close counts; before there is one, the last process' does. */
    if (!gz_current->running && (atomic_load(&shared->owner) != 0 || !gz_unreferenced(file->handle)))
        return;
    int32_t seconds = (int32_t)w2c_stack_socketClose(module, (u32)file->handle, gz_now());

    if (seconds > 0) {
        linger(thread, file, seconds);
        w2c_stack_socketClose(module, (u32)file->handle, gz_now());
    }
    if (!gz_current->running)
        return;
    if (thread->batch <= 1)
        gz_flush(gz_now());
}

/* Nothing names or uses the file any more. */
static void end_file(struct gz_thread *thread, struct gz_file *file)
{
    if (file->kept >= 0) {
        gz_file_detach(file->kept);
        close(file->kept);
    }
    gz_watches_free(file);
    if (file->kind == GZ_KIND_SOCKET)
        gz_socket_end(thread, file);
    else
        gz_epoll_end(thread, file);
    gz_file_free(file);
}

void gz_file_enter(struct gz_thread *thread, struct gz_file *file)
{
    thread->file = file;
    file->calls++;
}

void gz_file_leave(struct gz_thread *thread)
{
    struct gz_file *file = thread->file;
    struct gz_stack *here = gz_current;

    thread->file = NULL;
    if (file == NULL)
        return;
    gz_switch(thread, &gz_stacks[file->stack]);
    if (--file->calls == 0 && file->descriptors == 0)
        end_file(thread, file);
    gz_switch(thread, here);
}

/*
 * `fd` is about to be closed: who waits by it for the kernel's half, asleep or not, has to do so by another
 * descriptor of the same file.
 */
static void keep(int fd, struct gz_file *file)
{
    bool epoll = file->kind == GZ_KIND_EPOLL;

    if (file->kept >= 0 || (file->calls == 0 && (!epoll || file->descriptors == 1)))
        return;
    if (!epoll && file->side == GZ_STACK)
        return;
    file->kept = gz_internal(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (epoll && file->kept >= 0)
        file->epoll_fd = file->kept;
    gz_wake_everyone();
}

/* `fd` names nothing any more. */
static void drop(struct gz_thread *thread, int fd)
{
    struct gz_file *file = gz_file_detach(fd);

    if (file != NULL && file->calls == 0)
        end_file(thread, file);
}

static bool is_internal(int fd)
{
    return fd >= 0 && (uint32_t)fd < gz_files_limit() && gz_files_kinds()[fd] == GZ_KIND_INTERNAL;
}

/* What `fd` names, a socket or an epoll instance, or NULL. */
static struct gz_file *named(int fd)
{
    struct gz_file *file = gz_file_at(fd, GZ_KIND_SOCKET);

    return file != NULL ? file : gz_file_at(fd, GZ_KIND_EPOLL);
}

/* `fd`, still open, will be closed by our caller. */
static void drop_open(struct gz_thread *thread, int fd)
{
    struct gz_file *file = named(fd);

    if (file == NULL)
        return;
    keep(fd, file);
    drop(thread, fd);
}

long gz_close(int fd)
{
    if (is_internal(fd))
        return -EBADF;
    GZ_ENTER(thread, fd);
    drop_open(thread, fd);
    GZ_LEAVE(thread);
    return close(fd) != 0 ? -errno : 0;
}

void gz_forget(int fd)
{
    struct gz_thread *thread = gz_lock(fd);

    if (thread == NULL)
        return;
    if (sigsetjmp(thread->escape, 0) != 0) {
        gz_escaped(thread);
        return;
    }
    if (is_internal(fd))
        gz_file_detach(fd);
    else
        drop_open(thread, fd);
    GZ_LEAVE(thread);
}

static void keep_named(struct gz_thread *thread, int fd)
{
    struct gz_file *file = named(fd);

    (void)thread;
    if (file != NULL)
        keep(fd, file);
}

static void drop_named(struct gz_thread *thread, int fd)
{
    if (named(fd) != NULL)
        drop(thread, fd);
}

/* Does something with a descriptor that may be another stack's. */
static void in_stack_of(struct gz_thread *thread, int fd, void (*act)(struct gz_thread *, int))
{
    struct gz_stack *here = gz_current;

    gz_switch(thread, &gz_stacks[gz_file_stack(thread, fd)]);
    act(thread, fd);
    gz_switch(thread, here);
}

long gz_duplicate(int fd, int target, int least, int flags)
{
    if (is_internal(fd) || (least < 0 && is_internal(target)))
        return -EBADF;
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_named(fd);
    int made;

    if (file == NULL)
        file = gz_file_at(fd, GZ_KIND_EPOLL);
    if (file != NULL)
        gz_file_enter(thread, file);
    if (least < 0 && target != fd)
        in_stack_of(thread, target, keep_named);
    if (least < 0)
        made = fd == target ? fcntl(fd, F_GETFD) < 0 ? -1 : fd : dup3(fd, target, flags);
    else
        made = fcntl(fd, (flags & O_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD, least);
    int reason = errno;

    if (made >= 0 && made != fd) {
        in_stack_of(thread, made, drop_named);
        if (file != NULL && (uint32_t)made < gz_files_limit())
            gz_file_attach(made, file);
    }
    gz_file_leave(thread);
    GZ_LEAVE(thread);
    return made < 0 ? -reason : made;
}

static long set_flags(int fd, struct gz_file *file, long flags)
{
    file->nonblocking = (flags & O_NONBLOCK) != 0;
    if (file->side == GZ_UNDECIDED)
        return GZ_KERNEL;
    (void)fd;
    return 0;
}

long gz_control(int fd, int command, long argument)
{
    if (is_internal(fd))
        return -EBADF;
    if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && argument >= 0)
        return gz_duplicate(fd, -1, (int)argument, command == F_DUPFD ? 0 : O_CLOEXEC);
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_named(fd);
    long result = GZ_KERNEL;

    if (file != NULL && command == F_SETFL)
        result = set_flags(fd, file, argument);
    else if (file != NULL && command == F_GETFL && file->side != GZ_UNDECIDED)
        result = O_RDWR | (file->nonblocking ? O_NONBLOCK : 0);
    GZ_LEAVE(thread);
    return result;
}

static long answer(void *argument, int32_t value)
{
    if (value < 0)
        return value;
    return gz_copy(argument, &value, sizeof(value)) ? 0 : -EFAULT;
}

long gz_ioctl(int fd, unsigned long request, void *argument)
{
    if (is_internal(fd))
        return -EBADF;
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;
    bool stack = file != NULL && file->side != GZ_UNDECIDED;
    int on;

    if (stack && atomic_load(&gz_current->shared->poisoned))
        result = -ECONNRESET;
    else if (file != NULL && request == FIONBIO)
        result = gz_copy(&on, argument, sizeof(on)) ? set_flags(fd, file, on != 0 ? O_NONBLOCK : 0) : -EFAULT;
    else if (stack && request == FIONREAD)
        result = answer(argument, (int32_t)w2c_stack_socketAvailable(&gz_current->module, (u32)file->handle));
    else if (stack && request == SIOCOUTQ)
        result = answer(argument, (int32_t)w2c_stack_socketUnsent(&gz_current->module, (u32)file->handle));
    GZ_LEAVE(thread);
    return result;
}
