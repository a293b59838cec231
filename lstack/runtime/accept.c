/*
 * accept: an accepted descriptor is a duplicate of one placeholder, which costs a tenth of a kernel socket
 * (DESIGN D12).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "calls.h"
#include "stack.h"
#include "wait.h"

static int placeholder = -1;

/* A new descriptor for a socket of the stack: -errno when there is none. */
static int new_descriptor(int flags)
{
    int fd;

    if (placeholder < 0 || gz_files_kinds()[placeholder] != GZ_KIND_INTERNAL)
        placeholder = gz_internal(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (placeholder < 0)
        return -errno;
    fd = fcntl(placeholder, (flags & SOCK_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
    return fd < 0 ? -errno : fd;
}

static long accept_stack(struct gz_file *listener, struct sockaddr *address, socklen_t *length, int flags)
{
    w2c_stack *module = &gz_current->module;
    struct gz_address peer;
    int32_t waiting = gz_handle(listener);

    if (waiting < 0 || atomic_load(&gz_current->shared->poisoned) ||
        (listener->listening && (w2c_stack_socketReady(module, (u32)waiting) & EPOLLIN) == 0))
        return -EAGAIN;
    int fd = new_descriptor(flags);

    if (fd < 0)
        return fd;
    struct gz_file *file = (uint32_t)fd < gz_files_limit() ? gz_file_new(GZ_KIND_SOCKET) : NULL;
    int32_t handle = file == NULL ? -ENFILE
                                  : (int32_t)w2c_stack_socketAccept(module, (u32)waiting, gz_now());

    if (handle < 0) {
        if (file != NULL)
            gz_file_free(file);
        close(fd);
        return handle;
    }
    gz_endpoint_get(&peer);
    int told = address == NULL ? 0 : gz_address_to(&peer, listener->v6, address, length);

    /* As in Linux, the connection is lost. */
    if (told != 0) {
        w2c_stack_socketClose(module, (u32)handle, gz_now());
        gz_file_free(file);
        close(fd);
        return told;
    }
    file->handle = handle;
    file->side = GZ_STACK;
    file->v6 = listener->v6;
    file->nonblocking = (flags & SOCK_NONBLOCK) != 0;
    file->bound = true;
    gz_reference(handle, 1);
    gz_file_attach(fd, file);
    return fd;
}

/* The same in all stacks that the listener is in: the thread's own first. */
static long accept_everywhere(struct gz_thread *thread, struct gz_file *listener, struct sockaddr *address,
    socklen_t *length, int flags)
{
    struct gz_stack *here = gz_current;
    long result = -EAGAIN;

    for (uint32_t i = 0; result == -EAGAIN && i < gz_process.stacks; i++) {
        gz_switch(thread, &gz_stacks[(thread->home + i) % gz_process.stacks]);
        if (gz_due(gz_now()))
            gz_run();
        result = accept_stack(listener, address, length, flags);
    }
    gz_switch(thread, here);
    return result;
}

static long accept_any(struct gz_thread *thread, int fd, struct gz_file *file, struct sockaddr *address,
    socklen_t *length, int flags)
{
    long result = file->everywhere ? accept_everywhere(thread, file, address, length, flags)
                                   : accept_stack(file, address, length, flags);

    if (result != -EAGAIN || file->side != GZ_BOTH)
        return result;
    result = accept4(gz_kernel_fd(file, fd), address, length, flags);
    if (result < 0)
        return -errno;
    gz_count_fallback(GZ_FALLBACK_KERNEL_ADDRESS);
    return result;
}

static long accept_once(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;

    if (file == NULL || file->side == GZ_UNDECIDED || (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
        GZ_LEAVE(thread);
        return file != NULL && file->side != GZ_UNDECIDED ? -EINVAL : result;
    }
    gz_file_enter(thread, file);
    uint64_t deadline = file->receive_limit != 0 ? gz_now() + file->receive_limit : GZ_NEVER;

    result = gz_ready_to_use(file);
    if (result == 0)
        result = accept_any(thread, fd, file, address, length, flags);
    if (result == -EAGAIN && gz_due(gz_now())) {
        gz_run();
        result = accept_any(thread, fd, file, address, length, flags);
    }
    while (result == -EAGAIN && !file->nonblocking) {
        result = gz_wait_socket(thread, file, fd, EPOLLIN, deadline);
        if (result != 0)
            break;
        result = accept_any(thread, fd, file, address, length, flags);
    }
    gz_file_leave(thread);
    GZ_LEAVE(thread);
    return result;
}

long gz_accept(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    GZ_RESTARTING(accept_once(fd, address, length, flags));
}
