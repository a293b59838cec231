import { addTotals, type Totals } from "./counters.js";
import type { RunResult } from "./simulation.js";

/** An event that the runs of a test must have produced, and the counters that tell. */
interface RequiredEvent {
  name: string;
  /** Counter names whose sum tells how often it happened. */
  counters: readonly string[];
}

/** What a set of runs must have met at least once to prove anything. */
export const REQUIRED_EVENTS: readonly RequiredEvent[] = [
  { name: "retransmission time-outs", counters: ["tcpTimeouts"] },
  { name: "fast retransmits", counters: ["tcpFastRetransmits"] },
  { name: "SACK recoveries", counters: ["tcpSackRecoveries"] },
  { name: "zero windows", counters: ["tcpZeroWindows"] },
  { name: "reorderings", counters: ["tcpOutOfOrder"] },
  { name: "reassemblies", counters: ["ipReassembled"] },
  { name: "simultaneous closes", counters: ["tcpSimultaneousCloses"] },
  { name: "resets", counters: ["tcpResetsIn"] },
  { name: "cookies", counters: ["tcpCookiesAccepted"] },
  { name: "sequence wraps", counters: ["tcpSequenceWraps"] },
  { name: "buffer exhaustions", counters: ["exhausted.buffer"] },
];

/** What many runs came to. */
export interface Summary {
  runs: number;
  failed: number;
  lossy: number;
  tolerant: number;
  bytesMin: number;
  bytes: number;
  steps: number;
  totals: Totals;
}

/** Nothing has run yet. */
export function emptySummary(): Summary {
  return {
    runs: 0,
    failed: 0,
    lossy: 0,
    tolerant: 0,
    bytesMin: Number.POSITIVE_INFINITY,
    bytes: 0,
    steps: 0,
    totals: {},
  };
}

/** Adds a run. */
export function addRun(summary: Summary, result: RunResult): void {
  summary.runs++;
  if (result.failure !== undefined) summary.failed++;
  if (result.lossy) summary.lossy++;
  if (result.tolerant) summary.tolerant++;
  summary.bytesMin = Math.min(summary.bytesMin, result.bytes);
  summary.bytes += result.bytes;
  summary.steps += result.steps;
  addTotals(summary.totals, result.totals);
  addTotals(
    summary.totals,
    Object.fromEntries(Object.entries(result.links).map(([k, v]) => [`link.${k}`, v])),
  );
}

/** How often a required event happened. */
export function occurrences(summary: Summary, event: RequiredEvent): number {
  return event.counters.reduce((sum, name) => sum + (summary.totals[name] ?? 0), 0);
}

/** The last line of a run. */
export function resultLine(result: RunResult): string {
  if (result.failure !== undefined) return `seed ${result.seed} FAILED: ${result.failure}`;
  return `seed ${result.seed} ok steps ${result.steps} digest ${result.digest}`;
}

/** How to see a failed run again. */
export function replayHint(seed: bigint): string {
  return `replay: npm run sim -- --seed ${seed} --trace   (or --pcap FILE)`;
}

/** The summary of many runs, for people. */
export function summaryLines(summary: Summary, verbose: boolean): string[] {
  const megabytes = (bytes: number) => `${(bytes / (1 << 20)).toFixed(2)} MiB`;
  const lines = REQUIRED_EVENTS.map(
    (event) => `${String(occurrences(summary, event)).padStart(12)}  ${event.name}`,
  );
  if (verbose) {
    const rest = Object.entries(summary.totals).filter(([, value]) => value > 0);
    lines.push(...rest.sort().map(([name, value]) => `${String(value).padStart(12)}  ${name}`));
  }
  lines.push(
    `${summary.runs} seeds, ${summary.failed} failed, ${summary.lossy} over loss, ${summary.tolerant} with ` +
      `arbitrary corruption, ${megabytes(summary.bytes)} moved (least ${megabytes(summary.bytesMin)}), ` +
      `${summary.steps} steps`,
  );
  return lines;
}
