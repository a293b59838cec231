/** Debian's redis-server, unmodified, with redis-benchmark and redis-cli. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { waitUntil } from "../../scripts/lab/command.js";
import { onEachStack } from "./each-stack.js";
import {
  benchmarkCounter,
  declareIncrements,
  declareLargeValue,
  redisBenchmark,
  redisCommand,
  redisService,
} from "./redis-server.js";

const saveTimeoutMs = 20_000;

onEachStack(
  "redis",
  () => redisService,
  (service, way) => {
    declareIncrements(service);

    test("counts every pipelined INCR over 50 connections", async () => {
      const requests = "160000";
      await redisCommand(service(), "FLUSHALL");
      await redisBenchmark(service(), 50, ["-P", "16", "-t", "incr", "-n", requests]);
      assert.equal(await redisCommand(service(), "GET", benchmarkCounter), requests);
    });

    test("serves a new connection per request", async () => {
      const requests = "2000";
      await redisCommand(service(), "FLUSHALL");
      // At its end redis-benchmark has as many connections under way as it has clients.
      await service().accounted(
        () => redisBenchmark(service(), 50, ["-k", "0", "-t", "incr", "-n", requests]),
        { abandoned: 50 },
      );
      assert.equal(await redisCommand(service(), "GET", benchmarkCounter), requests);
    });

    test("moves 64 KB values over 8 connections", async () => {
      await redisBenchmark(service(), 8, ["-d", "65536", "-t", "set,get", "-n", "2000"]);
      assert.equal(await redisCommand(service(), "STRLEN", "key:__rand_int__"), "65536");
    });

    declareLargeValue(service);

    test("saves in the background under load", async () => {
      const requests = "200000";
      await redisCommand(service(), "FLUSHALL");
      assert.match(await redisCommand(service(), "CONFIG", "GET", "save"), /3600 1 300 100 60 10000/);
      const load = redisBenchmark(service(), 50, ["-t", "incr", "-n", requests]);
      for (let save = 0; save < 3; save++) {
        assert.match(await redisCommand(service(), "BGSAVE"), /Background saving started/);
        const saved = await waitUntil(
          async () => /rdb_bgsave_in_progress:0/.test(await redisCommand(service(), "INFO", "persistence")),
          saveTimeoutMs,
        );
        assert.ok(saved, "the background save does not end");
      }
      await load;
      assert.match(await redisCommand(service(), "INFO", "persistence"), /rdb_last_bgsave_status:ok/);
      assert.equal(await redisCommand(service(), "GET", benchmarkCounter), requests);
      await service().client("redis-check-rdb", [join(service().folder, "dump.rdb")]);
      if (way !== "kernel") {
        assert.equal(service().fallbackProblem(), "");
      }
    });
  },
);
