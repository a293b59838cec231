/** Programs of one machine that talk to each other: Redis and sockperf, accelerated or on the loopback. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseBenchmark } from "../../scripts/demo/measure.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, type Lab } from "../../scripts/lab/lab.js";
import { type Program, runProgram, startProgram } from "../../scripts/lab/program.js";
import { preloadEnvironment } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";

const readyTimeoutMs = 10_000;
const sampleTimeoutMs = 60_000;
const redisPort = 6_379;
const sockperfPort = 11_111;

/** One of the two: how its programs reach each other. */
export interface Host {
  name: "kernel" | "gazelle";
  lab: Lab;
  /** Where its Redis and its sockperf serve. */
  redisAddress: string;
  sockperfAddress: string;
  /** The address of its clients, which have one after the other. */
  clientAddress: string;
  /** The unix_prefix of the ltran of accelerated programs. */
  prefix: string;
}

/** The environment of a program; `kernel` programs have none of ours. */
function environment(host: Host, program: string, address: string): Record<string, string> {
  if (host.name === "kernel") return {};
  const path = join(temporaryFolder(), `samehost-${address}.conf`);
  const lines = [
    "use_ltran=1",
    `unix_prefix="${host.prefix}"`,
    `host_addr="${address}"`,
    `mask_addr="${addresses.mask}"`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  return { ...preloadEnvironment(), GAZELLE_BIND_PROCNAME: program, LSTACK_CONF_PATH: path };
}

async function startServer(
  host: Host,
  command: string,
  argumentList: readonly string[],
  address: string,
  ready: RegExp,
): Promise<Program> {
  const program = startProgram({
    namespace: host.lab.serverNamespace,
    role: "server",
    command,
    argumentList,
    environment: environment(host, command, address),
    workingFolder: temporaryFolder(),
  });
  const isReady = () => ready.test(program.output()) || program.result() !== undefined;
  await waitUntil(isReady, readyTimeoutMs);
  if (program.result() !== undefined) throw new Error(`${command} ended:\n${program.output()}`);
  return program;
}

/** Starts its Redis. */
export function startRedis(host: Host): Promise<Program> {
  const bind = ["--bind", host.redisAddress, "--port", String(redisPort), "--protected-mode", "no"];
  return startServer(host, "redis-server", [...bind, "--save", ""], host.redisAddress, /Ready to accept/);
}

/** Starts its sockperf. */
export function startSockperf(host: Host): Promise<Program> {
  const words = ["sr", "--tcp", "-i", host.sockperfAddress, "-p", String(sockperfPort)];
  return startServer(host, "sockperf", words, host.sockperfAddress, /using recvfrom/);
}

async function runClient(host: Host, command: string, argumentList: readonly string[]): Promise<string> {
  const result = await runProgram({
    namespace: host.lab.serverNamespace,
    role: "client",
    command,
    argumentList,
    environment: environment(host, command, host.clientAddress),
    timeoutMs: sampleTimeoutMs,
  });
  return result.stdout.toString();
}

/** GETs per second over some connections. */
export async function getsPerSecond(host: Host, connections: number, requests: number): Promise<number> {
  const server = ["-h", host.redisAddress, "-p", String(redisPort)];
  const load = ["-t", "get", "-c", String(connections), "-n", String(requests)];
  const output = await runClient(host, "redis-benchmark", [...server, ...load, "--csv", "--precision", "3"]);
  return parseBenchmark(output).requestsPerSecond;
}

/** The median round trip of sockperf's ping-pong over TCP, in microseconds. */
export async function medianRoundTrip(host: Host, seconds: number): Promise<number> {
  const server = ["-i", host.sockperfAddress, "-p", String(sockperfPort)];
  const time = String(Math.max(1, Math.round(seconds)));
  const output = await runClient(host, "sockperf", ["pp", "--tcp", ...server, "-t", time, "--full-rtt"]);
  const found = /percentile 50\.000\s*=\s*([\d.]+)/.exec(output);
  if (found === null) throw new Error(`sockperf reported no median:\n${output}`);
  return Number(found[1]);
}
