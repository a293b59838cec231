/** What an accelerated process says about itself. */
import { join } from "node:path";
import type { COUNTERS } from "../../build/generated/node/counters.js";
import { run } from "./command.js";
import { repositoryRoot } from "./repository.js";

/** The names in one of the enums of stack/stats. */
type Names<Kind extends string> = Extract<(typeof COUNTERS)[number], { enum: Kind }>["name"];

/** Every counter of a stack by its name (stack/stats/counters.ts says what each is), and every reason. */
export interface StackCounters extends Record<Names<"Counter">, bigint> {
  drops: Record<Names<"DropReason">, bigint>;
  resets: Record<Names<"ResetReason">, bigint>;
  fallbackReasons: Record<Names<"FallbackReason">, bigint>;
  /** Sockets that could have been accelerated and went to the kernel instead, for whatever reason. */
  fallbacks: bigint;
}

/** What `gazelle stats PID --json` prints, as far as we read it. */
type Document = Record<"counters" | "drops" | "resets" | "fallbacks", Record<string, number>>;

function exact<Name extends string>(table: Record<string, number> | undefined): Record<Name, bigint> {
  const entries = Object.entries(table ?? {}).map(([name, value]) => [name, BigInt(value)] as const);
  if (entries.length === 0) throw new Error("`gazelle stats --json` lacks a table");
  return Object.fromEntries(entries) as Record<Name, bigint>;
}

/**
 * Asks a running process for its counters through its control socket.
 * @throws Error when the process has none or does not answer.
 */
export function readStackCounters(pid: number): StackCounters {
  const command = join(repositoryRoot, "ctl", "bin", "gazelle.mjs");
  const answer = run(process.execPath, [command, "stats", String(pid), "--json"]).toString();
  const { counters, drops, resets, fallbacks } = JSON.parse(answer) as Document;
  const fallbackReasons = exact<Names<"FallbackReason">>(fallbacks);
  return {
    ...exact<Names<"Counter">>(counters),
    drops: exact(drops),
    resets: exact(resets),
    fallbackReasons,
    fallbacks: Object.values(fallbackReasons).reduce((sum, value) => sum + value, 0n),
  };
}
