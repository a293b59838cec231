/*
 * Waking a client by an eventfd that it owns too. A write would wait if the client had filled the counter and
 * taken O_NONBLOCK away; the kernel's own signal at the end of an asynchronous read never waits.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forwarder.h"

static aio_context_t queue;
static int zeros = -1;

static bool prepare(void)
{
    if (zeros < 0 && syscall(SYS_io_setup, 1, &queue) == 0)
        zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    return zeros >= 0;
}

void gz_kick_eventfd(int fd)
{
    static uint8_t byte;
    struct iocb request = {
        .aio_lio_opcode = IOCB_CMD_PREAD,
        .aio_buf = (uintptr_t)&byte,
        .aio_nbytes = 1,
        .aio_flags = IOCB_FLAG_RESFD,
        .aio_resfd = (uint32_t)fd,
    };
    struct iocb *list[] = { &request };
    struct io_event done;

    if (!prepare())
        return;
    request.aio_fildes = (uint32_t)zeros;
    if (syscall(SYS_io_submit, queue, 1, list) == 1)
        syscall(SYS_io_getevents, queue, 1, 1, &done, NULL);
}
