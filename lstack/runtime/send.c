/* Sending: plan, copy, commit; and when frames leave. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "address.h"
#include "calls.h"
#include "spans.h"
#include "stack.h"
#include "user_memory.h"
#include "wait.h"

/*
 * A reply leaves at once when it answers the only event of the thread's last wait. Several are put off until
 * all are answered, so that one system call takes their frames: the next wait sends them, or the keeper's
 * tick.
 */
static void transmit(struct gz_thread *thread)
{
    if (thread->batch > 1 && gz_current->poller == NULL && gz_keeper_ticks()) {
        thread->batch--;
        gz_current->deferred = true;
        return;
    }
    thread->batch = 0;
    gz_flush(gz_now());
    /* Others may wait for what has arrived meanwhile. */
    if (gz_current->poller == NULL && gz_others_sleep() && gz_due(gz_now()))
        gz_run();
}

/* Sends `total` bytes, or as many as there is room for. */
static long send_bytes(struct gz_file *file, struct gz_cursor *from, size_t total, int flags)
{
    w2c_stack *module = &gz_current->module;
    size_t sent = 0;

    do {
        uint32_t wanted = total - sent > INT32_MAX ? INT32_MAX : (uint32_t)(total - sent);
        uint64_t now = gz_now();
        int32_t planned =
            (int32_t)w2c_stack_socketSendPlan(module, (u32)file->handle, wanted, (u32)flags, now);

        if (planned < 0)
            return sent > 0 ? (long)sent : planned;
        uint32_t part = (uint32_t)planned < wanted ? (uint32_t)planned : wanted;
        struct gz_cursor start = *from;
        uint32_t filled = gz_spans_fill(from, part);

        if (filled < part && (filled == 0 || file->datagram)) {
            w2c_stack_socketSendCancel(module, (u32)file->handle);
            return sent > 0 ? (long)sent : -EFAULT;
        }
        part = filled;
        u32 more = (u32)flags | (sent + part < total ? MSG_MORE : 0);
        int32_t taken = (int32_t)w2c_stack_socketSendCommit(module, (u32)file->handle, part, more, now);

        if (taken < 0) {
            /* What was not taken is sent again, by whoever waits for room. */
            *from = start;
            return sent > 0 ? (long)sent : taken;
        }
        sent += part;
        if (part == 0 || from->fault)
            break;
    } while (sent < total && !file->datagram);
    return (long)sent;
}

/* Control messages go to the stack as they are. */
static long give_control(const struct msghdr *message)
{
    size_t length = message->msg_control == NULL ? 0 : message->msg_controllen;

    if (length > GZ_CALL_CONTROL_SIZE)
        return -ENOBUFS;
    if (length > 0 && !gz_copy(gz_at(GZ_CALL_CONTROL), message->msg_control, length))
        return -EFAULT;
    gz_put32(GZ_CALL + GZ_CALL_CONTROL_ROOM, (uint32_t)length);
    return 0;
}

/*
 * A datagram's destination: GZ_KERNEL when the kernel serves it, else 0 with the endpoint in the call area.
 */
static long direct(int fd, struct gz_file *file, const struct msghdr *message)
{
    struct gz_address to;
    long result;

    gz_put32(GZ_CALL + GZ_CALL_ENDPOINT_GIVEN, 0);
    if (!file->datagram)
        return 0;
    if (message->msg_name == NULL || message->msg_namelen == 0)
        return give_control(message);
    result = gz_address_from(&to, message->msg_name, message->msg_namelen, file->v6);
    if (result != 0)
        return result;
    if (file->side != GZ_STACK && gz_address_kernel(&to))
        return GZ_KERNEL;
    if (file->side == GZ_UNDECIDED)
        gz_settle(fd, file, GZ_BOTH, 0);
    gz_endpoint_put(&to);
    return give_control(message);
}

static long send_waiting(struct gz_thread *thread, int fd, struct gz_file *file,
    const struct msghdr *message, int flags)
{
    uint64_t deadline = file->send_limit != 0 ? gz_now() + file->send_limit : GZ_NEVER;
    struct gz_cursor from = { .pieces = message->msg_iov, .count = message->msg_iovlen };
    long total = gz_pieces_length(message->msg_iov, message->msg_iovlen), done = 0;
    bool wait = !file->nonblocking && (flags & MSG_DONTWAIT) == 0;

    if (total < 0)
        return total;
    for (;;) {
        long result = send_bytes(file, &from, (size_t)(total - done), flags);

        if (result >= 0)
            done += result;
        if (result >= 0 && (done == total || file->datagram || from.fault))
            break;
        if (result < 0 && result != -EAGAIN)
            return done > 0 ? done : result;
        gz_flush(gz_now());
        if (!wait)
            return done > 0 ? done : -EAGAIN;
        result = gz_wait_socket(thread, file, fd, EPOLLOUT, deadline);
        if (result != 0)
            return done > 0 ? done : result;
        result = direct(fd, file, message);
        if (result != 0)
            return result;
    }
    transmit(thread);
    return done;
}

static long send_once(int fd, const struct msghdr *message, int flags)
{
    long result;

    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    bool kernel = file == NULL || (file->side == GZ_UNDECIDED && !file->datagram);

    result = kernel ? GZ_KERNEL : 0;
    bool undecided = result == 0 && file->side == GZ_UNDECIDED;

    if (result == 0 && !undecided)
        result = gz_ready_to_use(file);
    if (result == 0)
        result = direct(fd, file, message);
    /* Whoever registers with ltran now needs the call area himself. */
    if (result == 0 && undecided && (result = gz_ready_to_use(file)) == 0)
        result = direct(fd, file, message);
    if (result == 0) {
        gz_file_enter(thread, file);
        result = send_waiting(thread, fd, file, message, flags);
    }
    bool pipe = result == -EPIPE && (flags & MSG_NOSIGNAL) == 0 && !file->datagram;

    gz_file_leave(thread);
    GZ_LEAVE(thread);
    if (pipe)
        pthread_kill(pthread_self(), SIGPIPE);
    return result;
}

long gz_send(int fd, const struct msghdr *message, int flags)
{
    GZ_RESTARTING(send_once(fd, message, flags));
}
