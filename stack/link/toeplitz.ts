import { loadBig32 } from "../wire/bytes";

/**
 * The Toeplitz hash by which network cards spread what they receive over their queues (Microsoft, "RSS
 * hashing types" and "Verifying the RSS hash calculation"): for each bit of the input that is 1, from the
 * first byte's highest on, the 32 bits of the key from the same place on are added without carry.
 */

/** The 32 bits of a key from bit `at` on; it can be read for eight bytes from there. */
function keyWindow(key: usize, at: u32): u32 {
  const byte = key + (at >> 3);
  const bits = ((<u64>loadBig32(byte)) << 32) | loadBig32(byte + 4);
  return <u32>((bits << (at & 7)) >> 32);
}

/**
 * What a part of the input adds to the hash: the lowest `bits` of `value`, which are the input's from bit
 * `at` on. Parts are put together by XOR.
 */
export function toeplitz(key: usize, at: u32, value: u64, bits: u32): u32 {
  let hash: u32 = 0;
  for (let i: u32 = 0; i < bits; i++) {
    if (((value >> (bits - 1 - i)) & 1) != 0) hash ^= keyWindow(key, at + i);
  }
  return hash;
}
