import { resolve } from "node:path";
import { writeAtomically } from "../../scripts/build/files.js";
import { type Contestant, startContestant } from "../../scripts/demo/contestants.js";
import { median } from "../../scripts/demo/results.js";
import { cleanUp } from "../../scripts/lab/cleanup.js";
import { requireStackLibrary } from "../../scripts/lab/repository.js";
import type { BenchOptions } from "../options.js";
import { delaysWhileComputing, idleShare, type Latencies, latenciesAfterPauses } from "./measure.js";

const NAME_WIDTH = 52;
const LOOKS = 2;
const SHARE_GOAL = 3;
const LATENCY_GOAL_US = 10;
const ANSWER_GOAL_MS = 5;

/** One element of the results' array. */
interface IdleResult {
  name: string;
  unit: string;
  gazelle: number;
  kernel: number;
  /** What gazelle must stay below. */
  goal: number;
  reached: boolean;
}

interface Pair {
  gazelle: number;
  kernel: number;
}

function resultOf(name: string, unit: string, { gazelle, kernel }: Pair, goal: number): IdleResult {
  const rounded = (value: number) => Number(value.toFixed(2));
  const reached = gazelle < goal;
  return { name, unit, gazelle: rounded(gazelle), kernel: rounded(kernel), goal: rounded(goal), reached };
}

/** The middle half of the values: how much a median can be trusted. */
function spread(values: readonly number[]): string {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(0);
  return `${at(0.25)} to ${at(0.75)}`;
}

/** Both servers at once: neither does anything. What counts is the most expensive look. */
async function measureShares(kernel: Contestant, gazelle: Contestant, seconds: number): Promise<Pair> {
  const shares = { kernel: [] as number[], gazelle: [] as number[] };
  for (let look = 0; look < LOOKS; look++) {
    const both = [idleShare(kernel, seconds), idleShare(gazelle, seconds)];
    const [ofKernel = 0, ofGazelle = 0] = await Promise.all(both);
    shares.kernel.push(ofKernel);
    shares.gazelle.push(ofGazelle);
  }
  return { kernel: Math.max(...shares.kernel), gazelle: Math.max(...shares.gazelle) };
}

async function measureAll(options: BenchOptions): Promise<IdleResult[]> {
  const kernel = await startContestant("kernel", "packet");
  const gazelle = await startContestant("gazelle", "packet");
  for (const { server } of [kernel, gazelle]) server.signal("SIGCONT");
  const shares = await measureShares(kernel, gazelle, options.seconds);
  const [ofKernel, ofGazelle] = await latenciesAfterPauses([kernel, gazelle], options.rounds);
  if (ofKernel === undefined || ofGazelle === undefined) throw new Error("a server was not measured");
  const latency = (of: keyof Latencies): Pair => ({
    kernel: median(ofKernel[of]),
    gazelle: median(ofGazelle[of]),
  });
  const [wire, seen] = [latency("wire"), latency("seen")];
  const kernelDelays = await delaysWhileComputing(kernel);
  const delays = await delaysWhileComputing(gazelle);
  const most = (of: "echoes" | "acks"): Pair => ({
    kernel: Math.max(...kernelDelays[of]),
    gazelle: Math.max(...delays[of]),
  });
  const counts = `${delays.echoes.length} echoes and ${delays.acks.length} segments`;
  console.log(`${ofGazelle.wire.length} requests after pauses, ${counts} while computing`);
  console.log(
    `quartiles on the wire: kernel ${spread(ofKernel.wire)} us, Gazelle ${spread(ofGazelle.wire)} us\n`,
  );
  return [
    resultOf(`processor time while idle, the most of ${LOOKS} looks`, "% of a core", shares, SHARE_GOAL),
    resultOf("median latency after a pause of 1 s, on the wire", "us", wire, wire.kernel + LATENCY_GOAL_US),
    resultOf("the same as a client in Node sees it", "us", seen, seen.kernel + LATENCY_GOAL_US),
    resultOf("longest ping while computing for 2 s", "ms", most("echoes"), ANSWER_GOAL_MS),
    resultOf("longest time to an ACK while computing for 2 s", "ms", most("acks"), ANSWER_GOAL_MS),
  ];
}

function lineOf({ name, unit, gazelle, kernel, goal, reached }: IdleResult): string {
  const numbers = [kernel, gazelle, goal].map((value) => value.toFixed(2).padStart(9)).join("");
  return `${name.padEnd(NAME_WIDTH)}${numbers}  ${unit.padEnd(12)}${reached ? "reached" : "MISSED"}`;
}

/** Redis on the stack and on the kernel, idle, woken and computing. */
export async function runIdleBench(options: BenchOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("this benchmark makes network namespaces, which needs root");
  requireStackLibrary();
  try {
    const results = await measureAll(options);
    console.log(
      `${"".padEnd(NAME_WIDTH)}${["kernel", "Gazelle", "below"].map((word) => word.padStart(9)).join("")}`,
    );
    for (const result of results) console.log(lineOf(result));
    if (options.jsonFile !== undefined) {
      writeAtomically(resolve(options.jsonFile), `${JSON.stringify(results, null, 2)}\n`);
    }
  } finally {
    await cleanUp();
  }
}
