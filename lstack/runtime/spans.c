#include "spans.h"

#include <errno.h>
#include <limits.h>

#include "stack.h"
#include "user_memory.h"

long gz_pieces_length(const struct iovec *pieces, size_t count)
{
    struct iovec piece;
    size_t total = 0;

    if (count > IOV_MAX)
        return -EMSGSIZE;
    for (size_t i = 0; i < count; i++) {
        if (!gz_copy(&piece, &pieces[i], sizeof(piece)))
            return -EFAULT;
        if (piece.iov_len > (size_t)LONG_MAX - total)
            return -EINVAL;
        total += piece.iov_len;
    }
    return (long)total;
}

/* The bytes that are left of the current buffer; 0 at the end of the list. */
static size_t left(struct gz_cursor *at)
{
    while (at->piece < at->count && at->offset == at->pieces[at->piece].iov_len) {
        at->piece++;
        at->offset = 0;
    }
    return at->piece < at->count ? at->pieces[at->piece].iov_len - at->offset : 0;
}

static uint8_t *here(const struct gz_cursor *at)
{
    return (uint8_t *)at->pieces[at->piece].iov_base + at->offset;
}

/* Moves up to `length` bytes between the list and the spans; answers how many. */
static uint32_t move(struct gz_cursor *at, uint32_t length, int fill)
{
    uint32_t spans = gz_get32(GZ_CALL + GZ_CALL_SPAN_COUNT), done = 0;

    if (spans > GZ_CALL_SPANS)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    for (uint32_t i = 0; i < spans && done < length; i++) {
        uint32_t span = GZ_CALL_SPAN + i * GZ_SPAN_SIZE;
        uint8_t *bytes = gz_at(gz_get32(span + GZ_SPAN_ADDRESS));
        uint32_t room = gz_get32(span + GZ_SPAN_LENGTH);

        while (room > 0 && done < length) {
            size_t part = left(at);

            if (part == 0)
                return done;
            if (part > room)
                part = room;
            if (part > length - done)
                part = length - done;
            at->fault = fill ? !gz_copy(bytes, here(at), part) : !gz_copy(here(at), bytes, part);
            if (at->fault)
                return done;
            at->offset += part;
            bytes += part;
            room -= (uint32_t)part;
            done += (uint32_t)part;
        }
    }
    return done;
}

uint32_t gz_spans_fill(struct gz_cursor *from, uint32_t length)
{
    uint32_t done = move(from, length, 1);

    if (done != length && !from->fault)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    return done;
}

uint32_t gz_spans_empty(struct gz_cursor *to, uint32_t length)
{
    return move(to, length, 0);
}
