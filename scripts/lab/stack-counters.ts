/** What an accelerated process says about itself. */
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import type { COUNTERS as NAMES } from "../../build/generated/node/counters.js";
import { COUNTERS, COUNTERS_END, ROOT, ROOT_MAGIC } from "../../build/generated/node/layout.js";
import { type Entry, readTables, type TableName } from "../../ctl/statistics.js";
import { run } from "./command.js";
import { repositoryRoot } from "./repository.js";

/** The names in one of the enums of stack/stats. */
type Names<Kind extends string> = Extract<(typeof NAMES)[number], { enum: Kind }>["name"];

/** Every counter of a stack by its name (stack/stats/counters.ts says what each is), and every reason. */
export interface StackCounters extends Record<Names<"Counter">, bigint> {
  drops: Record<Names<"DropReason">, bigint>;
  resets: Record<Names<"ResetReason">, bigint>;
  fallbackReasons: Record<Names<"FallbackReason">, bigint>;
  /** Sockets that could have been accelerated and went to the kernel instead, for whatever reason. */
  fallbacks: bigint;
}

/** What `gazelle stats PID --json` prints, as far as we read it. */
type Document = Record<TableName, Record<string, number>> & { each?: Document[] };

function exact<Name extends string>(
  table: Record<string, number | bigint> | undefined,
): Record<Name, bigint> {
  const entries = Object.entries(table ?? {}).map(([name, value]) => [name, BigInt(value)] as const);
  if (entries.length === 0) throw new Error("the stack's counters lack a table");
  return Object.fromEntries(entries) as Record<Name, bigint>;
}

function toCounters(tables: Record<TableName, Record<string, number | bigint>>): StackCounters {
  const fallbackReasons = exact<Names<"FallbackReason">>(tables.fallbacks);
  return {
    ...exact<Names<"Counter">>(tables.counters),
    drops: exact(tables.drops),
    resets: exact(tables.resets),
    fallbackReasons,
    fallbacks: Object.values(fallbackReasons).reduce((sum, value) => sum + value, 0n),
  };
}

/** The reasons for which sockets went to the kernel, for a message; empty when none did. */
export function describeFallbacks({ fallbackReasons }: StackCounters): string {
  const reasons = Object.entries(fallbackReasons).filter(([, count]) => count > 0n);
  return reasons.length === 0 ? "" : `sockets fell back to the kernel: ${reasons.join("; ")}`;
}

function readDocument(pid: number): Document {
  const command = join(repositoryRoot, "ctl", "bin", "gazelle.mjs");
  return JSON.parse(run(process.execPath, [command, "stats", String(pid), "--json"]).toString()) as Document;
}

/**
 * Asks a running process for its counters through its control socket.
 * @throws Error when the process has none or does not answer.
 */
export function readStackCounters(pid: number): StackCounters {
  return toCounters(readDocument(pid));
}

/** The same for each of its stacks. */
export function readEachStack(pid: number): StackCounters[] {
  const document = readDocument(pid);
  return (document.each ?? [document]).map(toCounters);
}

/** Whether a memory file is a region already: one of huge pages is given up again where there are none. */
function isLaidOut(file: number): boolean {
  const magic = Buffer.alloc(8);
  return readSync(file, magic, 0, magic.length, ROOT + ROOT_MAGIC) === magic.length && magic.some(Boolean);
}

/** A hold on the memory of a stack, which outlives the process: its last counters can be read at leisure. */
export class KeptRegion {
  readonly #file: number;

  private constructor(file: number) {
    this.#file = file;
  }

  /** Opens the region of a process that this user may inspect; undefined while it has none. */
  static of(pid: number): KeptRegion | undefined {
    const folder = `/proc/${pid}/fd`;
    for (const name of readdirSync(folder)) {
      try {
        const path = join(folder, name);
        if (!readlinkSync(path).startsWith("/memfd:gazelle ")) continue;
        const file = openSync(path, "r");
        if (isLaidOut(file)) return new KeptRegion(file);
        closeSync(file);
      } catch (error) {
        // The descriptor was closed meanwhile.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
    return undefined;
  }

  /** Reads the counters, the last ones once the process has ended, and lets the region go. */
  finish(): StackCounters {
    const block = Buffer.alloc(COUNTERS_END - COUNTERS);
    readSync(this.#file, block, 0, block.length, COUNTERS);
    closeSync(this.#file);
    const values = (entries: readonly Entry[]) =>
      Object.fromEntries(entries.map(({ name, value }) => [name, value]));
    const { counters, drops, resets, fallbacks, retransmissions } = readTables(block);
    return toCounters({
      counters: values(counters),
      drops: values(drops),
      resets: values(resets),
      fallbacks: values(fallbacks),
      retransmissions: values(retransmissions),
    });
  }
}
