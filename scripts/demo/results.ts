/** From samples to medians, the table and the file. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ContestantName } from "./contestants.js";
import type { Sample } from "./measure.js";
import type { WorkloadName } from "./workloads.js";
import { workloads } from "./workloads.js";

/** One element of `build/demo.json`. Without a measurement of Gazelle its values are null. */
interface Row {
  test: WorkloadName;
  kernel_rps: number;
  kernel_equal_rps: number;
  gazelle_rps: number | null;
  /** gazelle_rps / kernel_rps. */
  ratio: number | null;
  /** gazelle_rps / kernel_equal_rps. */
  ratio_equal: number | null;
  kernel_p99_ms: number;
  kernel_equal_p99_ms: number;
  gazelle_p99_ms: number | null;
  /** How many samples of each server the medians are taken from. */
  samples: number;
}

/** Of an even number of values: the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) {
    throw new Error("the median of nothing");
  }
  return (lower + upper) / 2;
}

/** All samples of a run. */
export class Results {
  readonly #samples = new Map<string, Sample[]>();

  add(test: WorkloadName, name: ContestantName, sample: Sample): void {
    this.#samples.set(`${test}/${name}`, [...this.of(test, name), sample]);
  }

  of(test: WorkloadName, name: ContestantName): readonly Sample[] {
    return this.#samples.get(`${test}/${name}`) ?? [];
  }

  #median(test: WorkloadName, name: ContestantName, field: keyof Sample): number {
    return Number(median(this.of(test, name).map((sample) => sample[field])).toFixed(3));
  }

  /** The tests in which the fastest sample of a kernel was more than `factor` times its slowest. */
  noisyTests(factor: number): WorkloadName[] {
    const varies = (test: WorkloadName, name: ContestantName): boolean => {
      const rates = this.of(test, name).map((sample) => sample.requestsPerSecond);
      return Math.max(...rates) > factor * Math.min(...rates);
    };
    const tests = workloads.map((workload) => workload.name);
    return tests.filter((test) => varies(test, "kernel") || varies(test, "kernel_equal"));
  }

  rows(): Row[] {
    return workloads.map(({ name: test }) => {
      const measured = this.of(test, "gazelle").length > 0;
      const kernel = this.#median(test, "kernel", "requestsPerSecond");
      const kernelEqual = this.#median(test, "kernel_equal", "requestsPerSecond");
      const gazelle = measured ? this.#median(test, "gazelle", "requestsPerSecond") : null;
      return {
        test,
        kernel_rps: kernel,
        kernel_equal_rps: kernelEqual,
        gazelle_rps: gazelle,
        ratio: gazelle === null ? null : Number((gazelle / kernel).toFixed(4)),
        ratio_equal: gazelle === null ? null : Number((gazelle / kernelEqual).toFixed(4)),
        kernel_p99_ms: this.#median(test, "kernel", "p99Ms"),
        kernel_equal_p99_ms: this.#median(test, "kernel_equal", "p99Ms"),
        gazelle_p99_ms: measured ? this.#median(test, "gazelle", "p99Ms") : null,
        samples: this.of(test, "kernel").length,
      };
    });
  }
}

function thousands(value: number | null): string {
  return value === null ? "-" : (value / 1_000).toFixed(1);
}

function times(value: number | null): string {
  return value === null ? "-" : `${value.toFixed(2)} x`;
}

function milliseconds(value: number | null): string {
  return value === null ? "-" : value.toFixed(2);
}

/** The table for the terminal. */
export function formatTable(rows: readonly Row[]): string {
  const head = ["", "kernel", "equal", "Gazelle", "/kernel", "/equal", "kernel", "equal", "Gazelle"];
  const body = rows.map((row) => [
    row.test,
    thousands(row.kernel_rps),
    thousands(row.kernel_equal_rps),
    thousands(row.gazelle_rps),
    times(row.ratio),
    times(row.ratio_equal),
    milliseconds(row.kernel_p99_ms),
    milliseconds(row.kernel_equal_p99_ms),
    milliseconds(row.gazelle_p99_ms),
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...body].map((line) => line[column]?.length ?? 0), 8),
  );
  const format = (line: readonly string[]): string =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ");
  const group = (title: string, first: number, last: number): string =>
    title.padStart(widths.slice(first, last + 1).reduce((sum, width) => sum + width + 2, 0));
  const groups = " ".repeat(widths[0] ?? 0) + group("thousand requests/s", 1, 3) + group("ratio", 4, 5);
  const lines = [groups + group("99 % below, ms", 6, 8), format(head), ...body.map(format)];
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Writes the rows so that a reader sees the old file or the new one, never half of it. */
export function writeRows(file: string, rows: readonly Row[]): void {
  const target = resolve(file);
  mkdirSync(dirname(target), { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify(rows, null, 2)}\n`);
  renameSync(unfinished, target);
}
