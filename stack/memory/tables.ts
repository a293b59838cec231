/** Laying tables out in a region. */

/** The smallest power of two that is no less than `value`. */
export function powerOfTwoAtLeast(value: u32): u32 {
  return value <= 1 ? 1 : (<u32>1) << (32 - clz<u32>(value - 1));
}

/** The next address that begins a line of the cache. */
export function aligned(address: usize): usize {
  return (address + 63) & ~(<usize>63);
}

/** A table of `entries` references at `base`, all null; answers the address behind it. */
export function tableLayOut(base: usize, entries: u32): usize {
  memory.fill(base, 0, (<usize>entries) << 2);
  return aligned(base + ((<usize>entries) << 2));
}
