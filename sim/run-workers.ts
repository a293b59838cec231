import { Worker } from "node:worker_threads";

/**
 * Runs a thread of the module at `module` for each share of the work; tells every result as it comes. Rejects
 * when a thread throws or ends with another status than 0.
 */
export async function runWorkers<Share, Result>(
  module: URL,
  shares: readonly Share[],
  onResult: (result: Result) => void,
): Promise<void> {
  const started = shares.map((share) => {
    const worker = new Worker(module, { workerData: share });
    return new Promise<void>((resolve, reject) => {
      worker.on("message", onResult);
      worker.on("error", reject);
      worker.on("exit", (code) =>
        code === 0 ? resolve() : reject(new Error(`a worker exited with ${code}`)),
      );
    });
  });
  await Promise.all(started);
}
