/** How the tests start redis-server and talk to it, and the tests that several suites need. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { ProgramResult } from "../../scripts/lab/program.js";
import type { Service, ServiceOptions } from "./service.js";
import { serverAddress } from "./service.js";

/** Where Redis listens. */
export const redisPort = 6_379;

/** redis-benchmark and redis-cli find the server with these. */
export const redisEndpoint = ["-h", serverAddress, "-p", String(redisPort)] as const;

/** redis-benchmark asks for the configuration over a connection of its own before it starts. */
const configurationConnections = 1;

/** The counter that `redis-benchmark -t incr` increments. */
export const benchmarkCounter = "counter:__rand_int__";

/** Debian's redis-server with its default settings, background saves included. */
export const redisService: Omit<ServiceOptions, "stack" | "label"> = {
  command: "redis-server",
  argumentList: (folder) => {
    const bind = ["--bind", serverAddress, "--port", String(redisPort), "--protected-mode", "no"];
    return [...bind, "--dir", folder];
  },
  processNames: ["redis-server"],
  ready: { port: redisPort },
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

/** Declares tests in which clients, one and fifty, increment a counter. */
export function declareIncrements(service: () => Service): void {
  for (const connections of [1, 50]) {
    test(`counts every INCR over ${connections} connections`, async () => {
      const requests = String(200 * connections);
      await redisCommand(service(), "FLUSHALL");
      await service().accounted(
        () => redisBenchmark(service(), connections, ["-t", "incr", "-n", requests]),
        { connections: connections + configurationConnections },
      );
      assert.equal(await redisCommand(service(), "GET", benchmarkCounter), requests);
    });
  }
}

/** Declares a test in which a large value comes back. */
export function declareLargeValue(service: () => Service): void {
  test("returns an 8 MB value byte for byte", async () => {
    const value = randomBytes(8 << 20);
    await service().client("redis-cli", [...redisEndpoint, "-x", "SET", "large"], { input: value });
    const answer = await service().client("redis-cli", [...redisEndpoint, "--raw", "GET", "large"]);
    // redis-cli ends what it prints with a line feed.
    assert.ok(value.equals(answer.stdout.subarray(0, -1)));
  });
}
