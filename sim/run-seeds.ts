import { Worker } from "node:worker_threads";
import { addRun, emptySummary, type Summary } from "./report.js";
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
  const started = Array.from({ length: Math.min(workers, count) }, (_, i) => {
    const share: WorkerShare = {
      first: String(BigInt.asUintN(64, from + BigInt(i))),
      stride: workers,
      count: Math.ceil((count - i) / workers),
    };
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: share });
    return new Promise<void>((resolve, reject) => {
      worker.on("message", (result: RunResult) => {
        addRun(summary, result);
        onResult(result);
      });
      worker.on("error", reject);
      worker.on("exit", (code) =>
        code === 0 ? resolve() : reject(new Error(`a worker exited with ${code}`)),
      );
    });
  });
  await Promise.all(started);
  return summary;
}
