/** How the tests start redis-server and talk to it. */
import type { ProgramResult } from "../../scripts/lab/program.js";
import type { Service, ServiceOptions } from "./service.js";
import { serverAddress } from "./service.js";

const port = 6379;

/** redis-benchmark and redis-cli find the server with these. */
export const redisEndpoint = ["-h", serverAddress, "-p", String(port)] as const;

/** redis-benchmark asks for the configuration over a connection of its own before it starts. */
export const configurationConnections = 1;

/** The counter that `redis-benchmark -t incr` increments. */
export const benchmarkCounter = "counter:__rand_int__";

/** Debian's redis-server with its default settings, background saves included. */
export const redisService: Omit<ServiceOptions, "stack" | "label"> = {
  command: "redis-server",
  argumentList: (folder) => {
    const bind = ["--bind", serverAddress, "--port", String(port), "--protected-mode", "no"];
    return [...bind, "--dir", folder];
  },
  processNames: ["redis-server"],
  ready: { port },
};

/** Runs redis-benchmark with a number of connections. */
export function redisBenchmark(
  service: Service,
  connections: number,
  argumentList: readonly string[],
): Promise<ProgramResult> {
  const common = [...redisEndpoint, "-q", "-c", String(connections)];
  return service.client("redis-benchmark", [...common, ...argumentList]);
}

/** Runs one command through redis-cli and returns its answer. */
export async function redisCommand(service: Service, ...argumentList: string[]): Promise<string> {
  const result = await service.client("redis-cli", [...redisEndpoint, "--raw", ...argumentList]);
  return result.stdout.toString().trimEnd();
}
