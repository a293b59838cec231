import { resolve } from "node:path";
import { writeAtomically } from "../scripts/build/files.js";

/** The samples of one row, each a rate: ours, and those of every peer by name. */
export interface Rates {
  ours: number[];
  peers: Record<string, number[]>;
}

/** One element of the results' array. */
export interface BenchResult {
  name: string;
  /** A rate: more is better; or a time: less is. */
  unit: string;
  /** Median of our samples. */
  ours: number;
  peers: Record<string, number>;
  /** ours / peer. */
  ratio: Record<string, number>;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new Error("the median of nothing");
  return (lower + upper) / 2;
}

/** From samples to medians and ratios. */
export function compareRates(name: string, unit: string, rates: Rates): BenchResult {
  const ours = median(rates.ours);
  const peers = Object.entries(rates.peers).map(([peer, values]) => [peer, median(values)] as const);
  return {
    name,
    unit,
    ours: Number(ours.toFixed(1)),
    peers: Object.fromEntries(peers.map(([peer, rate]) => [peer, Number(rate.toFixed(1))])),
    ratio: Object.fromEntries(peers.map(([peer, rate]) => [peer, Number((ours / rate).toFixed(3))])),
  };
}

function grouped(rate: number): string {
  if (rate < 100 && !Number.isInteger(rate)) return rate.toFixed(1);
  return Math.round(rate).toLocaleString("en-US");
}

/** A table for people: a row each, the ratio to every peer behind it. */
export function formatTable(results: readonly BenchResult[]): string {
  const peers = Object.keys(results[0]?.peers ?? {});
  const lines = [["", "ours", ...peers, ...peers.map((peer) => `ours/${peer}`), "unit"]];
  for (const { name, unit, ours, peers: rates, ratio } of results) {
    const numbers = [ours, ...peers.map((peer) => rates[peer] ?? 0)].map(grouped);
    lines.push([name, ...numbers, ...peers.map((peer) => (ratio[peer] ?? 0).toFixed(2)), unit]);
  }
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const cell = (text: string, column: number) => {
    const width = widths?.[column] ?? 0;
    return column === 0 || column === peers.length * 2 + 2 ? text.padEnd(width) : text.padStart(width);
  };
  return lines.map((line) => line.map(cell).join("  ").trimEnd()).join("\n");
}

/** Writes the array of results, all of it or nothing. A relative path is the caller's. */
export function writeResults(path: string, results: readonly BenchResult[]): void {
  writeAtomically(resolve(path), `${JSON.stringify(results, null, 2)}\n`);
}
