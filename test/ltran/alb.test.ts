/**
 * Bond mode 6 with a kernel that knows nothing of it: two veths that end at a bridge of the peer. Both carry
 * traffic; one is lost under load and comes back.
 */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, interfaceCounters, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import type { Program } from "../../scripts/lab/program.js";
import { startRedis } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";

const timeout = 60_000;
const miimonMs = 100;
const resumeMs = 3 * miimonMs + 100;
const settleMs = 500;
/** Until each link has sent a hundred frames. */
const patienceMs = 10_000;
const connections = 16;

let lab: Lab;
let ltran: Daemon;
let redis: Program;

function addSecondLink(): void {
  const inClient = (...words: string[]) => runInside(lab.clientNamespace, "ip", ...words);
  const peer = ["peer", "name", "client1", "netns", lab.clientNamespace];
  runInside(lab.serverNamespace, "ip", "link", "add", "name", "server1", "type", "veth", ...peer);
  runInside(lab.serverNamespace, "ip", "link", "set", "server1", "up");
  inClient("link", "add", "name", "bridge0", "type", "bridge", "forward_delay", "0");
  for (const port of ["client0", "client1"]) inClient("link", "set", port, "master", "bridge0");
  inClient("address", "flush", "dev", "client0");
  inClient("address", "add", `${addresses.client}/${addresses.prefixLength}`, "dev", "bridge0");
  for (const device of ["client1", "bridge0"]) inClient("link", "set", device, "up");
}

function sent(): number[] {
  return ["server0", "server1"].map((device) =>
    Number(interfaceCounters(lab.serverNamespace, device).txPackets),
  );
}

before(async () => {
  lab = createLab({ label: "alb", stack: "gazelle", offloads: "default" });
  addSecondLink();
  ltran = await startLtran(lab, {
    devices: '"server0,server1"',
    bond_ports: '"0x3"',
    bond_mode: "6",
    bond_miimon: String(miimonMs),
  });
  redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
});
after(async () => {
  await redis?.stop();
  await ltran?.program.stop();
  lab.remove();
});

describe("adaptive load balancing", { timeout }, () => {
  for (const link of [0, 1]) {
    test(`both send, none misses link ${link} that is lost and comes back`, async (context: TestContext) => {
      const traffic = await CheckedTraffic.start(lab, addresses.server, connections);
      const start = sent();
      const isShared = () => sent().every((frames, index) => frames > (start[index] ?? 0) + 100);
      assert.ok(await waitUntil(isShared, patienceMs), `of ${start.join(", ")} to ${sent().join(", ")}`);
      const ports = traffic.ports();
      runInside(lab.serverNamespace, "ip", "link", "set", `server${link}`, "down");
      await pause(resumeMs + settleMs);
      const { nics } = await ltran.report();
      assert.deepEqual(
        nics.map(({ isActive }) => isActive),
        [link !== 0, link !== 1],
      );
      runInside(lab.serverNamespace, "ip", "link", "set", `server${link}`, "up");
      await pause(settleMs);
      assert.deepEqual(traffic.ports(), ports, "the same connections");
      const { longestMs } = await traffic.finish();
      context.diagnostic(`the longest change took ${longestMs} ms`);
      assert.ok(longestMs <= resumeMs + settleMs, `traffic stood still for ${longestMs} ms`);
    });
  }
});
