import { addTotals, type Totals } from "../counters.js";
import { runWorkers } from "../run-workers.js";
import type { FuzzResult } from "./fuzzer.js";
import type { FuzzShare } from "./worker.js";

/** Frames that one seed sends: a failure is found again by running that seed alone. */
export const FRAMES_PER_SEED = 25_000;

/** What many seeds of the fuzzer came to. */
interface FuzzSummary {
  seeds: number;
  frames: number;
  recomputed: number;
  verified: number;
  answers: number;
  byState: Totals;
  counters: Totals;
  failures: FuzzResult[];
}

function add(summary: FuzzSummary, result: FuzzResult): void {
  summary.seeds++;
  summary.frames += result.frames;
  summary.recomputed += result.recomputed;
  summary.verified += result.verified;
  summary.answers += result.answers;
  addTotals(summary.byState, result.byState);
  addTotals(summary.counters, result.counters);
  if (result.failure !== undefined) summary.failures.push(result);
}

/** Sends `frames` frames, shared between seeds from `from` on and between `workers` threads. */
export async function runFuzz(
  from: bigint,
  frames: number,
  workers: number,
  onResult: (result: FuzzResult) => void = () => {},
): Promise<FuzzSummary> {
  const summary: FuzzSummary = {
    seeds: 0,
    frames: 0,
    recomputed: 0,
    verified: 0,
    answers: 0,
    byState: {},
    counters: {},
    failures: [],
  };
  const shares = Array.from({ length: workers }, (_, first): FuzzShare => {
    return { from: String(from), first, stride: workers, frames, perSeed: FRAMES_PER_SEED };
  });
  await runWorkers(new URL("./worker.js", import.meta.url), shares, (result: FuzzResult) => {
    add(summary, result);
    onResult(result);
  });
  return summary;
}

/** The last line of one seed of the fuzzer. */
export function fuzzLine(result: FuzzResult): string {
  const about = `${result.frames} frames, ${result.recomputed} with right checksums`;
  if (result.failure !== undefined) return `fuzz seed ${result.seed} FAILED: ${result.failure}`;
  return `fuzz seed ${result.seed} ok ${about} digest ${result.digest}`;
}

/** What the fuzzer did, for people. */
export function fuzzSummaryLines(summary: FuzzSummary): string[] {
  const states = Object.entries(summary.byState).sort();
  const verified = (summary.verified / (1 << 20)).toFixed(2);
  return [
    ...states.map(([state, frames]) => `${String(frames).padStart(12)}  frames for ${state}`),
    `${summary.frames} frames of ${summary.seeds} seeds, ` +
      `${summary.recomputed} with every checksum computed anew, ${summary.answers} answers, ` +
      `bystander ${verified} MiB verified, ` +
      `${summary.failures.length} failed`,
  ];
}
