/** Comparisons of sequence numbers, modulo 2^32 (RFC 9293, section 3.4). */

/** a < b */
export function before(a: u32, b: u32): bool {
  return <i32>(a - b) < 0;
}

/** a <= b */
export function beforeOrAt(a: u32, b: u32): bool {
  return <i32>(a - b) <= 0;
}

/** a > b */
export function after(a: u32, b: u32): bool {
  return <i32>(a - b) > 0;
}

/** The later of two. */
export function latest(a: u32, b: u32): u32 {
  return after(a, b) ? a : b;
}

/** The earlier of two. */
export function earliest(a: u32, b: u32): u32 {
  return before(a, b) ? a : b;
}
