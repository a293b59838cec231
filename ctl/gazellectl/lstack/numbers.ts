/** The numbers of a stack by name; a name that the stack does not have is an error of the compiler. */
import type { COUNTERS } from "../../../build/generated/node/counters.js";
import type { Entry, Statistics } from "../../statistics.js";

type Names<Kind extends string> = Extract<(typeof COUNTERS)[number], { enum: Kind }>["name"];
/** A counter. */
export type CounterName = Names<"Counter">;
/** A reason for which something was discarded. */
export type DropName = Names<"DropReason">;

/** Reasons that are about what was to be sent; all others are about what was received. */
const SENT: readonly DropName[] = [
  "txRingFull",
  "neighbourQueue",
  "noNeighbour",
  "ipNoRoute",
  "rateLimited",
  "ringDetached",
  "portClosed",
  "kernelForeign",
];

/** What one stack, or several together, counted. */
export class Numbers {
  readonly #tables: Record<"counters" | "drops" | "resets" | "fallbacks", Map<string, bigint>>;

  constructor(
    /** The stack's number; null: all together. */
    readonly stack: number | null,
    readonly statistics: Statistics,
  ) {
    const table = (entries: readonly Entry[]) => new Map(entries.map(({ name, value }) => [name, value]));
    this.#tables = {
      counters: table(statistics.counters),
      drops: table(statistics.drops),
      resets: table(statistics.resets),
      fallbacks: table(statistics.fallbacks),
    };
  }

  /** Several counters added. */
  counter(...names: readonly CounterName[]): bigint {
    return names.reduce((sum, name) => sum + (this.#tables.counters.get(name) ?? 0n), 0n);
  }

  /** Drops for several reasons. */
  drop(...names: readonly DropName[]): bigint {
    return names.reduce((sum, name) => sum + (this.#tables.drops.get(name) ?? 0n), 0n);
  }

  /** Drops of what was to be sent. */
  sent(): bigint {
    return this.drop(...SENT);
  }

  /** Drops of what was received. */
  received(): bigint {
    const all = [...this.#tables.drops.values()].reduce((sum, value) => sum + value, 0n);
    return all - this.sent();
  }

  /** A pool's state. */
  pool(name: string): { capacity: number; used: number; peak: number; exhausted: bigint } {
    return this.statistics.pools[name] ?? { capacity: 0, used: 0, peak: 0, exhausted: 0n };
  }

  /** Resets sent for a reason of stack/stats/reset.ts. */
  reset(...names: readonly Names<"ResetReason">[]): bigint {
    return names.reduce((sum, name) => sum + (this.#tables.resets.get(name) ?? 0n), 0n);
  }

  /** Sockets that went to the kernel. */
  fallbacks(): bigint {
    return [...this.#tables.fallbacks.values()].reduce((sum, value) => sum + value, 0n);
  }
}

/** The numbers of each stack of an instance. */
export function numbersOf(stacks: readonly Statistics[]): Numbers[] {
  return stacks.map((statistics) => new Numbers(statistics.facts.stack, statistics));
}
