import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { HostPool } from "../sim/host-pool.js";
import { PcapWriter } from "../sim/pcap.js";
import { replayHint, resultLine, summaryLines } from "../sim/report.js";
import { runSeeds } from "../sim/run-seeds.js";
import { Simulation } from "../sim/simulation.js";
import { traceLine } from "../sim/trace.js";

const USAGE = `usage: npm run sim -- --seed S [--trace] [--pcap FILE] [--counters]
       npm run sim -- --seeds N [--from S] [--workers W] [--counters]
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

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
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
  if (values.seeds !== undefined) {
    const workers = parseCount(values.workers);
    return await runMany(parseSeed(values.from), parseCount(values.seeds), workers, values.counters);
  }
  throw new UsageError("neither --seed nor --seeds was given");
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  const isUsage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
  console.error(isUsage ? `${(error as Error).message}\n${USAGE}` : error);
  process.exitCode = 1;
}
