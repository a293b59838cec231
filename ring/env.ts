/**
 * What the module's surroundings provide for memory that another process changes at the same time. The
 * compiler takes a declared function as an import from the module that is named like its file: "env",
 * "loadAcquire16". In native code these are inlined (lstack/runtime/imports.h), in Node plain accesses
 * (sim/imports.ts).
 */

/** The 16-bit word at `address`, a multiple of 2: no later access happens before it. */
export declare function loadAcquire16(address: usize): u32;

/** Stores the low 16 bits of `value` at `address`, a multiple of 2: no earlier access happens after it. */
export declare function storeRelease16(address: usize, value: u32): void;

/**
 * The 64-bit word at `address`, a multiple of 8, read exactly once: a compiler may read plain memory again
 * where it runs short of registers, and find something else there.
 */
export declare function loadOnce64(address: usize): u64;

/** Every earlier store is visible to others before any later load. */
export declare function fullFence(): void;
