/**
 * Two token buckets, one counts packets, the other bits. A packet may go while both hold something, and is
 * paid for with what it turned out to need, so a bucket may fall below zero and the average is exact.
 */

/** Unused allowance is kept for this long: it bounds a burst, and lets a sleeper oversleep. */
const BURST_US: u64 = 10_000;
/** Longest time without any packet that is counted; keeps the products below 63 bits. */
const ELAPSED_MOST_US: u64 = 1_000_000_000;
/** Tokens of one packet: a rate in packets per second yields its number of them per microsecond. */
const PACKET_TOKENS: i64 = 1_000_000;

/** A rate limit and what is left of it. */
@unmanaged
export class TokenBuckets {
  /** What may be sent: 10^6 for a packet, 1 for a bit; as of `rateFilled`. */
  packetTokens: i64;
  bitTokens: i64;
  rateFilled: u64;
  /** The limits, per second: packets, and 10^6 bits; 0: none. */
  ratePackets: u32;
  rateMegabits: u32;
  /** Something was refused since a packet was last allowed. */
  rateWaits: u32;
}

/**
 * Limits to `packets` per second and `megabits` (10^6 bits, from the Ethernet header on) per second from
 * `now` on; 0: no limit.
 */
export function bucketsSet(b: TokenBuckets, packets: u32, megabits: u32, now: u64): void {
  const packetsMost = <i64>(BURST_US * packets);
  const bitsMost = <i64>(BURST_US * megabits);
  // A limit that is set again gives nothing away.
  if (bucketsLimit(b)) refill(b, now);
  b.packetTokens = b.ratePackets == 0 ? packetsMost : min(b.packetTokens, packetsMost);
  b.bitTokens = b.rateMegabits == 0 ? bitsMost : min(b.bitTokens, bitsMost);
  b.ratePackets = packets;
  b.rateMegabits = megabits;
  b.rateFilled = now;
  b.rateWaits = 0;
}

/** Whether there is a limit. */
function bucketsLimit(b: TokenBuckets): bool {
  return (b.ratePackets | b.rateMegabits) != 0;
}

function refill(b: TokenBuckets, now: u64): void {
  if (now <= b.rateFilled) return;
  const elapsed = min(now - b.rateFilled, ELAPSED_MOST_US);
  b.packetTokens = min(b.packetTokens + <i64>(elapsed * b.ratePackets), <i64>(BURST_US * b.ratePackets));
  b.bitTokens = min(b.bitTokens + <i64>(elapsed * b.rateMegabits), <i64>(BURST_US * b.rateMegabits));
  b.rateFilled = now;
}

/** Whether a packet may be sent now. */
export function bucketsAllow(b: TokenBuckets, now: u64): bool {
  if (!bucketsLimit(b)) return true;
  refill(b, now);
  const allowed = (b.ratePackets == 0 || b.packetTokens > 0) && (b.rateMegabits == 0 || b.bitTokens > 0);
  b.rateWaits = allowed ? 0 : 1;
  return allowed;
}

/** Pays for `packets` on the wire, of `bytes` altogether. */
export function bucketsPay(b: TokenBuckets, packets: u32, bytes: u32): void {
  if (!bucketsLimit(b)) return;
  b.packetTokens -= PACKET_TOKENS * packets;
  b.bitTokens -= 8 * <i64>bytes;
}

/** Microseconds until a bucket that gains `rate` tokens in each holds something. */
function untilPositive(tokens: i64, rate: u32): u64 {
  return rate == 0 || tokens > 0 ? 0 : <u64>-tokens / rate + 1;
}

/** When what was refused may go; u64.MAX_VALUE when nothing was. */
export function bucketsDeadline(b: TokenBuckets): u64 {
  if (!bucketsLimit(b) || b.rateWaits == 0) return u64.MAX_VALUE;
  return (
    b.rateFilled +
    max(untilPositive(b.packetTokens, b.ratePackets), untilPositive(b.bitTokens, b.rateMegabits))
  );
}
