import { parentPort, workerData } from "node:worker_threads";
import { Fuzzer } from "./fuzzer.js";

/**
 * What one thread does: every `stride`-th seed, beginning with the `first`-th, until `frames` are sent by all
 * together.
 */
export interface FuzzShare {
  from: string;
  first: number;
  stride: number;
  frames: number;
  perSeed: number;
}

const share = workerData as FuzzShare;
for (let place = share.first; place * share.perSeed < share.frames; place += share.stride) {
  const seed = BigInt.asUintN(64, BigInt(share.from) + BigInt(place));
  const frames = Math.min(share.perSeed, share.frames - place * share.perSeed);
  parentPort?.postMessage(new Fuzzer(seed).run(frames));
}
