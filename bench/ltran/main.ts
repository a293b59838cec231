/** Redis behind ltran against Redis on the kernel: client, server and ltran share two cores. */
import { type Contestant, startContestant } from "../../scripts/demo/contestants.js";
import { Pace, takeSample } from "../../scripts/demo/measure.js";
import { type Workload, workloads } from "../../scripts/demo/workloads.js";
import { cleanUp } from "../../scripts/lab/cleanup.js";
import { requireStackLibrary } from "../../scripts/lab/repository.js";
import type { BenchOptions } from "../options.js";
import { type BenchResult, compareRates, formatTable, writeResults } from "../report.js";

/** One sample of each, in turns: who begins changes from round to round. */
async function measureRow(
  workload: Workload,
  contestants: readonly [Contestant, Contestant],
  pace: Pace,
  options: BenchOptions,
): Promise<BenchResult> {
  const rates = new Map<Contestant, number[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed();
    for (const contestant of order) {
      const sample = await takeSample(contestant, workload, pace, options.seconds);
      rates.get(contestant)?.push(sample.requestsPerSecond);
    }
  }
  const [kernel, gazelle] = contestants.map((contestant) => rates.get(contestant) ?? []);
  return compareRates(workload.name, "requests/s", { ours: gazelle ?? [], peers: { kernel: kernel ?? [] } });
}

/** Measures every workload of the demo through ltran. */
export async function runLtranBench(options: BenchOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("this benchmark makes network namespaces, which needs root");
  requireStackLibrary();
  try {
    const contestants = [
      await startContestant("kernel", "packet"),
      await startContestant("gazelle", "ltran"),
    ] as const;
    const pace = new Pace();
    const results: BenchResult[] = [];
    for (const workload of workloads) {
      results.push(await measureRow(workload, [...contestants], pace, options));
      console.log(`${workload.name}: done`);
    }
    console.log(`\n${formatTable(results)}`);
    if (options.jsonFile !== undefined) writeResults(options.jsonFile, results);
  } finally {
    await cleanUp();
  }
}
