import { RATE_LIMIT } from "../memory/map";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { bucketsAllow, bucketsDeadline, bucketsPay, bucketsSet, TokenBuckets } from "./token-buckets";

/**
 * The rate limit of transmission. What TCP has to send waits in the output queue; a datagram is dropped. ARP
 * never waits, but is paid for.
 */

function buckets(): TokenBuckets {
  return changetype<TokenBuckets>(RATE_LIMIT);
}

/**
 * Limits all transmission to `packets` per second and `megabits` (10^6 bits, from the Ethernet header on) per
 * second from `now` on; 0: no limit.
 */
export function rateLimit(packets: u32, megabits: u32, now: u64): void {
  bucketsSet(buckets(), packets, megabits, now);
}

/** Whether a packet may be sent now. */
export function rateAllows(): bool {
  const b = buckets();
  const waited = b.rateWaits;
  const allowed = bucketsAllow(b, root().now);
  if (!allowed && waited == 0) count(Counter.txRateWaits);
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
  return buckets().rateWaits != 0 ? DropReason.rateLimited : DropReason.txRingFull;
}

/** Pays for `packets` on the wire, of `bytes` altogether. */
export function ratePay(packets: u32, bytes: u32): void {
  bucketsPay(buckets(), packets, bytes);
}

/** When output that waits may go on; u64.MAX_VALUE when nothing waits for the rate limit. */
export function rateDeadline(): u64 {
  return root().outputHead == 0 ? u64.MAX_VALUE : bucketsDeadline(buckets());
}
