/** Debian's redis-server, unmodified, with redis-benchmark and redis-cli. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { waitUntil } from "../../scripts/lab/command.js";
import { onEachStack } from "./each-stack.js";
import type { Service } from "./service.js";
import { serverAddress } from "./service.js";

const port = 6379;
const endpoint = ["-h", serverAddress, "-p", String(port)];
/** redis-benchmark asks for the configuration over a connection of its own before it starts. */
const configurationConnections = 1;

function benchmark(service: Service, connections: number, argumentList: readonly string[]) {
  return service.client("redis-benchmark", [...endpoint, "-q", "-c", String(connections), ...argumentList]);
}

async function command(service: Service, ...argumentList: string[]): Promise<string> {
  const result = await service.client("redis-cli", [...endpoint, "--raw", ...argumentList]);
  return result.stdout.toString().trimEnd();
}

onEachStack(
  "redis",
  () => ({
    command: "redis-server",
    argumentList: (folder) => {
      const bind = ["--bind", serverAddress, "--port", String(port), "--protected-mode", "no"];
      return [...bind, "--dir", folder];
    },
    processNames: ["redis-server"],
    ready: { port },
  }),
  (service, stack) => {
    for (const connections of [1, 50]) {
      test(`counts every INCR over ${connections} connections`, async () => {
        const requests = 200 * connections;
        await command(service(), "FLUSHALL");
        await service().accounted(
          () => benchmark(service(), connections, ["-t", "incr", "-n", String(requests)]),
          { connections: connections + configurationConnections },
        );
        assert.equal(await command(service(), "GET", "counter:__rand_int__"), String(requests));
      });
    }

    test("counts every pipelined INCR over 50 connections", async () => {
      const requests = 160_000;
      await command(service(), "FLUSHALL");
      await benchmark(service(), 50, ["-P", "16", "-t", "incr", "-n", String(requests)]);
      assert.equal(await command(service(), "GET", "counter:__rand_int__"), String(requests));
    });

    test("serves a new connection per request", async () => {
      const requests = 2_000;
      await command(service(), "FLUSHALL");
      await service().accounted(() =>
        benchmark(service(), 50, ["-k", "0", "-t", "incr", "-n", String(requests)]),
      );
      assert.equal(await command(service(), "GET", "counter:__rand_int__"), String(requests));
    });

    test("moves 64 KB values over 8 connections", async () => {
      await benchmark(service(), 8, ["-d", "65536", "-t", "set,get", "-n", "2000"]);
      assert.equal(await command(service(), "STRLEN", "key:__rand_int__"), "65536");
    });

    test("returns an 8 MB value byte for byte", async () => {
      const value = randomBytes(8 << 20);
      await service().client("redis-cli", [...endpoint, "-x", "SET", "large"], value);
      const answer = await service().client("redis-cli", [...endpoint, "--raw", "GET", "large"]);
      // redis-cli ends what it prints with a line feed.
      assert.ok(value.equals(answer.stdout.subarray(0, -1)));
    });

    test("saves in the background under load", async () => {
      const requests = 100_000;
      await command(service(), "FLUSHALL");
      assert.match(await command(service(), "CONFIG", "GET", "save"), /3600 1 300 100 60 10000/);
      const load = benchmark(service(), 50, ["-t", "incr", "-n", String(requests)]);
      for (let save = 0; save < 3; save++) {
        assert.match(await command(service(), "BGSAVE"), /Background saving started/);
        const saved = await waitUntil(
          async () => /rdb_bgsave_in_progress:0/.test(await command(service(), "INFO", "persistence")),
          20_000,
        );
        assert.ok(saved, "the background save does not end");
      }
      await load;
      assert.match(await command(service(), "INFO", "persistence"), /rdb_last_bgsave_status:ok/);
      assert.equal(await command(service(), "GET", "counter:__rand_int__"), String(requests));
      await service().client("redis-check-rdb", [join(service().folder, "dump.rdb")]);
      if (stack === "gazelle") {
        assert.equal(service().fallbackProblem(), "");
      }
    });
  },
);
