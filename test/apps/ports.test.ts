/** The main job, Redis under load, over every port: AF_PACKET, and DPDK with its virtual drivers. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { ConfigurationOptions } from "../../scripts/lab/lstack-conf.js";
import { onEachStack } from "./each-stack.js";
import {
  benchmarkCounter,
  configurationConnections,
  redisBenchmark,
  redisCommand,
  redisEndpoint,
  redisService,
} from "./redis-server.js";

const configurations: readonly ConfigurationOptions[] = [
  { port: "packet" },
  { port: "dpdk", driver: "af_packet" },
  { port: "dpdk", driver: "af_xdp" },
  { port: "dpdk", driver: "tap" },
];

for (const configuration of configurations) {
  const title = ["redis over", configuration.port, configuration.driver].filter(Boolean).join(" ");
  onEachStack(
    title,
    () => ({ ...redisService, configuration }),
    (service) => {
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

      test("returns an 8 MB value byte for byte", async () => {
        const value = randomBytes(8 << 20);
        await service().client("redis-cli", [...redisEndpoint, "-x", "SET", "large"], value);
        const answer = await service().client("redis-cli", [...redisEndpoint, "--raw", "GET", "large"]);
        // redis-cli ends what it prints with a line feed.
        assert.ok(value.equals(answer.stdout.subarray(0, -1)));
      });
    },
    ["gazelle"],
  );
}
