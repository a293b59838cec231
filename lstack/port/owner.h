/* Whether an address of the stack is the kernel's, too. */
#ifndef GZ_OWNER_H
#define GZ_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True, with a message that says what mends it: two owners of one address would both answer. */
bool gz_kernel_owns(const uint8_t address[4], char *message, size_t size);

#endif
