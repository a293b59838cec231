/** Options of lstack.conf whose effect only a running process shows. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { waitUntil } from "../../scripts/lab/command.js";
import { interfaceCounters } from "../../scripts/lab/lab.js";
import { isPinned, pinning } from "../../scripts/lab/program.js";
import { readStackCounters } from "../../scripts/lab/stack-counters.js";
import { redisBenchmark, redisCommand } from "../apps/redis-server.js";
import type { Service } from "../apps/service.js";
import { start } from "./control-guest.js";

const KEEPER = "gz-keeper";

/** The value of a line of a thread's /proc file `status`. */
function statusOf(service: Service, thread: string, key: string): string | undefined {
  const text = readFileSync(`/proc/${service.server.pid}/task/${thread}/status`, "latin1");
  return new RegExp(`^${key}:\\s+(.*)$`, "m").exec(text)?.[1];
}

/** The threads of a server, by name. */
function threadsOf(service: Service): Map<string, string> {
  const ids = readdirSync(`/proc/${service.server.pid}/task`);
  return new Map(ids.map((id) => [statusOf(service, id, "Name") ?? "", id]));
}

async function withOption(
  label: string,
  line: string,
  check: (service: Service) => Promise<void>,
): Promise<void> {
  const service = await start(label, [line]);
  try {
    await check(service);
  } finally {
    await service.stop();
  }
}

/** Times that the server's own thread went to sleep while 2,000 requests came one by one. */
async function sleepsOfRequests(service: Service): Promise<number> {
  const sleeps = () => Number(statusOf(service, String(service.server.pid), "voluntary_ctxt_switches"));
  const before = sleeps();
  await redisBenchmark(service, 1, ["-n", "2000", "-t", "get"]);
  return sleeps() - before;
}

describe("options about threads", { timeout: 120_000 }, () => {
  it("stack_thread_mode: run-to-completion has no thread that runs the stack by itself", async () => {
    await withOption("mode-wakeup", 'stack_thread_mode="run-to-wakeup"', async (service) => {
      assert.ok(threadsOf(service).has(KEEPER));
    });
    await withOption("mode-completion", 'stack_thread_mode="run-to-completion"', async (service) => {
      assert.ok(!threadsOf(service).has(KEEPER));
      await redisBenchmark(service, 20, ["-n", "5000", "-t", "set,get"]);
      assert.equal(readStackCounters(service.server.pid).fallbacks, 0n);
    });
  });

  it("num_cpus: the stack's thread keeps to its CPU, and the application's do not change", async () => {
    await withOption("cpus", 'num_cpus="0"', async (service) => {
      const keeper = threadsOf(service).get(KEEPER) ?? "";
      const bound = () => statusOf(service, keeper, "Cpus_allowed_list") === "0";
      assert.ok(await waitUntil(bound, 1_000), statusOf(service, keeper, "Cpus_allowed_list"));
      const others = [...threadsOf(service)].filter(([name]) => !name.startsWith("gz-"));
      assert.ok(others.length >= 2, "redis-server has threads of its own");
      const expected = isPinned() ? String(pinning.server) : "0";
      for (const [name, id] of others)
        assert.equal(statusOf(service, id, "Cpus_allowed_list"), expected, name);
    });
  });

  it("low_power_mode: who waits sleeps at once", async () => {
    await withOption("power", "low_power_mode=1", async (service) => {
      const sleeps = await sleepsOfRequests(service);
      assert.ok(sleeps >= 1_500, `${sleeps} sleeps for 2000 requests`);
    });
  });
});

describe("options about frames", { timeout: 120_000 }, () => {
  it("nic_rxqueue_size and nic_read_number: every legal size works", async () => {
    for (const [label, line] of [
      ["queue-large", "nic_rxqueue_size=2048"],
      ["read-one", "nic_read_number=1"],
      ["read-many", "nic_read_number=8192"],
    ] as const) {
      await withOption(label, line, async (service) => {
        await redisBenchmark(service, 50, ["-n", "5000", "-t", "get", "-P", "16"]);
        const { rxFrames, fallbacks } = readStackCounters(service.server.pid);
        assert.ok(rxFrames > 300n, line);
        assert.equal(fallbacks, 0n, line);
      });
    }
  });

  it("nic_rxqueue_size and memory: what does not fit below 4 GiB is an error that names both", async () => {
    const refusal = /memory = 4060: must be 0 or an integer from 32 to \d+, because nic_rxqueue_size is 8192/;
    await assert.rejects(start("no-room", ["memory=4060", "nic_rxqueue_size=8192"]), refusal);
  });

  it("rate_limit_mbps: what leaves the host stays below", async () => {
    await withOption("rate", "rate_limit_mbps=80", async (service) => {
      await redisCommand(service, "SET", "big", "x".repeat(100_000));
      const bytes = () => interfaceCounters(service.lab.clientNamespace, service.lab.clientInterface).rxBytes;
      const [before, begun] = [bytes(), performance.now()];
      await service.client("redis-benchmark", [
        "-h",
        "10.77.0.1",
        "-q",
        "-c",
        "8",
        "-n",
        "100",
        "GET",
        "big",
      ]);
      const seconds = (performance.now() - begun) / 1_000;
      const megabits = (Number(bytes() - before) * 8) / 1e6;
      // 100 answers of 100 KB are 80 Mbit, and 10 ms of the rate may go at once.
      assert.ok(megabits >= 80, `${megabits} Mbit`);
      assert.ok(megabits <= 80 * (seconds + 0.011), `${megabits} Mbit in ${seconds} s`);
      assert.ok(seconds < 2.5, `${megabits} Mbit in ${seconds} s`);
      assert.ok(readStackCounters(service.server.pid).txRateWaits > 0n);
    });
  });
});
