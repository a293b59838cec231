/** What a stack counts, by name. */
import { COUNTERS, COUNTERS_LAYOUT } from "../build/generated/node/counters.js";
import * as layout from "../build/generated/node/layout.js";
import { type Answer, type AnswerHead, askControl, ControlError, socketsOf } from "./control-socket.js";

/** The tables of numbers, and the enums of stack/stats that name them. */
export const TABLES = {
  counters: "Counter",
  drops: "DropReason",
  resets: "ResetReason",
  fallbacks: "FallbackReason",
  retransmissions: "RetransmissionReason",
} as const;
export type TableName = keyof typeof TABLES;

/** Where each table lies in the block that an answer carries. */
const TABLE_AT: Readonly<Record<TableName, number>> = {
  counters: 0,
  drops: layout.DROPS - layout.COUNTERS,
  resets: layout.RESETS - layout.COUNTERS,
  fallbacks: layout.FALLBACKS - layout.COUNTERS,
  retransmissions: layout.RETRANSMISSIONS - layout.COUNTERS,
};

/** One of the numbers: its name and what it counts. */
export interface Entry {
  name: string;
  doc: string;
  value: bigint;
}

/** The state of a pool of equal objects. */
interface PoolState {
  capacity: number;
  used: number;
  peak: number;
  /** Times that there was none left. */
  exhausted: bigint;
}

/** What a process says about itself beside its numbers. */
export interface Facts extends AnswerHead {
  layout: string;
  pid: number;
  program: string;
  regionBytes: number;
  uptimeMicroseconds: number;
  /** The stack found its memory damaged and serves nothing any more. */
  poisoned: boolean;
  port: string;
  device: string;
  mac: string;
  mtu: number;
  address: string;
  gateway: string;
  /** Frames that the port itself could not hand over or send. */
  skippedFrames: number;
  refusedFrames: number;
  /** Which of the process' stacks this is, and how many it has. */
  stack: number;
  stacks: number;
  /** The clock of its objects' times. */
  nowMicroseconds: number;
  /** Bits of PortFlag, and most payload bytes of a super-frame. */
  portFlags: number;
  segmentationMax: number;
  lowPower: boolean;
  /** How much is said while it runs (LogLevel of stack/memory/settings.ts). */
  logLevel: number;
  /** Faults that are injected, a bit each (stack/link/inject.ts). */
  injecting: number;
}

/** Everything that a process says. */
export interface Statistics extends Record<TableName, Entry[]> {
  facts: Facts;
  pools: Record<string, PoolState>;
  /** Cells of all histograms of LATENCIES, one behind the other. */
  latencies: bigint[];
  /** Each stack of a process that has several; the numbers beside it are their sums then. */
  stacks?: Statistics[];
}

/** Most stacks that an answer may tell of. */
const STACKS_MOST = 32;

function readTable(body: Buffer, table: TableName): Entry[] {
  return COUNTERS.filter((entry) => entry.enum === TABLES[table]).map(({ name, doc, index }) => ({
    name,
    doc,
    value: body.readBigUInt64LE(TABLE_AT[table] + index * 8),
  }));
}

/** The tables in a copy of the region from COUNTERS to COUNTERS_END. */
export function readTables(block: Buffer): Record<TableName, Entry[]> {
  return {
    counters: readTable(block, "counters"),
    drops: readTable(block, "drops"),
    resets: readTable(block, "resets"),
    fallbacks: readTable(block, "fallbacks"),
    retransmissions: readTable(block, "retransmissions"),
  };
}

/** The stages of which there are histograms (stack/stats/latency.ts). */
export const LATENCIES = COUNTERS.filter((entry) => entry.enum === "Latency").map(({ name }) => name);

function readLatencies(body: Buffer): bigint[] {
  const at = layout.LATENCIES - layout.COUNTERS;
  return Array.from({ length: LATENCIES.length * layout.LATENCY_CELLS }, (_, cell) => {
    return body.readBigUInt64LE(at + cell * 8);
  });
}

const POOL_ID = "POOL_ID_";

