import type { BenchOptions } from "../options.js";
import { compareRates, formatTable, type Rates, writeResults } from "../report.js";
import { buildEngineBench } from "./build.js";
import { ENGINE_ROWS, type EngineRow, type EngineStack, measureEngine, rateOf } from "./measure.js";

const STACKS: readonly EngineStack[] = ["ours", "lwip"];

async function measureRow(row: EngineRow, options: BenchOptions, about: Map<string, string>): Promise<Rates> {
  const rates: Rates = { ours: [], peers: { lwip: [] } };
  for (let round = 0; round < options.rounds; round++) {
    for (const stack of STACKS) {
      const sample = await measureEngine(stack, row, options.seconds);
      about.set(stack, sample.options);
      const list = stack === "ours" ? rates.ours : rates.peers[stack];
      list?.push(rateOf(row, sample));
    }
  }
  return rates;
}

/** Builds, measures every row in alternating runs, prints the table and writes the file. */
export async function runEngineBench(options: BenchOptions): Promise<void> {
  await buildEngineBench();
  const about = new Map<string, string>();
  const results = [];
  for (const row of ENGINE_ROWS) {
    const rates = await measureRow(row, options, about);
    results.push(compareRates(row.name, row.unit, rates));
  }
  console.log(`two instances back to back in one thread; medians of ${options.rounds} alternating runs`);
  for (const [stack, text] of about) console.log(`  ${stack}: ${text}`);
  console.log("  both: MTU 1500, checksums made and verified in software, every byte compared\n");
  console.log(formatTable(results));
  if (options.jsonFile !== undefined) writeResults(options.jsonFile, results);
}
