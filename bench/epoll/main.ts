import { buildEngineBench } from "../engine/build.js";
import { type EngineRow, measureEngine, rateOf } from "../engine/measure.js";
import type { BenchOptions } from "../options.js";
import { type BenchResult, compareRates, formatTable, writeResults } from "../report.js";

const CROWDED = 1000;
const FEW = 1;

function rowOf(idle: number): EngineRow {
  return { name: `${idle} idle`, row: `idle-${idle}`, unit: "round trips/s", scale: 1 };
}

/** Turns of an event loop with one active connection, among many idle ones and among few: the ratio. */
export async function measureEpoll({
  rounds,
  seconds,
}: Omit<BenchOptions, "jsonFile">): Promise<BenchResult> {
  const rates = { crowded: [] as number[], few: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const [idle, samples] of [
      [CROWDED, rates.crowded],
      [FEW, rates.few],
    ] as const) {
      const row = rowOf(idle);
      samples.push(rateOf(row, await measureEngine("ours", row, seconds)));
    }
  }
  const name = `rr 64 B, 1 active and ${CROWDED} idle`;
  return compareRates(name, "round trips/s", { ours: rates.crowded, peers: { [`1 + ${FEW}`]: rates.few } });
}

/** Builds, measures in alternating runs, prints the table and writes the file. */
export async function runEpollBench(options: BenchOptions): Promise<void> {
  await buildEngineBench();
  const result = await measureEpoll(options);
  console.log(`two instances back to back in one thread; medians of ${options.rounds} alternating runs\n`);
  console.log(formatTable([result]));
  if (options.jsonFile !== undefined) writeResults(options.jsonFile, [result]);
}
