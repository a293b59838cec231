import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";

/**
 * The rate limit of transmission: two token buckets, one counts packets, the other bits. A packet may go
 * while both hold something, and is paid for with what it turned out to need, so a bucket may fall below zero
 * and the average is exact. What TCP has to send waits in the output queue; a datagram is dropped. ARP never
 * waits, but is paid for.
 */

/** Unused allowance is kept for this long: it bounds a burst, and lets a sleeper oversleep. */
const BURST_US: u64 = 10_000;
/** Longest time without any packet that is counted; keeps the products below 63 bits. */
const ELAPSED_MOST_US: u64 = 1_000_000_000;
/** Tokens of one packet: a rate in packets per second yields its number of them per microsecond. */
const PACKET_TOKENS: i64 = 1_000_000;

/**
 * Limits all transmission to `packets` per second and `megabits` (10^6 bits, from the Ethernet header on) per
 * second from `now` on; 0: no limit.
 */
export function rateLimit(packets: u32, megabits: u32, now: u64): void {
  const r = root();
  r.ratePackets = packets;
  r.rateMegabits = megabits;
  r.packetTokens = <i64>(BURST_US * packets);
  r.bitTokens = <i64>(BURST_US * megabits);
  r.rateFilled = now;
  r.rateWaits = 0;
}

function isLimited(): bool {
  const r = root();
  return (r.ratePackets | r.rateMegabits) != 0;
}

function refill(): void {
  const r = root();
  if (r.now <= r.rateFilled) return;
  const elapsed = min(r.now - r.rateFilled, ELAPSED_MOST_US);
  r.packetTokens = min(r.packetTokens + <i64>(elapsed * r.ratePackets), <i64>(BURST_US * r.ratePackets));
  r.bitTokens = min(r.bitTokens + <i64>(elapsed * r.rateMegabits), <i64>(BURST_US * r.rateMegabits));
  r.rateFilled = r.now;
}

/** Whether a packet may be sent now. */
export function rateAllows(): bool {
  if (!isLimited()) return true;
  refill();
  const r = root();
  const allowed = (r.ratePackets == 0 || r.packetTokens > 0) && (r.rateMegabits == 0 || r.bitTokens > 0);
  if (!allowed && r.rateWaits == 0) count(Counter.txRateWaits);
  r.rateWaits = allowed ? 0 : 1;
  return allowed;
}

/** Whether a datagram may be sent now; if not, it is counted as dropped. */
export function rateAdmits(): bool {
  if (rateAllows()) return true;
  drop(DropReason.rateLimited);
  return false;
}

/** Why a slot for a packet that belongs to no queue was refused. */
export function unsentReason(): DropReason {
  return root().rateWaits != 0 ? DropReason.rateLimited : DropReason.txRingFull;
}

/** Pays for `packets` on the wire, of `bytes` altogether. */
export function ratePay(packets: u32, bytes: u32): void {
  if (!isLimited()) return;
  const r = root();
  r.packetTokens -= PACKET_TOKENS * packets;
  r.bitTokens -= 8 * <i64>bytes;
}

/** Microseconds until a bucket that gains `rate` tokens in each holds something. */
function untilPositive(tokens: i64, rate: u32): u64 {
  return rate == 0 || tokens > 0 ? 0 : <u64>-tokens / rate + 1;
}

/** When output that waits may go on; u64.MAX_VALUE when nothing waits for the rate limit. */
export function rateDeadline(): u64 {
  const r = root();
  if (r.outputHead == 0 || !isLimited() || r.rateWaits == 0) return u64.MAX_VALUE;
  const wait = max(untilPositive(r.packetTokens, r.ratePackets), untilPositive(r.bitTokens, r.rateMegabits));
  return r.rateFilled + wait;
}
