import { readdirSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { COUNTERS } from "../../build/generated/node/counters.js";
import * as layout from "../../build/generated/node/layout.js";
import { type Command, UsageError } from "../command.js";

/** The protocol of control sockets that this version reads. */
const PROTOCOL = 1;
/** A process that serves its socket answers within a few milliseconds. */
const PATIENCE_MS = 5000;

interface PoolState {
  capacity: number;
  used: number;
  peak: number;
  exhausted: number;
}

/** What lstack/runtime/control.c sends: numbers in the order of their declaration. */
interface Answer {
  protocol: number;
  layout: number;
  pid: number;
  poisoned: boolean;
  port: Record<string, number | string>;
  counters: number[];
  drops: number[];
  resets: number[];
  fallbacks: number[];
  pools: PoolState[];
}

/** The tables of an answer, and the enums of stack/stats that name their numbers. */
const TABLES = {
  counters: "Counter",
  drops: "DropReason",
  resets: "ResetReason",
  fallbacks: "FallbackReason",
} as const;
type TableName = keyof typeof TABLES;

/** Everything that is counted, by name. */
interface Statistics extends Record<TableName, Record<string, number>> {
  pid: number;
  poisoned: boolean;
  port: Record<string, number | string>;
  pools: Record<string, PoolState>;
}

function folders(): string[] {
  const runtime = process.env["XDG_RUNTIME_DIR"];
  return ["/var/run/gazelle", ...(runtime ? [join(runtime, "gazelle")] : [])];
}

/** The control socket of a process: its name is a configured prefix, the process id and `.sock`. */
function findSocket(pid: number): string {
  for (const folder of folders()) {
    let names: string[] = [];
    try {
      names = readdirSync(folder);
    } catch {
      continue; // Not there, or not ours to read: the next one may be.
    }
    const name = names.find((candidate) => new RegExp(`^(.*\\D)?${pid}\\.sock$`).test(candidate));
    if (name !== undefined) return join(folder, name);
  }
  throw new UsageError(`stats: process ${pid} has no stack (no ${pid}.sock in ${folders().join(" or ")})`);
}

function readAll(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(path);
    let text = "";
    connection.setEncoding("utf8");
    connection.setTimeout(PATIENCE_MS, () => connection.destroy(new Error("no answer")));
    connection.on("data", (part: string) => {
      text += part;
    });
    connection.on("end", () => resolve(text));
    connection.on("error", (error) => reject(new UsageError(`stats: ${path}: ${error.message}`)));
  });
}

function named(table: TableName, values: readonly number[]): Record<string, number> {
  const entries = COUNTERS.filter((entry) => entry.enum === TABLES[table]);
  return Object.fromEntries(entries.map((entry) => [entry.name, values[entry.index] ?? 0]));
}

function poolNames(): [string, number][] {
  return Object.entries(layout)
    .filter(([name]) => name.startsWith("POOL_ID_"))
    .map(([name, index]) => [name.slice("POOL_ID_".length).toLowerCase().replace("_", " "), Number(index)]);
}

/** Asks a running process for everything that it counts. */
async function readStatistics(pid: number): Promise<Statistics> {
  const answer = JSON.parse(await readAll(findSocket(pid))) as Answer;
  if (answer.protocol !== PROTOCOL || answer.layout !== layout.LAYOUT_VERSION) {
    throw new UsageError(`stats: process ${pid} runs another version of Gazelle`);
  }
  const pools: Record<string, PoolState> = {};
  for (const [name, index] of poolNames()) {
    const state = answer.pools[index];
    if (state !== undefined) pools[name] = state;
  }
  return {
    pid: answer.pid,
    poisoned: answer.poisoned,
    port: answer.port,
    counters: named("counters", answer.counters),
    drops: named("drops", answer.drops),
    resets: named("resets", answer.resets),
    fallbacks: named("fallbacks", answer.fallbacks),
    pools,
  };
}

function printTable(title: string, rows: [string, number | string][]): void {
  if (rows.length === 0) return;
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log(title);
  for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}  ${value}`);
}

function print(statistics: Statistics): void {
  printTable(
    `process ${statistics.pid}${statistics.poisoned ? ", its stack is dead" : ""}`,
    Object.entries(statistics.port),
  );
  for (const table of Object.keys(TABLES) as TableName[]) {
    printTable(
      table,
      Object.entries(statistics[table]).filter(([, value]) => value !== 0),
    );
  }
  const pools = Object.entries(statistics.pools).map(([name, pool]): [string, string] => [
    name,
    `${pool.used} of ${pool.capacity} used, ${pool.peak} at most, ${pool.exhausted} refused`,
  ]);
  printTable("pools", pools);
}

export const stats: Command = {
  name: "stats",
  usage: "[--json] PID",
  about: "Print what the stack of a running process counts.",
  details: "Only numbers other than zero are shown; --json prints all.",
  async run(args) {
    const json = args.includes("--json");
    const [text, ...more] = args.filter((argument) => argument !== "--json");
    if (text === undefined || more.length > 0 || !/^[1-9]\d*$/.test(text)) {
      throw new UsageError("stats: name one process id");
    }
    const statistics = await readStatistics(Number(text));
    if (json) console.log(JSON.stringify(statistics, null, 2));
    else print(statistics);
    return 0;
  },
};
