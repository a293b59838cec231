import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { FRAMES_PER_SEED, fuzzLine, fuzzSummaryLines, runFuzz } from "../sim/fuzz/run-fuzz.js";
import { HostPool } from "../sim/host-pool.js";
import { PcapWriter } from "../sim/pcap.js";
import { replayHint, resultLine, summaryLines } from "../sim/report.js";
import { runSeeds } from "../sim/run-seeds.js";
import { Simulation } from "../sim/simulation.js";
import { traceLine } from "../sim/trace.js";

const USAGE = `usage: npm run sim -- --seed S [--trace] [--pcap FILE] [--counters]
       npm run sim -- --seeds N [--from S] [--workers W] [--counters]
       npm run sim -- --fuzz FRAMES [--from S] [--workers W] [--counters]
S is an unsigned 64-bit number, N a count of consecutive seeds (from 1 unless told otherwise)`;

const SEED_MAX = 2n ** 64n - 1n;
const COUNT_MAX = 1e9;

class UsageError extends Error {}

function parseSeed(text: string): bigint {
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > SEED_MAX) throw new UsageError(`not a seed: ${text}`);
  return BigInt(text);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > COUNT_MAX) throw new UsageError(`not a count: ${text}`);
  return count;
}

/** One seed: its trace if asked for, and its line. */
function runOne(seed: bigint, trace: boolean, pcapPath: string | undefined, counters: boolean): boolean {
  const pcap = pcapPath === undefined ? undefined : new PcapWriter(pcapPath);
  const observing = trace || pcap !== undefined;
  const observe = (place: string, frame: Uint8Array, fate: string, time: number) => {
    if (trace) console.log(traceLine(time, place, frame, fate));
    if (!place.startsWith("switch")) pcap?.write(time, frame);
  };
  const result = new Simulation(seed, new HostPool(), observing ? observe : undefined).run();
  pcap?.close();
  if (counters) {
    for (const [name, value] of Object.entries(result.totals)) if (value > 0) console.log(`${name} ${value}`);
    console.log(JSON.stringify({ ...result, seed: String(seed), totals: undefined }));
  }
  if (result.failure !== undefined) console.log(replayHint(seed));
  console.log(resultLine(result));
  return result.failure === undefined;
}

async function runMany(from: bigint, count: number, workers: number, counters: boolean): Promise<boolean> {
  const start = performance.now();
  const summary = await runSeeds(from, count, workers, (result) => {
    if (result.failure === undefined) return;
    console.log(resultLine(result));
    console.log(`  ${replayHint(result.seed)}`);
  });
  for (const line of summaryLines(summary, counters)) console.log(line);
  console.log(`${((performance.now() - start) / 1000).toFixed(1)} s on ${workers} threads`);
  return summary.failed === 0;
}

/** Mutated frames against connections in every state; each seed sends FRAMES_PER_SEED of them. */
async function fuzz(from: bigint, frames: number, workers: number, counters: boolean): Promise<boolean> {
  const start = performance.now();
  const summary = await runFuzz(from, frames, workers, (result) => {
    if (result.failure === undefined) return;
    console.log(fuzzLine(result));
    console.log(`  replay: npm run sim -- --fuzz ${FRAMES_PER_SEED} --from ${result.seed}`);
  });
  if (counters) {
    for (const [name, value] of Object.entries(summary.counters))
      if (value > 0) console.log(`${name} ${value}`);
  }
  for (const line of fuzzSummaryLines(summary)) console.log(line);
  console.log(`${((performance.now() - start) / 1000).toFixed(1)} s on ${workers} threads`);
  return summary.failures.length === 0;
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      fuzz: { type: "string" },
      from: { type: "string", default: "1" },
      workers: { type: "string", default: String(Math.min(2, availableParallelism())) },
      trace: { type: "boolean", default: false },
      pcap: { type: "string" },
      counters: { type: "boolean", default: false },
    },
  });
  if (values.seed !== undefined) {
    return runOne(parseSeed(values.seed), values.trace, values.pcap, values.counters);
  }
  const from = parseSeed(values.from);
  const workers = parseCount(values.workers);
  if (values.seeds !== undefined) {
    return await runMany(from, parseCount(values.seeds), workers, values.counters);
  }
  if (values.fuzz !== undefined) return await fuzz(from, parseCount(values.fuzz), workers, values.counters);
  throw new UsageError("none of --seed, --seeds and --fuzz was given");
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  const isUsage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
  console.error(isUsage ? `${(error as Error).message}\n${USAGE}` : error);
  process.exitCode = 1;
}