/** `POOL_ID_WAIT_SET` is called waitSet. */
function poolName(constant: string): string {
  const words = constant.slice(POOL_ID.length).toLowerCase();
  return words.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function readPools(block: Buffer): Record<string, PoolState> {
  const ids = Object.entries(layout)
    .filter(([name]) => name.startsWith(POOL_ID))
    .map(([name, id]) => [name, Number(id)] as const)
    .sort(([, first], [, second]) => first - second);
  return Object.fromEntries(
    ids.map(([name, id]) => {
      const at = id * layout.POOL_SIZE;
      const state: PoolState = {
        capacity: block.readUInt32LE(at + layout.POOL_CAPACITY),
        used: block.readUInt32LE(at + layout.POOL_USED),
        peak: block.readUInt32LE(at + layout.POOL_PEAK),
        exhausted: block.readBigUInt64LE(at + layout.POOL_EXHAUSTED),
      };
      return [poolName(name), state];
    }),
  );
}

/** Takes an answer apart. @throws ControlError when it comes from another build. */
function parseStatistics({ head, body }: Answer): Statistics {
  const facts = head as Facts;
  const counters = facts.countersBytes ?? 0;
  const expected = layout.COUNTERS_END - layout.COUNTERS;
  const pools = layout.POOL_COUNT * layout.POOL_SIZE;
  if (facts.layout !== COUNTERS_LAYOUT || counters !== expected || facts.poolsBytes !== pools) {
    throw new ControlError(
      "it runs another build of Gazelle, which counts other things: use that build's tool",
    );
  }
  return {
    facts,
    ...readTables(body),
    latencies: readLatencies(body),
    pools: readPools(body.subarray(counters)),
  };
}

function sumEntries(all: readonly Entry[][]): Entry[] {
  const [first = []] = all;
  return first.map((entry, i) => ({
    ...entry,
    value: all.reduce((sum, entries) => sum + (entries[i]?.value ?? 0n), 0n),
  }));
}

function sumPools(all: readonly Record<string, PoolState>[]): Record<string, PoolState> {
  const sum = (name: string, key: "capacity" | "used" | "peak") =>
    all.reduce((total, pools) => total + (pools[name]?.[key] ?? 0), 0);
  return Object.fromEntries(
    Object.keys(all[0] ?? {}).map((name) => [
      name,
      {
        capacity: sum(name, "capacity"),
        used: sum(name, "used"),
        peak: sum(name, "peak"),
        exhausted: all.reduce((total, pools) => total + (pools[name]?.exhausted ?? 0n), 0n),
      },
    ]),
  );
}

/** What the stacks of one process count together. */
function total(first: Statistics, stacks: Statistics[]): Statistics {
  return {
    facts: {
      ...first.facts,
      poisoned: stacks.some(({ facts }) => facts.poisoned),
      skippedFrames: stacks.reduce((sum, { facts }) => sum + facts.skippedFrames, 0),
      refusedFrames: stacks.reduce((sum, { facts }) => sum + facts.refusedFrames, 0),
    },
    counters: sumEntries(stacks.map(({ counters }) => counters)),
    drops: sumEntries(stacks.map(({ drops }) => drops)),
    resets: sumEntries(stacks.map(({ resets }) => resets)),
    fallbacks: sumEntries(stacks.map(({ fallbacks }) => fallbacks)),
    retransmissions: sumEntries(stacks.map(({ retransmissions }) => retransmissions)),
    pools: sumPools(stacks.map(({ pools }) => pools)),
    latencies: first.latencies.map((_, cell) => {
      return stacks.reduce((sum, { latencies }) => sum + (latencies[cell] ?? 0n), 0n);
    }),
    stacks,
  };
}

/** Asks the process behind a control socket for everything that its stacks count. */
export async function askStatistics(path: string): Promise<Statistics> {
  const first = parseStatistics(await askControl(path, "counters"));
  const stacks = [first];
  while (stacks.length < Math.min(first.facts.stacks, STACKS_MOST)) {
    stacks.push(parseStatistics(await askControl(path, `counters ${stacks.length}`)));
  }
  return stacks.length === 1 ? first : total(first, stacks);
}

/** Whether a process exists; it need not be ours. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Asks a process for everything that it counts.
 * @throws ControlError saying why it cannot be asked.
 */
export async function readStatistics(pid: number): Promise<Statistics> {
  const { paths, closed } = socketsOf(pid);
  let reason: string | undefined;
  for (const path of paths) {
    try {
      const statistics = await askStatistics(path);
      // A prefix may end in digits: the name alone does not tell the process.
      if (statistics.facts.pid === pid) return statistics;
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      reason ??= `${error.message} (${path})`;
    }
  }
  if (reason !== undefined) throw new ControlError(`process ${pid}: ${reason}`);
  if (!exists(pid)) throw new ControlError(`there is no process ${pid}`);
  const remark = closed.length === 0 ? "" : `, or it is another user's: ${closed.join(", ")} may not be read`;
  throw new ControlError(`process ${pid} has no stack${remark}`);
}
