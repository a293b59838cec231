/** Faults that gazellectl injects into a running program. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { redisBenchmark, redisCommand, redisService } from "../apps/redis-server.js";
import { Service, serverAddress } from "../apps/service.js";
import { gazellectl, numberOf } from "./gazellectl.js";

const pings = 200;
/** Answers that come when ping has gone already, on a machine that is busy. */
const lateMost = 2;

/** Round trips of pings: how many came back, and the shortest in milliseconds. */
async function ping(service: Service): Promise<{ lost: number; copies: number; leastMs: number }> {
  const script = `ping -q -c ${pings} -i 0.01 -W 1 ${serverAddress} || true`;
  const { stdout } = await service.client("sh", ["-c", script]);
  const text = stdout.toString();
  return {
    lost: pings - Number(/(\d+) received/.exec(text)?.[1]),
    copies: Number(/\+(\d+) duplicates/.exec(text)?.[1] ?? 0),
    leastMs: Number(/= ([\d.]+)\//.exec(text)?.[1]),
  };
}

for (const mode of ["direct", "ltran"] as const) {
  describe(`gazellectl inject, ${mode} mode`, { timeout: 120_000 }, () => {
    let service: Service;
    let target = "";
    before(async () => {
      const ltran = mode === "ltran" ? {} : undefined;
      service = await Service.start({ ...redisService, label: `inject-${mode}`, stack: "gazelle", ltran });
      target = String(service.server.pid);
    });
    after(() => service.stop());

    async function inject(...words: string[]): Promise<void> {
      const { status, stderr } = await gazellectl(["inject", ...words, target]);
      assert.equal(status, 0, stderr);
    }

    it("loss: pings are lost as often as it says, and each is counted", async () => {
      const before = await numberOf(target, "rx_drop");
      await inject("loss", "0.3", "1", "random");
      const { lost } = await ping(service);
      await inject("unset", "loss");
      assert.ok(lost > 0.15 * pings && lost < 0.45 * pings, `${lost} of ${pings} lost`);
      const dropped = (await numberOf(target, "rx_drop")) - before;
      assert.ok(dropped >= lost && dropped <= lost + 10, `${dropped} counted, ${lost} lost`);
      assert.ok((await ping(service)).lost <= lateMost);
    });

    it("delay: pings take so much longer", async () => {
      const before = (await ping(service)).leastMs;
      await inject("delay", "30", "5", "random");
      const { lost, leastMs } = await ping(service);
      await inject("unset", "all");
      assert.ok(lost <= lateMost, `${lost} lost`);
      assert.ok(before < 10 && leastMs >= 25 && leastMs < 40, `${before} ms, then ${leastMs} ms`);
    });

    it("duplicate: pings are answered twice", async () => {
      await inject("duplicate", "1", "1", "random");
      const { lost, copies } = await ping(service);
      await inject("unset", "duplicate");
      assert.ok(lost <= lateMost, `${lost} lost`);
      // ping ends with the first answer to its last request.
      assert.ok(copies <= pings && copies >= pings - 1 - lateMost, `${copies} copies of ${pings}`);
    });

    it("all of them at once: connections get through, every byte right", async () => {
      await inject("loss", "0.02", "1", "random");
      await inject("reorder", "0.1", "3", "random");
      await inject("duplicate", "0.1", "1", "random");
      const value = "0123456789".repeat(20_000);
      await redisCommand(service, "SET", "value", "x");
      await service.client("redis-cli", ["-h", serverAddress, "-x", "SET", "large"], { input: value });
      assert.equal(await redisCommand(service, "GET", "large"), value);
      await redisBenchmark(service, 5, ["-n", "500", "-t", "incr"]);
      assert.equal(await redisCommand(service, "GET", "counter:__rand_int__"), "500");
      await inject("unset", "all");
      assert.ok((await numberOf(target, "tcp_retran_seg", "-s")) + (await numberOf(target, "rx_drop")) > 0);
    });
  });
}
