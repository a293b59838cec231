/* Receiving: plan, copy, commit. */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "address.h"
#include "calls.h"
#include "spans.h"
#include "stack.h"
#include "user_memory.h"
#include "wait.h"

/* Tells the stack how much room there is for control messages. */
static void offer_control(const struct msghdr *message)
{
    size_t room = message->msg_control == NULL ? 0 : message->msg_controllen;
    struct timespec now;

    gz_put32(GZ_CALL + GZ_CALL_CONTROL_ROOM,
        room > GZ_CALL_CONTROL_SIZE ? GZ_CALL_CONTROL_SIZE : (uint32_t)room);
    if (room == 0)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gz_put64(GZ_CALL + GZ_CALL_TIME_OF_DAY, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
}

/* Copies source address and control messages out: 0 or -errno. */
static long take_message(struct gz_file *file, struct msghdr *message)
{
    struct gz_address from;
    uint32_t length = gz_get32(GZ_CALL + GZ_CALL_CONTROL_LENGTH);

    if (length > GZ_CALL_CONTROL_SIZE || (length > 0 && length > message->msg_controllen))
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    message->msg_flags = (int)gz_get32(GZ_CALL + GZ_CALL_MESSAGE_FLAGS);
    /* As in Linux: who cannot be told is not told. */
    if (length > 0 && !gz_copy(message->msg_control, gz_at(GZ_CALL_CONTROL), length))
        length = 0;
    message->msg_controllen = length;
    if (message->msg_name == NULL)
        return 0;
    gz_endpoint_get(&from);
    return gz_address_to(&from, file->v6, message->msg_name, &message->msg_namelen);
}

/* One datagram. */
static long receive_datagram(
    struct gz_file *file, struct msghdr *message, struct gz_cursor *to, size_t room, int flags)
{
    w2c_stack *module = &gz_current->module;
    uint32_t wanted = room > UINT16_MAX ? UINT16_MAX : (uint32_t)room;
    uint64_t now = gz_now();

    offer_control(message);
    int32_t planned =
        (int32_t)w2c_stack_socketReceivePlan(module, (u32)file->handle, wanted, (u32)flags, 0, now);

    if (planned < 0)
        return planned;
    uint32_t copied = gz_spans_empty(to, wanted);
    uint32_t full = (uint32_t)gz_get64(GZ_CALL + GZ_CALL_VALUE);
    long told = to->fault ? -EFAULT : take_message(file, message);

    w2c_stack_socketReceiveCommit(module, (u32)file->handle, copied, (u32)flags, now);
    if (told != 0)
        return told;
    return (flags & MSG_TRUNC) != 0 ? (long)full : (long)copied;
}

/* Whether recv of nothing would wait: it answers as any other, without taking anything. */
static long receive_nothing(struct gz_file *file)
{
    int32_t planned = (int32_t)w2c_stack_socketReceivePlan(
        &gz_current->module, (u32)file->handle, 1, MSG_PEEK, 0, gz_now());

    return planned < 0 ? planned : 0;
}

/* A part of a stream that was planned; answers the bytes that found their place. */
static uint32_t copy_part(struct gz_cursor *to, uint32_t length)
{
    uint32_t done = gz_spans_empty(to, length);

    if (done != length && !to->fault)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    return done;
}

/* Bytes of a stream that are there: up to `room` of them. */
static long receive_bytes(struct gz_file *file, struct gz_cursor *to, size_t room, size_t skip, int flags)
{
    w2c_stack *module = &gz_current->module;
    size_t done = 0;

    do {
        uint32_t wanted = room - done > INT32_MAX ? INT32_MAX : (uint32_t)(room - done);
        uint32_t offset = (flags & MSG_PEEK) != 0 ? (uint32_t)(skip + done) : 0;
        uint64_t now = gz_now();
        int32_t planned =
            (int32_t)w2c_stack_socketReceivePlan(module, (u32)file->handle, wanted, (u32)flags, offset, now);

        if (planned < 0)
            return done > 0 ? (long)done : planned;
        if (planned == 0)
            break;
        uint32_t part = (uint32_t)planned < wanted ? (uint32_t)planned : wanted;
        bool thrown_away = (flags & MSG_TRUNC) != 0;

        if (!thrown_away)
            part = copy_part(to, part);
        bool full_plan = thrown_away || gz_get32(GZ_CALL + GZ_CALL_SPAN_COUNT) == GZ_CALL_SPANS;

        w2c_stack_socketReceiveCommit(module, (u32)file->handle, part, (u32)flags, now);
        done += part;
        if (to->fault)
            return done > 0 ? (long)done : -EFAULT;
        if (!full_plan)
            break;
    } while (done < room);
    return (long)done;
}

/* What the kernel's half of a datagram socket has. */
static long receive_kernel(int fd, struct msghdr *message, int flags)
{
    ssize_t result = recvmsg(fd, message, flags | MSG_DONTWAIT);

    return result < 0 ? -errno : result;
}

static long receive_stream(
    struct gz_thread *thread, int fd, struct gz_file *file, struct msghdr *message, int flags)
{
    uint64_t deadline = file->receive_limit != 0 ? gz_now() + file->receive_limit : GZ_NEVER;
    struct gz_cursor to = { .pieces = message->msg_iov, .count = message->msg_iovlen };
    long length = gz_pieces_length(message->msg_iov, message->msg_iovlen);
    size_t room = (size_t)length, done = 0;
    bool wait = !file->nonblocking && (flags & MSG_DONTWAIT) == 0, looked = false;

    if (length < 0)
        return length;
    message->msg_namelen = 0;
    message->msg_controllen = 0;
    message->msg_flags = 0;
    for (;;) {
        long result = room == 0 ? receive_nothing(file) : receive_bytes(file, &to, room - done, done, flags);

        if (result > 0)
            done += (size_t)result;
        bool enough = (flags & MSG_WAITALL) == 0 || !wait || to.fault;

        if (result == 0 || (done == room && room > 0) || (done > 0 && enough))
            return (long)done;
        if (result < 0 && result != -EAGAIN)
            return done > 0 ? (long)done : result;
        if (!looked && gz_due(gz_now())) {
            looked = true;
            gz_run();
            continue;
        }
        if (!wait)
            return -EAGAIN;
        result = gz_wait_socket(thread, file, fd, EPOLLIN | EPOLLRDHUP, deadline);
        if (result != 0)
            return done > 0 ? (long)done : result;
    }
}

static long receive_packet(
    struct gz_thread *thread, int fd, struct gz_file *file, struct msghdr *message, int flags)
{
    uint64_t deadline = file->receive_limit != 0 ? gz_now() + file->receive_limit : GZ_NEVER;
    long room = gz_pieces_length(message->msg_iov, message->msg_iovlen);
    bool wait = !file->nonblocking && (flags & MSG_DONTWAIT) == 0;

    if (room < 0)
        return room;
    for (;;) {
        struct gz_cursor to = { .pieces = message->msg_iov, .count = message->msg_iovlen };
        long result = receive_datagram(file, message, &to, (size_t)room, flags);

        if (result == -EAGAIN && gz_due(gz_now())) {
            gz_run();
            result = receive_datagram(file, message, &to, (size_t)room, flags);
        }
        if (result == -EAGAIN && file->side != GZ_STACK)
            result = receive_kernel(gz_kernel_fd(file, fd), message, flags);
        if (result != -EAGAIN || !wait)
            return result;
        result = gz_wait_socket(thread, file, fd, EPOLLIN, deadline);
        if (result == 0 && file->side == GZ_KERNEL_SIDE)
            return GZ_KERNEL;
        if (result != 0)
            return result;
    }
}

/*
 * A datagram socket that neither side serves yet: who waits for what comes has to hear of the side that
 * another thread's connect() decides for, and so does not wait in the kernel.
 */
static bool waits_for_side(const struct gz_file *file, int flags)
{
    return file->side == GZ_UNDECIDED && file->datagram && !file->nonblocking &&
        (flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) == 0 && gz_ready_to_use(file) == 0;
}

static long receive_once(int fd, struct msghdr *message, int flags)
{
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;

    if (file != NULL && (file->side != GZ_UNDECIDED || waits_for_side(file, flags))) {
        result = gz_ready_to_use(file);
        gz_file_enter(thread, file);
        if (result == 0 && file->datagram)
            result = receive_packet(thread, fd, file, message, flags);
        else if (result == 0)
            result = receive_stream(thread, fd, file, message, flags);
        gz_file_leave(thread);
    }
    GZ_LEAVE(thread);
    return result;
}

long gz_receive(int fd, struct msghdr *message, int flags)
{
    GZ_RESTARTING(receive_once(fd, message, flags));
}
