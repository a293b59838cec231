/** What an accelerated program costs while idle, and what its stack does while the program computes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { median } from "../../scripts/demo/results.js";
import { pause } from "../../scripts/lab/command.js";
import { onEachStack } from "./each-stack.js";
import { redisCommand, redisService } from "./redis-server.js";
import type { Service } from "./service.js";
import { serverAddress } from "./service.js";

const idleMs = 4_000;
const busyShareLimit = 0.03;
const ticksPerSecond = 100;
const computeSeconds = 2;
const answerLimitMs = 5;

/** CPU time of all threads of a process so far, in seconds. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

async function roundTripsMs(service: Service, seconds: number): Promise<number[]> {
  const load = ["-i", "0.05", "-w", String(seconds), serverAddress];
  const report = (await service.client("ping", load)).stdout.toString();
  return [...report.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
}

onEachStack(
  "idle",
  () => redisService,
  (service) => {
    test("Redis without clients uses less than 3 % of a core", async () => {
      await redisCommand(service(), "PING");
      await pause(500);
      const before = cpuSeconds(service().server.pid);
      await pause(idleMs);
      const share = (cpuSeconds(service().server.pid) - before) / (idleMs / 1_000);
      assert.ok(share < busyShareLimit, `${(share * 100).toFixed(1)} % of a core`);
    });

    test("ping is answered within 5 ms while Redis computes for 2 s", async () => {
      const script = [
        "local function now() local t = redis.call('TIME'); return t[1] + t[2] / 1000000 end",
        `local finish = now() + ${computeSeconds}`,
        "while now() < finish do end",
        "return 'computed'",
      ].join("\n");
      const computation = redisCommand(service(), "EVAL", script, "0");
      await pause(200);
      const times = await roundTripsMs(service(), 1);
      assert.ok(times.length >= 10, `only ${times.length} answers`);
      assert.ok(median(times) < answerLimitMs, `median ${median(times)} ms`);
      assert.equal(await computation, "computed");
    });
  },
);
