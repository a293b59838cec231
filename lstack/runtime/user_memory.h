/* The application's memory: it may not be there, and then a call answers EFAULT as the kernel's do. */
#ifndef GZ_USER_MEMORY_H
#define GZ_USER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Copies between memory of the application and ours; false when a part of it cannot be accessed. */
bool gz_copy(void *to, const void *from, size_t length);
/*
 * Called by the handler of faults: comes back when no copy was interrupted, or when the fault is in the
 * stack's own memory (`ours`), which is damaged then.
 */
void gz_copy_faulted(bool ours);

#endif
