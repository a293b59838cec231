/** Taking one sample with redis-benchmark. */
import type { Lab } from "../lab/lab.js";
import { addresses } from "../lab/lab.js";
import { runProgram } from "../lab/program.js";
import type { Contestant, ContestantName } from "./contestants.js";
import { redisPort } from "./contestants.js";
import type { Workload } from "./workloads.js";

/** What redis-benchmark reports. */
export interface Sample {
  requestsPerSecond: number;
  /** The latency that 99 % of the requests stayed below, in milliseconds. */
  p99Ms: number;
}

/** redis-benchmark replaces `__rand_int__` only when it is given a range of keys. */
const benchmarkKey = "key:__rand_int__";
const serverArguments = ["-h", addresses.server, "-p", String(redisPort)];
const sampleTimeoutMs = 60_000;

/** Runs redis-cli in the client's namespace and returns what it printed. */
export async function redisCli(
  lab: Lab,
  argumentList: readonly string[],
  input: Buffer | string,
): Promise<Buffer> {
  const result = await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "redis-cli",
    argumentList: [...serverArguments, ...argumentList],
    input,
  });
  return result.stdout;
}

/** Empties the database and stores the value that GET will read: no test reads another's leftovers. */
async function storeOnlyValue(lab: Lab, valueBytes: number): Promise<void> {
  const commands = `FLUSHALL\nSET ${benchmarkKey} ${"x".repeat(valueBytes)}\nSTRLEN ${benchmarkKey}\n`;
  const answer = (await redisCli(lab, [], commands)).toString();
  if (answer.trim() !== `OK\nOK\n${valueBytes}`) {
    throw new Error(`Redis answered FLUSHALL, SET and STRLEN with ${JSON.stringify(answer)}`);
  }
}

/** Reads what `redis-benchmark --csv` prints: a line of names and one of values, both quoted. */
export function parseBenchmark(csv: string): Sample {
  const lines = csv.split("\n").filter((line) => line.startsWith('"'));
  const [names = [], values = []] = lines.map((line) => line.slice(1, -1).split('","'));
  const value = (name: string): number => {
    const number = Number(values[names.indexOf(name)]);
    if (!Number.isFinite(number) || number <= 0) {
      throw new Error(`redis-benchmark reported no ${name}: ${csv}`);
    }
    return number;
  };
  return { requestsPerSecond: value("rps"), p99Ms: value("p99_latency_ms") };
}

async function benchmark(lab: Lab, workload: Workload, requests: number): Promise<Sample> {
  const load = ["-c", workload.connections, "-P", workload.pipeline, "-d", workload.valueBytes].map(String);
  const mode = ["-k", workload.keepAlive ? "1" : "0", "-t", workload.command];
  const result = await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "redis-benchmark",
    argumentList: [...serverArguments, ...load, ...mode, "-n", String(requests), "--csv", "--precision", "3"],
    timeoutMs: sampleTimeoutMs,
  });
  return parseBenchmark(result.stdout.toString());
}

/** How fast each server was the last time, to size the next sample. */
export class Pace {
  readonly #rates = new Map<string, number>();

  #key(workload: Workload, name: ContestantName): string {
    return `${workload.name}/${name}`;
  }

  /** Requests that will last `seconds`, or those of the warm-up while nothing is known. */
  requests(workload: Workload, name: ContestantName, seconds: number): number {
    const rate = this.#rates.get(this.#key(workload, name));
    const perTurn = workload.connections * workload.pipeline;
    return rate === undefined ? workload.warmUpRequests : Math.max(4 * perTurn, Math.round(rate * seconds));
  }

  isKnown(workload: Workload, name: ContestantName): boolean {
    return this.#rates.has(this.#key(workload, name));
  }

  learn(workload: Workload, name: ContestantName, sample: Sample): void {
    this.#rates.set(this.#key(workload, name), sample.requestsPerSecond);
  }
}

/** Measures one server with one test for about `seconds`. The server runs only during this call. */
export async function takeSample(
  contestant: Contestant,
  workload: Workload,
  pace: Pace,
  seconds: number,
): Promise<Sample> {
  const { lab, name, server } = contestant;
  server.signal("SIGCONT");
  await storeOnlyValue(lab, workload.valueBytes);
  if (!pace.isKnown(workload, name)) {
    pace.learn(workload, name, await benchmark(lab, workload, workload.warmUpRequests));
  }
  const sample = await benchmark(lab, workload, pace.requests(workload, name, seconds));
  pace.learn(workload, name, sample);
  server.signal("SIGSTOP");
  return sample;
}
