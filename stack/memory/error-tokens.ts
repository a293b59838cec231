/** ICMP errors a second, and at once (RFC 1812, section 4.3.2.8, a token bucket). */
const RATE: u64 = 1000;
const BURST: u32 = 50;

/** The token bucket of ICMP errors: a root extends it. */
@unmanaged
export class ErrorTokens {
  icmpTokens: u32;
  icmpRefilled: u64;
}

/** Takes a token at time `now` in microseconds; false when the limit is reached. */
export function errorTokenTake(t: ErrorTokens, now: u64): bool {
  const interval: u64 = 1_000_000 / RATE;
  const earned = (now - t.icmpRefilled) / interval;
  if (t.icmpRefilled == 0 || earned >= BURST) {
    t.icmpTokens = BURST;
    t.icmpRefilled = now;
  } else if (earned > 0) {
    t.icmpTokens = min(t.icmpTokens + <u32>earned, BURST);
    t.icmpRefilled += earned * interval;
  }
  if (t.icmpTokens == 0) return false;
  t.icmpTokens--;
  return true;
}
