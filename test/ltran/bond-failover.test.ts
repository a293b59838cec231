/**
 * Active-backup under load: two veths of ltran that end at a bridge of the peer. Carrier is lost at the
 * peer's end and at ours, on one link and on the other: no connection ends, traffic resumes in time, and
 * back.
 */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import type { Program } from "../../scripts/lab/program.js";
import { startRedis } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";

const timeout = 60_000;
const miimonMs = 100;
/** The bound on how long traffic may stand still. */
const resumeMs = 3 * miimonMs + 100;
/** A request that was lost is sent again by the peer's kernel after 200 ms at the earliest. */
const settleMs = 500;
const connections = 8;
const backup = { server: "server1", client: "client1" };

let lab: Lab;
let ltran: Daemon;
let redis: Program;

function inClient(...words: string[]): void {
  runInside(lab.clientNamespace, ...words);
}

/** A second veth beside that of the lab, and a bridge of the client's that joins both and has its address. */
function addSecondLink(): void {
  const { serverNamespace, clientNamespace, clientInterface } = lab;
  const peer = ["peer", "name", backup.client, "netns", clientNamespace];
  runInside(serverNamespace, "ip", "link", "add", "name", backup.server, "type", "veth", ...peer);
  runInside(serverNamespace, "ip", "link", "set", backup.server, "up");
  inClient("ip", "link", "add", "name", "bridge0", "type", "bridge", "forward_delay", "0");
  for (const port of [clientInterface, backup.client]) {
    inClient("ip", "link", "set", port, "master", "bridge0");
  }
  inClient("ip", "address", "flush", "dev", clientInterface);
  inClient("ip", "address", "add", `${addresses.client}/${addresses.prefixLength}`, "dev", "bridge0");
  for (const device of [backup.client, "bridge0"]) inClient("ip", "link", "set", device, "up");
}

async function activeDevice(): Promise<string | undefined> {
  return (await ltran.report()).nics.find(({ isActive }) => isActive)?.device;
}

before(async () => {
  lab = createLab({ label: "bond", stack: "gazelle", offloads: "default" });
  addSecondLink();
  ltran = await startLtran(lab, {
    devices: `"${lab.serverInterface},${backup.server}"`,
    bond_ports: '"0x3"',
    bond_miimon: String(miimonMs),
  });
  redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
});
after(async () => {
  await redis.stop();
  await ltran.program.stop();
  lab.remove();
});

/** What fails: an end of a link, and the device that is in use afterwards. */
const failures = [
  { end: "the peer's", link: 0, namespace: () => lab.clientNamespace, device: "client0" },
  { end: "the peer's", link: 1, namespace: () => lab.clientNamespace, device: "client1" },
  { end: "our", link: 0, namespace: () => lab.serverNamespace, device: "server0" },
  { end: "our", link: 1, namespace: () => lab.serverNamespace, device: "server1" },
];

describe("a bond of two links", { timeout }, () => {
  for (const { end, link, namespace, device } of failures) {
    test(`goes on when ${end} end of link ${link} fails`, async (context: TestContext) => {
      assert.equal(await activeDevice(), `server${link}`, "the link in use before");
      const traffic = await CheckedTraffic.start(lab, addresses.server, connections);
      await pause(settleMs);
      const ports = traffic.ports();
      runInside(namespace(), "ip", "link", "set", device, "down");
      await pause(resumeMs + settleMs);
      const other = `server${1 - link}`;
      assert.ok(await waitUntil(async () => (await activeDevice()) === other, resumeMs), "no change-over");
      runInside(namespace(), "ip", "link", "set", device, "up");
      await pause(settleMs);
      assert.equal(await activeDevice(), other, "a link that came back is the backup");
      assert.deepEqual(traffic.ports(), ports, "the same connections");
      const { changes, longestMs } = await traffic.finish();
      context.diagnostic(`one of ${changes} changes took ${longestMs} ms, none longer; bound ${resumeMs} ms`);
      assert.ok(longestMs <= resumeMs, `traffic stood still for ${longestMs} ms`);
    });
  }
});
