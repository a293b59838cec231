import { parentPort, workerData } from "node:worker_threads";
import { HostPool } from "./host-pool.js";
import { Simulation } from "./simulation.js";

/** Seeds that a worker runs: every `stride`-th from `first` on, `count` in all. */
export interface WorkerShare {
  first: string;
  stride: number;
  count: number;
}

const share = workerData as WorkerShare;
const pool = new HostPool();
let seed = BigInt(share.first);
for (let i = 0; i < share.count; i++) {
  parentPort?.postMessage(new Simulation(seed, pool).run());
  seed = BigInt.asUintN(64, seed + BigInt(share.stride));
}
