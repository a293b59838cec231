import { readFileSync } from "node:fs";
import { inBuild } from "../../scripts/build/paths.js";
import { type Contestant, redisPort } from "../../scripts/demo/contestants.js";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses } from "../../scripts/lab/lab.js";
import { runProgram, startProgram } from "../../scripts/lab/program.js";
import { type WireDelays, wireDelays } from "./capture.js";

const CLIENT = inBuild("node", "bench", "idle", "client.js");
const TICKS_PER_SECOND = 100;
/** Time for clients to connect before the first request. */
const LEAD_MS = 1500;
const PAUSE_MS = 1000;
const CAPTURE_MS = 1500;
/** What the server computes, in seconds, and how often it is pinged meanwhile. */
const COMPUTE_SECONDS = 2;
const PING_INTERVAL_S = 0.01;

/** Processor time of all threads of a process so far, in seconds. */
function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Processor time of a server that nobody talks to, in per cent of a core. */
export async function idleShare({ server }: Contestant, seconds: number): Promise<number> {
  const before = processorSeconds(server.pid);
  const start = performance.now();
  await pause(seconds * 1000);
  return ((processorSeconds(server.pid) - before) / (performance.now() - start)) * 100_000;
}

function runClient(contestant: Contestant, word: string, numbers: readonly number[]): Promise<unknown> {
  const where = [word, addresses.server, String(redisPort)];
  return runProgram({
    namespace: contestant.lab.clientNamespace,
    role: "client",
    command: process.execPath,
    argumentList: [CLIENT, ...where, ...numbers.map(String)],
    timeoutMs: 120_000,
  }).then(({ stdout }) => JSON.parse(stdout.toString()) as unknown);
}

/** Captures what the client's interface sees during `work`. */
async function captured<T>({ lab }: Contestant, work: () => Promise<T>): Promise<[T, WireDelays]> {
  const capture = startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "tcpdump",
    argumentList: ["-n", "-tt", "-S", "-i", lab.clientInterface, "tcp or icmp"],
  });
  if (!(await waitUntil(() => capture.output().includes("listening on"), 5000)))
    throw new Error(`tcpdump does not start: ${capture.output()}`);
  const result = await work();
  // The kernel hands packets to tcpdump once a second, which disturbs less.
  await pause(CAPTURE_MS);
  const { stdout } = await capture.stop();
  return [result, wireDelays(stdout.toString(), addresses.client)];
}

/** Latencies in microseconds, as the client saw them and as its interface did. */
export interface Latencies {
  seen: number[];
  wire: number[];
}

/**
 * Latencies of `count` requests to each server, which take turns: one asks, a second later the other one
 * does. Each server, and each client, has been idle for longer than a second.
 */
export function latenciesAfterPauses(
  contestants: readonly Contestant[],
  count: number,
): Promise<Latencies[]> {
  const first = Date.now() + LEAD_MS;
  const period = contestants.length * PAUSE_MS;
  const samples = contestants.map(async (contestant, place) => {
    const numbers = [first + place * PAUSE_MS, period, count];
    const [seen, { replies }] = await captured(contestant, () => runClient(contestant, "latency", numbers));
    // The first request found the connection new, not idle.
    return { seen: seen as number[], wire: replies.slice(1).map((delay) => delay * 1000) };
  });
  return Promise.all(samples);
}

/** What the wire saw while the server computed for two seconds. */
export async function delaysWhileComputing(contestant: Contestant): Promise<WireDelays> {
  const load = ["-n", "-q", "-i", String(PING_INTERVAL_S), "-w", "1", addresses.server];
  const namespace = contestant.lab.clientNamespace;
  const [, delays] = await captured(contestant, async () => {
    const computing = runClient(contestant, "compute", [COMPUTE_SECONDS]);
    await pause(500);
    await runProgram({ namespace, role: "client", command: "ping", argumentList: load });
    await computing;
  });
  return delays;
}
