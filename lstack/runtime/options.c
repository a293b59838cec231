/*
 * getsockopt and setsockopt: the stack knows what an option means; time limits of blocking calls are the
 * shell's.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "calls.h"
#include "stack.h"
#include "user_memory.h"

static uint64_t *limit_of(struct gz_file *file, int level, int name)
{
    if (level != SOL_SOCKET)
        return NULL;
    if (name == SO_RCVTIMEO)
        return &file->receive_limit;
    return name == SO_SNDTIMEO ? &file->send_limit : NULL;
}

static long set_limit(uint64_t *limit, const void *value, socklen_t length)
{
    struct timeval time;

    if (length < sizeof(time))
        return -EINVAL;
    if (!gz_copy(&time, value, sizeof(time)))
        return -EFAULT;
    if (time.tv_usec < 0 || time.tv_usec >= 1000000)
        return -EDOM;
    *limit = time.tv_sec < 0 ? 0 : (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
    return 0;
}

/* Writes the first bytes of an option's value, as many as there is room for, and how many they are. */
static long answer(const void *found, socklen_t size, void *value, socklen_t *length)
{
    if (size > *length)
        size = *length;
    return gz_copy(value, found, size) && gz_copy(length, &size, sizeof(size)) ? 0 : -EFAULT;
}

static long get_limit(uint64_t limit, void *value, socklen_t *length)
{
    struct timeval time = { .tv_sec = (time_t)(limit / 1000000), .tv_usec = (suseconds_t)(limit % 1000000) };

    return answer(&time, sizeof(time), value, length);
}

static long set_in_stack(struct gz_file *file, int level, int name, const void *value, socklen_t length)
{
    if ((int)length < 0)
        return -EINVAL;
    if (length > GZ_CALL_OPTION_SIZE)
        length = GZ_CALL_OPTION_SIZE;
    if (length > 0 && !gz_copy(gz_at(GZ_CALL_OPTION), value, length))
        return -EFAULT;
    return (int32_t)w2c_stack_socketOptionSet(
        &gz_current->module, (u32)file->handle, (u32)level, (u32)name, length, gz_now());
}

static void remember(struct gz_file *file, int level, int name, const void *value, socklen_t length)
{
    int number;

    if (level != IPPROTO_IPV6 || name != IPV6_V6ONLY || length < sizeof(number))
        return;
    memcpy(&number, value, sizeof(number));
    file->v6_only = number != 0;
}

long gz_option_set(int fd, int level, int name, const void *value, socklen_t length)
{
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;

    if (file != NULL && atomic_load(&gz_current->shared->poisoned)) {
        result = -ECONNRESET;
    } else if (file != NULL) {
        uint64_t *limit = limit_of(file, level, name);
        bool both = file->side != GZ_STACK;

        result = limit != NULL ? set_limit(limit, value, length)
                               : set_in_stack(file, level, name, value, length);
        /*
         * Until it is decided, and as long as it serves both, the kernel's socket gets the option too, and
         * the last word.
         */
        if (both)
            result = setsockopt(fd, level, name, value, length) != 0 ? -errno : 0;
        if (result == 0)
            remember(file, level, name, value, length);
        if (result == 0 && file->everywhere)
            gz_shadows_follow(thread, file);
    }
    GZ_LEAVE(thread);
    return result;
}

static long get_from_stack(struct gz_file *file, int level, int name, void *value, socklen_t *length)
{
    if ((int)*length < 0)
        return -EINVAL;
    int32_t found = (int32_t)w2c_stack_socketOptionGet(&gz_current->module, (u32)file->handle, (u32)level,
        (u32)name, *length < GZ_CALL_OPTION_SIZE ? *length : GZ_CALL_OPTION_SIZE, gz_now());

    if (found < 0)
        return found;
    if ((uint32_t)found > GZ_CALL_OPTION_SIZE || (uint32_t)found > *length)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    return answer(gz_at(GZ_CALL_OPTION), (socklen_t)found, value, length);
}

long gz_option_get(int fd, int level, int name, void *value, socklen_t *length)
{
    GZ_ENTER(thread, fd);
    struct gz_file *file = gz_socket_at(fd);
    long result = GZ_KERNEL;

    if (file != NULL && file->side != GZ_UNDECIDED) {
        uint64_t *limit = limit_of(file, level, name);
        socklen_t room;

        if (atomic_load(&gz_current->shared->poisoned))
            result = -ECONNRESET;
        else if (!gz_copy(&room, length, sizeof(room)))
            result = -EFAULT;
        else
            result = limit != NULL ? get_limit(*limit, value, length)
                                   : get_from_stack(file, level, name, value, length);
    }
    GZ_LEAVE(thread);
    return result;
}
