/* connect: to the stack's networks by the stack, to the kernel's by the kernel. */
#include <errno.h>

#include "address.h"
#include "calls.h"
#include "stack.h"
#include "user_memory.h"
#include "wait.h"

/* Waits until the handshake is over. */
static long await(struct gz_thread *thread, int fd, struct gz_file *file, const struct gz_address *peer)
{
    uint64_t deadline = file->send_limit != 0 ? gz_now() + file->send_limit : GZ_NEVER;
    int32_t handle = file->handle;

    for (;;) {
        long result = gz_wait_socket(thread, file, fd, EPOLLOUT, deadline);

        if (result == -EAGAIN)
            return -EINPROGRESS;
        if (result != 0)
            return result;
        gz_endpoint_put(peer);
        result = (int32_t)w2c_stack_socketConnect(&gz_current->module, (u32)handle, gz_now());
        if (result != -EALREADY && result != -EINPROGRESS)
            return result;
    }
}

static long disconnect(struct gz_file *file)
{
    long result = gz_ready_to_use(file);

    if (result != 0)
        return result;
    return (int32_t)w2c_stack_socketDisconnect(&gz_current->module, (u32)file->handle, gz_now());
}

static long connect_file(
    struct gz_thread *thread, int fd, struct gz_file *file, const struct gz_address *peer)
{
    long result;

    if (gz_process.detached)
        return -ECONNABORTED;
    if (file->side != GZ_STACK) {
        if (gz_address_kernel(peer)) {
            gz_settle(fd, file, GZ_KERNEL_SIDE, GZ_FALLBACK_KERNEL_ROUTE);
            return GZ_KERNEL;
        }
    }
    result = gz_ready_to_use(file);
    if (result == -ENETDOWN && file->side != GZ_STACK) {
        gz_settle(fd, file, GZ_KERNEL_SIDE, GZ_FALLBACK_STACK_FAILED);
        return GZ_KERNEL;
    }
    if (result != 0)
        return result;
    if (file->side != GZ_STACK && !file->listening)
        gz_settle(fd, file, GZ_STACK, 0);
    gz_endpoint_put(peer);
    result = (int32_t)w2c_stack_socketConnect(&gz_current->module, (u32)file->handle, gz_now());
    gz_flush(gz_now());
    if (!file->nonblocking && (result == -EINPROGRESS || result == -EALREADY)) {
        gz_file_enter(thread, file);
        result = await(thread, fd, file, peer);
        gz_file_leave(thread);
    }
    return result;
}

static long connect_once(int fd, const struct sockaddr *address, socklen_t length)
{
    struct gz_address peer;
    sa_family_t family = AF_INET;

    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;

    if (file != NULL && length >= sizeof(family) && !gz_copy(&family, address, sizeof(family))) {
        result = -EFAULT;
    } else if (file != NULL && family == AF_UNSPEC) {
        if (file->side != GZ_UNDECIDED)
            result = disconnect(file);
    } else if (file != NULL) {
        result = gz_address_from(&peer, address, length, file->v6);
        if (result == 0)
            result = connect_file(thread, fd, file, &peer);
    }
    GZ_LEAVE(thread);
    return result;
}

long gz_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    GZ_RESTARTING(connect_once(fd, address, length));
}
