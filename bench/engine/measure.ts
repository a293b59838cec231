import { runChecked } from "../../scripts/build/command.js";
import { ENGINE_DRIVER, ENGINE_STACKS } from "./build.js";

/** A row of the benchmark: its name, the driver's word for it, and what one operation counts as. */
export interface EngineRow {
  name: string;
  row: string;
  unit: string;
  /** Operations in one of `unit`. */
  scale: number;
}

/** Every row, in the order of the table. */
export const ENGINE_ROWS: readonly EngineRow[] = [
  { name: "rr 64 B, 1 connection", row: "rr-1", unit: "round trips/s", scale: 1 },
  { name: "rr 64 B, 1000 connections", row: "rr-1000", unit: "round trips/s", scale: 1 },
  { name: "bulk, 1 connection", row: "bulk", unit: "MB/s", scale: 1e6 },
  { name: "connect-request-close", row: "connect", unit: "connections/s", scale: 1 },
];

/** The driver's number of a row (bench/engine/driver/rows.ts), and how many connections it opens first. */
function rowArguments(row: string): string[] {
  const [word, count] = row.split("-");
  if (word === "idle") return ["1", String(1 + Number(count))];
  if (word === "bulk") return ["2", "1"];
  return word === "connect" ? ["3", "0"] : ["0", String(count)];
}

/** Who is measured. */
export type EngineStack = keyof typeof ENGINE_STACKS;

/** What the driver prints. */
export interface EngineSample {
  operations: number;
  /** Bytes compared with what was sent. */
  verified: number;
  seconds: number;
  /** The stack's configuration. */
  options: string;
}

/**
 * One run of the driver: a process of its own. Throws CommandError when it says that something went wrong.
 */
export async function measureEngine(
  stack: EngineStack,
  row: EngineRow,
  seconds: number,
): Promise<EngineSample> {
  const line = await runChecked(ENGINE_DRIVER, [
    ENGINE_STACKS[stack],
    ...rowArguments(row.row),
    String(seconds),
  ]);
  return JSON.parse(line) as EngineSample;
}

/** The sample's rate in the row's unit. */
export function rateOf(row: EngineRow, sample: EngineSample): number {
  return sample.operations / row.scale / sample.seconds;
}
