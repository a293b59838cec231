import { addRun, emptySummary, type Summary } from "./report.js";
import { runWorkers } from "./run-workers.js";
import type { RunResult } from "./simulation.js";
import type { WorkerShare } from "./worker.js";

/** Runs `count` seeds from `from` on, shared between `workers` threads; tells every result as it comes. */
export async function runSeeds(
  from: bigint,
  count: number,
  workers: number,
  onResult: (result: RunResult) => void = () => {},
): Promise<Summary> {
  const summary = emptySummary();
  const shares = Array.from(
    { length: Math.min(workers, count) },
    (_, i): WorkerShare => ({
      first: String(BigInt.asUintN(64, from + BigInt(i))),
      stride: workers,
      count: Math.ceil((count - i) / workers),
    }),
  );
  await runWorkers(new URL("./worker.js", import.meta.url), shares, (result: RunResult) => {
    addRun(summary, result);
    onResult(result);
  });
  return summary;
}
