import { root } from "../memory/root";

/** Mixes a word thoroughly (the finaliser of SplitMix64). */
export function mix(word: u64): u64 {
  let z = word;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/**
 * The next pseudo-random word (xoroshiro128+); seeded by create(), so that a run can be repeated. Not for
 * secrets.
 */
export function random(): u64 {
  const r = root();
  const a = r.random0;
  let b = r.random1;
  const result = a + b;
  b ^= a;
  r.random0 = rotl<u64>(a, 24) ^ b ^ (b << 16);
  r.random1 = rotl<u64>(b, 37);
  return result;
}

/** A pseudo-random number in 0..bound-1. */
export function randomBelow(bound: u32): u32 {
  return <u32>(((random() >> 32) * bound) >> 32);
}
