import { LATENCIES, LATENCIES_END } from "../memory/map";
import { root } from "../memory/root";
import { cellAdd } from "./cell";

/**
 * How long things take, in microseconds. Times are those that the doors are called with: no clock is read for
 * this. A histogram is exact below 32, then has sixteen cells for each power of two, up to eight seconds.
 */
export enum Latency {
  /** From received data that can be read to the application's read of it. */
  read,
  /** From the application's write to the next frame with new data of the connection. */
  write,
  /** From received data to the frame with what the application wrote after it read that. */
  reply,
  /** Round trips, as the retransmission time-out measures them. */
  roundTrip,
  count,
}

/** Cells of one histogram. */
export const LATENCY_CELLS: u32 = 320;
const EXACT: u32 = 32;
/** Where powers of two begin, and how many bits tell the cells of one apart. */
const EXPONENT: u32 = 5;
const DETAIL: u32 = 4;

function cellOf(value: u32): u32 {
  if (value < EXACT) return value;
  const exponent = 31 - clz<u32>(value);
  const detail = (value >> (exponent - DETAIL)) & ((1 << DETAIL) - 1);
  return min(EXACT + ((exponent - EXPONENT) << DETAIL) + detail, LATENCY_CELLS - 1);
}

/** Counts that something took `value` microseconds. */
export function latencyAdd(kind: Latency, value: u64): void {
  assert(LATENCIES + ((<usize>Latency.count * LATENCY_CELLS) << 3) <= LATENCIES_END);
  const at = LATENCIES + ((<usize>kind * LATENCY_CELLS) << 3);
  cellAdd(at, cellOf(<u32>min<u64>(value, u32.MAX_VALUE)), 1);
}

/** Counts that something took from `since` to now. */
export function latencySince(kind: Latency, since: u64): void {
  latencyAdd(kind, root().now - min(since, root().now));
}
