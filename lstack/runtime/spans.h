/* Copies between the application's buffers and the spans of a plan. */
#ifndef GZ_SPANS_H
#define GZ_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* A place in a list of buffers. */
struct gz_cursor {
    const struct iovec *pieces;
    size_t count;
    size_t piece;
    size_t offset;
    /* The last copy ended in memory that is not there. */
    bool fault;
};

/* The bytes of a list of buffers; -EFAULT when it cannot be read, -EINVAL when they are too many. */
long gz_pieces_length(const struct iovec *pieces, size_t count);
/*
 * Copies `length` bytes into the spans of the plan in the call area; answers how many: less when the
 * application's memory is not there.
 */
uint32_t gz_spans_fill(struct gz_cursor *from, uint32_t length);
/* Copies at most `length` bytes out of them; answers how many there were, or could be copied: `fault`. */
uint32_t gz_spans_empty(struct gz_cursor *to, uint32_t length);

#endif
