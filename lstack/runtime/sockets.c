/* socket, listen, shutdown, getsockname, getpeername. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "calls.h"
#include "stack.h"

struct gz_file *gz_socket_named(int fd)
{
    struct gz_file *file = gz_file_at(fd, GZ_KIND_SOCKET);

    if (file == NULL)
        return NULL;
    /* In the child of a process that runs the stack, what was not decided yet is the kernel's. */
    if (file->side == GZ_KERNEL_SIDE || (gz_process.detached && file->side == GZ_UNDECIDED)) {
        gz_file_to_kernel(fd, file);
        return NULL;
    }
    return file;
}

struct gz_file *gz_socket_at(int fd)
{
    if (gz_process.forker != 0)
        gz_part(false);
    struct gz_file *file = gz_socket_named(fd);

    if (file != NULL && file->model != NULL)
        gz_revive(file);
    return file;
}

long gz_ready_to_use(const struct gz_file *file)
{
    long claimed;

    if (gz_detached(file))
        return -ECONNABORTED;
    if (atomic_load(&gz_current->shared->poisoned))
        return -ECONNRESET;
    claimed = gz_claim();
    return claimed;
}

/* GAZELLE_THREAD_NAME: only threads whose name contains it use the stack. */
static bool thread_selected(struct gz_thread *thread)
{
    const char *wanted = getenv("GAZELLE_THREAD_NAME");
    char name[32] = "";

    if (thread->selected < 0) {
        pthread_getname_np(pthread_self(), name, sizeof(name));
        thread->selected = wanted == NULL || *wanted == 0 || strstr(name, wanted) != NULL;
    }
    return thread->selected != 0;
}

static bool type_supported(int domain, int type, int protocol)
{
    if (domain != AF_INET && domain != AF_INET6)
        return false;
    if (type == SOCK_STREAM)
        return protocol == 0 || protocol == IPPROTO_TCP;
    return type == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP);
}

/* Why the kernel gets a socket although its type is right; -1: the stack gets it. */
static int excluded(struct gz_thread *thread, int type)
{
    pid_t owner = atomic_load(&gz_current->shared->owner);

    if (gz_process.failed)
        return GZ_FALLBACK_STACK_FAILED;
    if (gz_process.detached || atomic_load(&gz_current->shared->poisoned) ||
        (owner != 0 && owner != getpid()))
        return GZ_FALLBACK_EXCLUDED;
    if (!thread_selected(thread) || (type == SOCK_DGRAM && gz_process.config.udp_enable == 0))
        return GZ_FALLBACK_EXCLUDED;
    return -1;
}

long gz_socket(int domain, int type, int protocol)
{
    int plain = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (!type_supported(domain, plain, protocol))
        return GZ_KERNEL;
    GZ_ENTER(thread, -1);
    if (gz_process.forker != 0)
        gz_part(false);
    int why = excluded(thread, plain);
    struct gz_file *file = NULL;
    int32_t handle = -1;
    int fd = -1;

    if (why < 0) {
        if (gz_region_create() == 0)
            handle = (int32_t)w2c_stack_socketOpen(
                &gz_current->module, domain == AF_INET6 ? 6 : 4, (u32)plain);
        file = handle < 0 ? NULL : gz_file_new(GZ_KIND_SOCKET);
        if (file == NULL)
            why = GZ_FALLBACK_NO_MEMORY;
        else
            fd = socket(domain, type, protocol);
    }
    if (why >= 0) {
        gz_count_fallback((uint32_t)why);
        GZ_LEAVE(thread);
        return GZ_KERNEL;
    }
    int reason = errno;

    if (fd < 0) {
        w2c_stack_socketClose(&gz_current->module, (u32)handle, gz_now());
        gz_file_free(file);
        GZ_LEAVE(thread);
        return -reason;
    }
    file->handle = handle;
    file->nonblocking = (type & SOCK_NONBLOCK) != 0;
    file->datagram = plain == SOCK_DGRAM;
    file->v6 = domain == AF_INET6;
    gz_reference(handle, 1);
    gz_file_attach(fd, file);
    GZ_LEAVE(thread);
    return fd;
}

/* A socket that was not bound listens on any address, at a port that the kernel chooses for both. */
static long listen_unbound(int fd, struct gz_file *file, int backlog)
{
    struct sockaddr_storage storage;
    struct sockaddr *address = (struct sockaddr *)&storage;
    socklen_t length = sizeof(storage);
    struct gz_address bound;

    if (listen(fd, backlog) != 0 || getsockname(fd, address, &length) != 0)
        return -errno;
    if (gz_address_from(&bound, address, length, file->v6) != 0)
        return -EINVAL;
    gz_endpoint_put(&bound);
    long result = (int32_t)w2c_stack_socketBind(&gz_current->module, (u32)file->handle);

    if (result == 0)
        gz_settle(fd, file, GZ_BOTH, 0);
    return result;
}

long gz_listen(int fd, int backlog)
{
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;

    if (file != NULL && !file->datagram) {
        result = 0;
        if (atomic_load(&gz_current->shared->poisoned))
            result = -ECONNRESET;
        else if (file->side == GZ_UNDECIDED)
            result = listen_unbound(fd, file, backlog);
        else if (file->side == GZ_BOTH && listen(fd, backlog) != 0)
            result = -errno;
        if (result == 0)
            result = (int32_t)w2c_stack_socketListen(&gz_current->module, (u32)file->handle, (u32)backlog);
        if (result == 0)
            file->listening = true;
        if (result == 0 && gz_process.stacks > 1 && gz_process.config.listen_shadow != 0)
            result = gz_shadows_listen(thread, file);
    }
    GZ_LEAVE(thread);
    return result;
}

long gz_shutdown(int fd, int how)
{
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;

    if (file != NULL && file->side != GZ_UNDECIDED) {
        result = gz_ready_to_use(file);
        if (result == 0)
            result =
                (int32_t)w2c_stack_socketShutdown(&gz_current->module, (u32)file->handle, (u32)how, gz_now());
        if (result == 0)
            gz_flush(gz_now());
        if (file->side == GZ_BOTH)
            shutdown(fd, how);
    }
    GZ_LEAVE(thread);
    return result;
}

long gz_name(int fd, struct sockaddr *address, socklen_t *length, int peer)
{
    struct gz_address found;

    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;
    /* Both halves have the same name; the kernel knows it without a look into the region. */
    bool kernel = file == NULL || file->side == GZ_UNDECIDED;

    if (!kernel) {
        if (atomic_load(&gz_current->shared->poisoned))
            result = -ECONNRESET;
        else
            result = (int32_t)w2c_stack_socketName(&gz_current->module, (u32)file->handle, (u32)peer);
        if (result == 0) {
            gz_endpoint_get(&found);
            result = gz_address_to(&found, file->v6, address, length);
        }
    }
    GZ_LEAVE(thread);
    return result;
}
