/** memcached with two stacks, each with a queue of one device of DPDK, beside kernel clients. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { interfaceCounters } from "../../scripts/lab/lab.js";
import type { DpdkDriver } from "../../scripts/lab/lstack-conf.js";
import { readEachStack, readStackCounters } from "../../scripts/lab/stack-counters.js";
import { digest, writeRandomFile } from "./payload.js";
import { Service, serverAddress } from "./service.js";

const port = 11_211;
const servers = `--servers=${serverAddress}:${port}`;
const valueBytes = 900_000;
const connections = 100;

for (const driver of ["af_packet", "tap", "af_xdp"] as const satisfies readonly DpdkDriver[]) {
  describe(`memcached with two queues of ${driver}`, { timeout: 90_000 }, () => {
    let started: Service | undefined;
    const service = () => started ?? assert.fail("the service did not start");

    before(async () => {
      started = await Service.start({
        label: `queues-${driver.replace("_", "")}`,
        stack: "gazelle",
        command: "memcached",
        argumentList: () => [
          ..."-u root -U 0 -m 64 -t 2".split(" "),
          "-l",
          serverAddress,
          "-p",
          String(port),
        ],
        processNames: ["memcached"],
        ready: { port },
        configuration: { port: "dpdk", driver, extraLines: ['num_cpus="0,1"', "listen_shadow=1"] },
        queues: 2,
      });
    });

    after(async () => started?.stop());

    test("every connection is served by a stack, and both serve some", async () => {
      const load = [`--concurrency=${connections}`, "--execute-number=50", "--test=set"];
      await service().accounted(() => service().client("memcslap", [servers, ...load]), { connections });
      const stacks = readEachStack(service().server.pid);
      assert.equal(stacks.length, 2);
      for (const { tcpPassiveOpens, drops } of stacks) {
        assert.ok(Number(tcpPassiveOpens) > connections / 10, `${tcpPassiveOpens} of ${connections}`);
        assert.equal(drops.handOverFull, 0n);
        assert.equal(drops.truncated, 0n);
      }
    });

    test("large values come back byte for byte, both ways over the device", async () => {
      const lab = service().lab;
      const before = interfaceCounters(lab.clientNamespace, lab.clientInterface);
      for (let round = 0; round < 6; round++) {
        const file = join(service().folder, `value-${round}`);
        const expected = writeRandomFile(file, valueBytes);
        await service().client("memccp", [servers, file]);
        const answer = await service().client("memccat", [servers, `value-${round}`]);
        assert.equal(digest(answer.stdout.subarray(0, readFileSync(file).length)), expected);
      }
      const after = interfaceCounters(lab.clientNamespace, lab.clientInterface);
      assert.ok(after.rxBytes - before.rxBytes > 6n * BigInt(valueBytes));
      assert.ok(after.txBytes - before.txBytes > 6n * BigInt(valueBytes));
    });

    test("frames that took the wrong queue were handed on, and the end is clean", async () => {
      const counters = readStackCounters(service().server.pid);
      assert.ok(counters.framesHandedOn > 0n, "ARP goes to both");
      assert.equal(service().fallbackProblem(), "");
      service().server.signal("SIGTERM");
      assert.equal((await service().server.ended).status, 0, service().server.output());
    });
  });
}
