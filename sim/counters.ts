import { COUNTERS } from "../build/generated/node/counters.js";
import * as layout from "../build/generated/node/layout.js";
import type { StackHost } from "./host.js";

/** The stack's pools in the order of memory/pool.ts, PoolId. */
export const POOLS = ["socket", "tcb", "buffer", "waitSet", "interest", "neighbour", "reassembly"] as const;

const BASES: Record<string, { base: number; prefix: string }> = {
  Counter: { base: layout.COUNTERS, prefix: "" },
  DropReason: { base: layout.DROPS, prefix: "drop." },
  ResetReason: { base: layout.RESETS, prefix: "reset." },
  RetransmissionReason: { base: layout.RETRANSMISSIONS, prefix: "again." },
};

/** Numbers by name. */
export type Totals = Record<string, number>;

/** Adds `more` to `totals`. */
export function addTotals(totals: Totals, more: Totals): void {
  for (const [name, value] of Object.entries(more)) totals[name] = (totals[name] ?? 0) + value;
}

/**
 * Every counter of a stack, drops and resets with their reasons, and how often each pool had nothing left.
 */
export function readCounters(host: StackHost): Totals {
  const totals: Totals = {};
  for (const entry of COUNTERS) {
    const place = BASES[entry.enum];
    if (place !== undefined) {
      totals[place.prefix + entry.name] = Number(host.counter(entry.index, place.base));
    }
  }
  POOLS.forEach((name, id) => {
    const at = layout.POOLS + id * layout.POOL_SIZE + layout.POOL_EXHAUSTED;
    totals[`exhausted.${name}`] = Number(host.view().getBigUint64(at, true));
  });
  return totals;
}

/** Objects in use by pool, those of caches left out: resolved neighbours stay until they age. */
export function poolsInUse(host: StackHost): Totals {
  const used: Totals = {};
  POOLS.forEach((name, id) => {
    const count = host.poolUsed(id);
    if (count > 0 && name !== "neighbour") used[name] = count;
  });
  return used;
}
