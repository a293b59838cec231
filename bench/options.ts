import { parseArgs } from "node:util";

/** The benchmarks, with what they do when the command line does not say otherwise. */
const BENCHMARKS = {
  engine: { rounds: "7", seconds: "0.3" },
  epoll: { rounds: "7", seconds: "0.3" },
  idle: { rounds: "40", seconds: "5" },
  ltran: { rounds: "5", seconds: "1" },
  samehost: { rounds: "5", seconds: "1" },
  forward: { rounds: "5", seconds: "1" },
} as const;

/** How long and how often, and where the results go. */
export interface BenchOptions {
  benchmark: keyof typeof BENCHMARKS;
  /** Length of one sample. */
  seconds: number;
  /** Samples of each contestant. */
  rounds: number;
  /** `undefined`: write none. */
  jsonFile: string | undefined;
}

/** Printed with every complaint about the command line. */
export const BENCH_USAGE = `usage: npm run bench -- NAME [--json FILE] [--rounds N] [--seconds S]

  engine          our stack and lwIP, two instances of each back to back in memory
  epoll           our stack with one active connection beside 1,000 idle ones, and beside one
  idle            Redis on the stack and on the kernel: processor time while idle, latency after a pause of
                  1 s, and what answers while it computes; needs root
  ltran           Redis behind ltran and on the kernel, with the demo's tests; needs root
  samehost        programs of one machine with a ring of their own, and on the kernel's loopback; needs root
  forward         frames that a core forwards, in ltran and in DPDK's testpmd; needs root
  --json FILE     writes the results there
  --rounds N      samples of each contestant (default 7, odd numbers make clear medians; idle: pauses, 40)
  --seconds S     length of one sample (default 0.3; idle: of one look at the processor time, 5)`;

/** Thrown when the command line is wrong; the message says how. */
export class BenchUsageError extends Error {}

function positive(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!(value > 0 && value <= most))
    throw new BenchUsageError(`--${name} ${text}: not above 0 and at most ${most}`);
  return value;
}

function isBenchmark(name: string | undefined): name is keyof typeof BENCHMARKS {
  return name !== undefined && Object.hasOwn(BENCHMARKS, name);
}

/** Reads the command line; throws BenchUsageError. */
export function parseBenchOptions(args: string[]): BenchOptions {
  const options = {
    json: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [benchmark, ...others] = positionals;
    if (!isBenchmark(benchmark) || others.length > 0) {
      throw new BenchUsageError(`which benchmark? ${positionals.join(" ")}`.trim());
    }
    const { rounds, seconds } = { ...BENCHMARKS[benchmark], ...values };
    const count = positive("rounds", rounds, 1000);
    if (!Number.isInteger(count)) throw new BenchUsageError(`--rounds ${rounds}: not a whole number`);
    return { benchmark, rounds: count, seconds: positive("seconds", seconds, 60), jsonFile: values.json };
  } catch (error) {
    if (error instanceof TypeError) throw new BenchUsageError(error.message);
    throw error;
  }
}
