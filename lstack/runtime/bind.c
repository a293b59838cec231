/* bind, and who serves a socket: the stack, the kernel, or both. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "calls.h"
#include "stack.h"
#include "wait.h"

void gz_settle(int fd, struct gz_file *file, enum gz_side side, uint32_t reason)
{
    if (side == GZ_KERNEL_SIDE) {
        gz_count_fallback(reason);
        if (file->side == GZ_BOTH && !file->nonblocking)
            fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        /* Who waits for both halves goes on with the kernel's. */
        if (file->calls > 0)
            gz_wake_everyone();
        file->side = GZ_KERNEL_SIDE;
        gz_watches_free(file);
        gz_reference(file->handle, -1);
        w2c_stack_socketClose(&gz_current->module, (u32)file->handle, gz_now());
        gz_file_to_kernel(fd, file);
        return;
    }
    file->side = (uint8_t)side;
    if (side == GZ_BOTH)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    gz_watches_settle(file);
}

static long bind_stack(struct gz_file *file, const struct gz_address *address)
{
    gz_endpoint_put(address);
    return (int32_t)w2c_stack_socketBind(&gz_current->module, (u32)file->handle);
}

/* Any address: both sides get the same port. */
static long bind_both(int fd, struct gz_file *file, struct gz_address *address, const struct sockaddr *given,
    socklen_t length)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);

    if (bind(fd, given, length) != 0)
        return -errno;
    if (address->port == 0) {
        struct gz_address chosen;

        if (getsockname(fd, (struct sockaddr *)&storage, &size) != 0)
            return -errno;
        gz_address_from(&chosen, (struct sockaddr *)&storage, size, file->v6);
        address->port = chosen.port;
    }
    return bind_stack(file, address);
}

static long bind_file(
    struct gz_thread *thread, int fd, struct gz_file *file, const struct sockaddr *given, socklen_t length)
{
    struct gz_address address;
    long result = gz_address_from(&address, given, length, file->v6);

    if (result != 0)
        return result;
    result = gz_may_bind(thread, file, &address);
    if (result != 0)
        return result;
    if (file->side != GZ_UNDECIDED)
        return bind_stack(file, &address);
    gz_endpoint_put(&address);
    uint32_t side = w2c_stack_sideOfBind(&gz_current->module, file->v6_only);

    if (side == GZ_SIDE_BOTH) {
        result = bind_both(fd, file, &address, given, length);
        if (result == 0)
            gz_settle(fd, file, GZ_BOTH, 0);
        return result;
    }
    if (side == GZ_SIDE_KERNEL) {
        gz_settle(fd, file, GZ_KERNEL_SIDE, GZ_FALLBACK_KERNEL_ADDRESS);
        return GZ_KERNEL;
    }
    result = bind_stack(file, &address);
    if (result == 0)
        gz_settle(fd, file, GZ_STACK, 0);
    return result;
}

/* Held by who looks for an address in all stacks, until it has it; never waited for with a lock. */
static pthread_mutex_t binding = PTHREAD_MUTEX_INITIALIZER;

void gz_bind_leave(struct gz_thread *thread)
{
    if (!thread->binds)
        return;
    thread->binds = false;
    pthread_mutex_unlock(&binding);
}

void gz_binds_forked(void)
{
    pthread_mutex_init(&binding, NULL);
}

/* In a process with several stacks: between the look at the others and the end no other thread binds. */
static long bind_in_turn(
    struct gz_thread *thread, int fd, struct gz_file *file, const struct sockaddr *given, socklen_t length)
{
    gz_file_enter(thread, file);
    gz_pause(thread);
    pthread_mutex_lock(&binding);
    thread->binds = true;
    gz_resume(thread);
    long result = bind_file(thread, fd, file, given, length);

    gz_bind_leave(thread);
    gz_file_leave(thread);
    return result;
}

long gz_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;

    if (file != NULL && atomic_load(&gz_current->shared->poisoned))
        result = -ECONNRESET;
    else if (file != NULL)
        result = gz_process.stacks > 1 ? bind_in_turn(thread, fd, file, address, length)
                                       : bind_file(thread, fd, file, address, length);
    GZ_LEAVE(thread);
    return result;
}
