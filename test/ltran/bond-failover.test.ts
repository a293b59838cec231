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
import { addSecondLink, backupLink } from "./two-links.js";

const timeout = 60_000;
const miimonMs = 100;
/** The bound on how long traffic may stand still. */
const resumeMs = 3 * miimonMs + 100;
/** A request that was lost is sent again by the peer's kernel after 200 ms at the earliest. */
const settleMs = 500;
const connections = 8;

let lab: Lab;
let ltran: Daemon;
let redis: Program;

async function activeDevice(): Promise<string | undefined> {
  return (await ltran.report()).nics.find(({ isActive }) => isActive)?.device;
}

before(async () => {
  lab = createLab({ label: "bond", stack: "gazelle", offloads: "default" });
  addSecondLink(lab);
  ltran = await startLtran(lab, {
    devices: `"${lab.serverInterface},${backupLink.server}"`,
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
