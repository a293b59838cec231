import { type Command, UsageError } from "../command.js";
import { ControlError, listSockets } from "../control-socket.js";
import {
  askStatistics,
  type Entry,
  type Facts,
  readStatistics,
  type Statistics,
  TABLES,
  type TableName,
} from "../statistics.js";

/** Groups of counters, by the first word of their names. */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ["Port", /^[rt]x/],
  ["ARP and neighbours", /^(arp|neighbour)/],
  ["IP", /^ip/],
  ["ICMP", /^icmp/],
  ["UDP", /^udp/],
  ["TCP", /^tcp/],
  ["Sockets", /./],
];

/** What a process of another user says about itself must not steer our terminal. */
function harmless(text: unknown): string {
  return String(text).replaceAll(/[^ -~]/g, "?");
}

function groupsOf(entries: readonly Entry[]): [string, Entry[]][] {
  const groups = new Map<string, Entry[]>(GROUPS.map(([title]) => [title, []]));
  for (const entry of entries) {
    const title = GROUPS.find(([, pattern]) => pattern.test(entry.name))?.[0] ?? "";
    groups.get(title)?.push(entry);
  }
  return [...groups];
}

function printRows(title: string, rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) return;
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  console.log(`\n${title}`);
  for (const [name = "", value = "", doc = ""] of rows) {
    console.log(`  ${name.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}  ${doc}`.trimEnd());
  }
}

function printEntries(title: string, entries: readonly Entry[], all: boolean): void {
  const shown = entries.filter(({ value }) => all || value !== 0n);
  printRows(
    title,
    shown.map(({ name, value, doc }) => [name, String(value), doc]),
  );
}

function printFacts(facts: Facts): void {
  const seconds = (facts.uptimeMicroseconds / 1e6).toFixed(1);
  const gateway = facts.gateway === "0.0.0.0" ? "none" : facts.gateway;
  console.log(`${harmless(facts.program)}, process ${harmless(facts.pid)}, ${seconds} s on the stack`);
  if (facts.poisoned)
    console.log("  THE STACK IS DEAD: it found its memory damaged and reset every connection");
  console.log(`  port     ${harmless(facts.port)} ${harmless(facts.device)}, MTU ${harmless(facts.mtu)}`);
  console.log(`  address  ${harmless(facts.address)}, ${harmless(facts.mac)}, gateway ${harmless(gateway)}`);
  console.log(`  memory   ${facts.regionBytes / (1 << 20)} MiB`);
  if (facts.skippedFrames + facts.refusedFrames > 0) {
    console.log(
      `  frames   ${harmless(facts.skippedFrames)} not taken by the port (another VLAN's), ` +
        `${harmless(facts.refusedFrames)} refused by the device`,
    );
  }
}

/** What each stack of several has to do. */
function printStacks(stacks: readonly Statistics[]): void {
  const names = ["rxFrames", "txFrames", "tcpPassiveOpens", "tcpActiveOpens", "framesHandedOn"];
  const value = ({ counters }: Statistics, name: string) =>
    counters.find((entry) => entry.name === name)?.value ?? 0n;
  printRows(
    "Stacks",
    names.map((name) => [name, stacks.map((stack) => value(stack, name)).join("  "), "each"]),
  );
}

function print(statistics: Statistics, all: boolean): void {
  printFacts(statistics.facts);
  if (statistics.stacks !== undefined) printStacks(statistics.stacks);
  for (const [title, entries] of groupsOf(statistics.counters)) printEntries(title, entries, all);
  printEntries("Dropped, and why", statistics.drops, all);
  printEntries("Resets sent, and why", statistics.resets, all);
  printEntries("Sent again, and why", statistics.retransmissions, all);
  printEntries("Sockets left to the kernel, and why", statistics.fallbacks, all);
  const pools = Object.entries(statistics.pools).map(([name, pool]) => [
    name,
    `${pool.used} of ${pool.capacity}`,
    `most ${pool.peak}${pool.exhausted > 0n ? `, refused ${pool.exhausted}` : ""}`,
  ]);
  printRows("Pools", pools);
}

/** Numbers beyond 2^53 lose their last digits, as in most readers of JSON. */
function printJson(statistics: Statistics): void {
  const plain = ({ facts, pools, latencies: _, ...tables }: Statistics) => {
    const names = Object.keys(TABLES) as TableName[];
    const values = names.map((table) => [
      table,
      Object.fromEntries(tables[table].map(({ name, value }) => [name, value])),
    ]);
    return { ...facts, ...Object.fromEntries(values), pools };
  };
  const several = statistics.stacks?.map(plain);
  const document = { ...plain(statistics), ...(several === undefined ? {} : { each: several }) };
  console.log(JSON.stringify(document, (_, value) => (typeof value === "bigint" ? Number(value) : value), 2));
}

async function list(json: boolean): Promise<void> {
  const found: Facts[] = [];
  for (const path of listSockets().paths) {
    try {
      found.push((await askStatistics(path)).facts);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      process.stderr.write(`gazelle: stats: ${path}: ${error.message}\n`);
    }
  }
  if (json) console.log(JSON.stringify(found, null, 2));
  else if (found.length === 0) console.log("No process that may be asked has a stack.");
  else {
    const rows = found.map((facts) => [facts.pid, facts.program, facts.address, facts.port, facts.device]);
    for (const row of rows) console.log(row.map(harmless).join("  "));
  }
}

export const stats: Command = {
  name: "stats",
  usage: "[--json] [--all] [PID]",
  about: "Print what the stack of a running process counts, or list the processes that have one.",
  details: `Exit status 1: the process has no stack, may not be asked, or runs another version.
  --all   the numbers that are zero too
  --json  everything, for programs`,
  async run(args) {
    const unknown = args.find(
      (argument) => argument.startsWith("-") && !["--json", "--all"].includes(argument),
    );
    if (unknown !== undefined) throw new UsageError(`stats: unknown option ${unknown}`);
    const [text, ...more] = args.filter((argument) => !argument.startsWith("-"));
    if (more.length > 0 || (text !== undefined && !/^[1-9]\d{0,9}$/.test(text))) {
      throw new UsageError("stats: name one process by its id, or none");
    }
    const json = args.includes("--json");
    try {
      if (text === undefined) await list(json);
      else if (json) printJson(await readStatistics(Number(text)));
      else print(await readStatistics(Number(text)), args.includes("--all"));
    } catch (error) {
      if (error instanceof ControlError) throw new UsageError(`stats: ${error.message}`);
      throw error;
    }
    return 0;
  },
};
