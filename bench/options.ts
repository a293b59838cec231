import { parseArgs } from "node:util";
import type { EngineOptions } from "./engine/main.js";

/** Printed with every complaint about the command line. */
export const BENCH_USAGE = `usage: npm run bench -- engine [--json FILE] [--rounds N] [--seconds S]

  engine          our stack and lwIP, two instances of each back to back in memory
  --json FILE     writes the results there
  --rounds N      samples of each stack in each row (default 7, odd numbers make clear medians)
  --seconds S     length of one sample (default 0.3)`;

/** Thrown when the command line is wrong; the message says how. */
export class BenchUsageError extends Error {}

function positive(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!(value > 0 && value <= most))
    throw new BenchUsageError(`--${name} ${text}: not above 0 and at most ${most}`);
  return value;
}

/** Reads the command line; throws BenchUsageError. */
export function parseBenchOptions(args: string[]): EngineOptions {
  const options = {
    json: { type: "string" },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "0.3" },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length !== 1 || positionals[0] !== "engine") {
      throw new BenchUsageError(`which benchmark? ${positionals.join(" ")}`.trim());
    }
    const rounds = positive("rounds", values.rounds, 1000);
    if (!Number.isInteger(rounds)) throw new BenchUsageError(`--rounds ${values.rounds}: not a whole number`);
    return { rounds, seconds: positive("seconds", values.seconds, 60), jsonFile: values.json };
  } catch (error) {
    if (error instanceof TypeError) throw new BenchUsageError(error.message);
    throw error;
  }
}
