#include "user_memory.h"

#include <stdatomic.h>
#include <string.h>

/*
 * Where the copy that this thread is doing goes on when it faults: frame, place and stack; in use: copying.
 */
static __thread void *resume[5] __attribute__((tls_model("initial-exec")));
static __thread volatile bool copying __attribute__((tls_model("initial-exec")));

__attribute__((noinline)) bool gz_copy(void *to, const void *from, size_t length)
{
    if (__builtin_setjmp(resume) != 0)
        return false;
    copying = true;
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(to, from, length);
    atomic_signal_fence(memory_order_seq_cst);
    copying = false;
    return true;
}

void gz_copy_faulted(bool ours)
{
    bool interrupted = copying;

    copying = false;
    if (interrupted && !ours)
        __builtin_longjmp(resume, 1);
}
