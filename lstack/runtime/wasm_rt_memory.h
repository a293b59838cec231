/* Private linear memory for a module that is not the stack. */
#ifndef GZ_WASM_RT_MEMORY_H
#define GZ_WASM_RT_MEMORY_H

#include "wasm-rt.h"

/*
 * Maps a memory of a fixed size (a multiple of 64 KiB, at most 4 GiB) at the start of a window of 8 GiB
 * without access. Pages cost nothing until they are touched. Returns 0, or -1 with errno set.
 */
int gz_wasm_memory_map(wasm_rt_memory_t *memory, uint64_t size);

/* Gives the whole window back. */
void gz_wasm_memory_unmap(wasm_rt_memory_t *memory);

#endif
