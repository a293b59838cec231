import { LATENCY_CELLS } from "../../../build/generated/node/layout.js";
import { LATENCIES, type Statistics } from "../../statistics.js";
import { askAgain, type Instance } from "../instances.js";
import { Sheet } from "../sheet.js";
import { pause, type View } from "../view.js";

/** Cells that hold one value each, and cells of each power of two behind them (stack/stats/latency.ts). */
const EXACT = 32;
const PER_OCTAVE = 16;

/** How long one stage took, in microseconds. */
interface Row {
  stack: number;
  stage: string;
  histogram: Histogram;
}

/** Lowest value of a cell, and how many values fall into it. */
function cellRange(cell: number): { low: number; width: number } {
  if (cell < EXACT) return { low: cell, width: 1 };
  const octave = Math.floor((cell - EXACT) / PER_OCTAVE);
  const width = 2 ** (octave + 1);
  return { low: (PER_OCTAVE + ((cell - EXACT) % PER_OCTAVE)) * width, width };
}

/** Counts by cell; values are told to one part in sixteen. */
export class Histogram {
  readonly #cells: readonly number[];
  readonly count: number;

  constructor(cells: readonly number[]) {
    this.#cells = cells;
    this.count = cells.reduce((sum, value) => sum + value, 0);
  }

  /** The value that a part of all values do not exceed: the middle of its cell; null without values. */
  quantile(part: number): number | null {
    let left = Math.ceil(this.count * part);
    if (left === 0) return null;
    const cell = this.#cells.findIndex((value) => {
      left -= value;
      return left <= 0;
    });
    const { low, width } = cellRange(cell);
    return low + Math.floor(width / 2);
  }

  /** The smallest value, as its cell tells. */
  least(): number | null {
    const cell = this.#cells.findIndex((value) => value > 0);
    return cell < 0 ? null : cellRange(cell).low;
  }

  /** The largest value, as its cell tells. */
  most(): number | null {
    const cell = this.#cells.findLastIndex((value) => value > 0);
    if (cell < 0) return null;
    const { low, width } = cellRange(cell);
    return low + width - 1;
  }

  /** Their mean, of the middles of the cells. */
  mean(): number | null {
    if (this.count === 0) return null;
    const sum = this.#cells.reduce((total, value, cell) => {
      const { low, width } = cellRange(cell);
      return total + value * (low + (width - 1) / 2);
    }, 0);
    return Math.round((10 * sum) / this.count) / 10;
  }
}

const sheet = new Sheet<Row>("latencies", "lines", "How long things took, in the time of observation.")
  .column("stack", "number", "Number of the stack in its process.", (row) => row.stack)
  .column(
    "stage",
    "text",
    "What was measured: read, write, reply or roundTrip (docs/gazellectl.md).",
    (row) => row.stage,
  )
  .column("count", "number", "How many were measured.", (row) => row.histogram.count)
  .column("min", "microseconds", "The shortest.", (row) => row.histogram.least())
  .column("average", "microseconds", "Their mean.", (row) => row.histogram.mean())
  .column("p50", "microseconds", "Half of them took no longer.", (row) => row.histogram.quantile(0.5))
  .column("p90", "microseconds", "Nine in ten took no longer.", (row) => row.histogram.quantile(0.9))
  .column("p99", "microseconds", "99 of 100 took no longer.", (row) => row.histogram.quantile(0.99))
  .column("p99.9", "microseconds", "999 of 1,000 took no longer.", (row) => row.histogram.quantile(0.999))
  .column("p99.99", "microseconds", "9,999 of 10,000 took no longer.", (row) =>
    row.histogram.quantile(0.9999),
  )
  .column("max", "microseconds", "The longest.", (row) => row.histogram.most());

function rowsOf(before: Statistics | undefined, after: Statistics): Row[] {
  return LATENCIES.map((stage, kind) => {
    const at = kind * LATENCY_CELLS;
    const cells = after.latencies.slice(at, at + LATENCY_CELLS).map((value, cell) => {
      return Number(value - (before?.latencies[at + cell] ?? 0n));
    });
    return { stack: after.facts.stack, stage, histogram: new Histogram(cells) };
  });
}

/** `gazellectl lstack show TARGET -l [SECONDS]`. */
export const latency: View<Instance> = {
  words: ["-l", "latency"],
  about: "how long reads, writes, replies and round trips take, over some time",
  time: "seconds",
  sheets: [sheet],
  async read(instance, { time }) {
    await pause((time ?? 1) * 1_000);
    const after = await askAgain(instance);
    const rows = after.stacks.flatMap((stack, i) => rowsOf(instance.stacks[i], stack));
    return [sheet.section(rows, "microseconds, to one part in sixteen")];
  },
};
