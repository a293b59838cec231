/** memcached with its four worker threads, with memcslap and the other tools of libmemcached. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { onEachStack } from "./each-stack.js";
import { digest, writeRandomFile } from "./payload.js";
import type { Service } from "./service.js";
import { serverAddress } from "./service.js";

const port = 11_211;
const servers = `--servers=${serverAddress}:${port}`;
const valueBytes = 900_000;
/**
 * A load takes a fraction of a second. A worker that sleeps on while another has taken its packets makes it
 * take many.
 */
const loadTimeoutMs = 5_000;

async function statistic(service: Service, name: string): Promise<number> {
  const report = (await service.client("memcstat", [servers])).stdout.toString();
  const value = new RegExp(`\\b${name}: (\\d+)`).exec(report)?.[1];
  assert.ok(value, `memcached reports no ${name}: ${report}`);
  return Number(value);
}

onEachStack(
  "memcached",
  () => ({
    command: "memcached",
    argumentList: () => ["-u", "root", "-l", serverAddress, "-p", String(port), "-U", "0", "-m", "64"],
    processNames: ["memcached"],
    ready: { port },
  }),
  (service) => {
    for (const concurrency of [1, 50]) {
      for (const operation of ["set", "get"]) {
        test(`counts every ${operation} of ${concurrency} connections`, async () => {
          const each = 200;
          const before = await statistic(service(), `cmd_${operation}`);
          const load = [`--concurrency=${concurrency}`, `--execute-number=${each}`, `--test=${operation}`];
          // What is to be got is set over a connection of its own before.
          const connections = concurrency + (operation === "get" ? 1 : 0);
          const began = performance.now();
          await service().accounted(() => service().client("memcslap", [servers, ...load]), { connections });
          assert.ok(performance.now() - began < loadTimeoutMs, `${performance.now() - began} ms`);
          const done = (await statistic(service(), `cmd_${operation}`)) - before;
          assert.ok(done >= each * concurrency, `${done} operations arrived`);
        });
      }
    }

    test("returns a large value byte for byte", async () => {
      const file = join(service().folder, "value");
      const expected = writeRandomFile(file, valueBytes);
      await service().client("memccp", [servers, file]);
      const answer = await service().client("memccat", [servers, "value"]);
      assert.equal(digest(answer.stdout.subarray(0, readFileSync(file).length)), expected);
    });
  },
);
