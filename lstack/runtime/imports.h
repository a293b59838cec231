/*
 * What ring/env.ts declares: the only accesses to memory that another process changes at the same time. The
 * build puts this file in front of a module's generated code and makes the imports' calls into calls of
 * these functions (scripts/build/hoist-memory.ts): nothing of a call is left, no shell has to define them.
 */
#ifndef GZ_IMPORTS_H
#define GZ_IMPORTS_H

#include "wasm-rt.h"

static inline __attribute__((always_inline)) uint32_t gz_env_loadAcquire16(const wasm_rt_memory_t *memory,
    uint32_t address)
{
    return __atomic_load_n((const uint16_t *)(memory->data + address), __ATOMIC_ACQUIRE);
}

static inline __attribute__((always_inline)) void gz_env_storeRelease16(const wasm_rt_memory_t *memory,
    uint32_t address, uint32_t value)
{
    __atomic_store_n((uint16_t *)(memory->data + address), (uint16_t)value, __ATOMIC_RELEASE);
}

static inline __attribute__((always_inline)) uint64_t gz_env_loadOnce64(const wasm_rt_memory_t *memory,
    uint32_t address)
{
    return __atomic_load_n((const uint64_t *)(memory->data + address), __ATOMIC_RELAXED);
}

static inline __attribute__((always_inline)) void gz_env_fullFence(const wasm_rt_memory_t *memory)
{
    (void)memory;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
