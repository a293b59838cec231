/* The kernel's device (kernel.c). */
#ifndef GZ_KERNEL_H
#define GZ_KERNEL_H

#include <stddef.h>

/* Makes it, if kni_switch asks for it; the wire is open, the lock held. 0, or -1 and a message. */
int gz_kernel_start(char *message, size_t size);
/* The process ends: takes away what does not go with it. The lock is held. */
void gz_kernel_end(void);

#endif
