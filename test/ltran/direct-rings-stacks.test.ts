/** Rings between programs of which one, or both, have several stacks: one for each two stacks that talk. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { pause, run, waitUntil } from "../../scripts/lab/command.js";
import { createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import type { Program } from "../../scripts/lab/program.js";
import { readEachStack, type StackCounters } from "../../scripts/lab/stack-counters.js";
import { startAccelerated } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";
import { httpPort, startNginx } from "./servers.js";

const timeout = 60_000;
const readyMs = 10_000;
const forgottenMs = 1_000;
const webAddress = "10.77.0.13";
const clientAddress = "10.77.0.21";
const loadAddress = "10.77.0.22";
const connections = 8;
/** Frames that ltran may still forward while rings carry everything: announcements are not among them. */
const fewFrames = 40;

let lab: Lab;
let ltran: Daemon;
let nginx: Program;

function allowed(): Record<string, string> {
  // The worker of nginx is www-data's.
  return { allow_uids: `"${run("id", ["-u", "www-data"]).toString().trim()}"` };
}

function place(address: string, ...extraLines: string[]) {
  return { prefix: ltran.prefix, address, extraLines };
}

/** How many rings each stack of the program at an address has to the other one. */
async function ringsOf(address: string, to: string): Promise<number[]> {
  const { instances } = await ltran.report();
  const found = instances.find((instance) => instance.address === address);
  return (found?.stacks ?? []).map(({ directRings }) => directRings.filter((ip) => ip === to).length);
}

async function web(): Promise<{ pid: number; stacks: StackCounters[]; flows: number[] }> {
  const { instances } = await ltran.report();
  const { pid, stacks } = instances.find(({ address }) => address === webAddress) ?? assert.fail("no nginx");
  return { pid, stacks: readEachStack(pid), flows: stacks.map((stack) => stack.flows) };
}

/** ltran forgets the connections of nginx within a second. */
function isForgotten(patienceMs: number): Promise<boolean> {
  return waitUntil(async () => (await web()).flows.every((flows) => flows === 0), patienceMs);
}

async function forwarded(): Promise<number> {
  return (await ltran.report()).counters.vportFramesIn ?? 0;
}

/** Checked traffic whose connections are in both stacks of nginx, each with a ring. */
async function startTraffic(...extraLines: string[]): Promise<CheckedTraffic> {
  const accelerated = place(clientAddress, ...extraLines);
  const traffic = await CheckedTraffic.start(lab, webAddress, connections, { httpPort, accelerated });
  const haveRings = async () => (await ringsOf(webAddress, clientAddress)).every((count) => count > 0);
  assert.ok(await waitUntil(haveRings, readyMs), `rings: ${await ringsOf(webAddress, clientAddress)}`);
  return traffic;
}

async function assertByRings(traffic: CheckedTraffic, context: TestContext): Promise<void> {
  const [begun, { stacks: before }] = [await forwarded(), await web()];
  await pause(1_500);
  const went = (await forwarded()) - begun;
  const { stacks } = await web();
  traffic.assertRuns();
  const frames = stacks.map(({ peerFramesIn }, i) => Number(peerFramesIn - (before[i]?.peerFramesIn ?? 0n)));
  context.diagnostic(`rings carried ${frames.join(" and ")} frames to nginx, ltran forwarded ${went}`);
  assert.ok(Math.min(...frames) > 20, "each stack of nginx got frames by rings");
  assert.ok(went < fewFrames, `ltran forwarded ${went} frames`);
}

before(async () => {
  lab = createLab({ label: "ringstacks", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab, allowed());
  nginx = startNginx(lab, "nginx", place(webAddress, "stack_num = 2", "listen_shadow = 1"));
  const isThere = async () => (await ringsOf(webAddress, clientAddress)).length === 2;
  assert.ok(await waitUntil(isThere, readyMs), nginx.output());
});
after(async () => {
  await nginx.stop();
  await ltran.program.stop();
  lab.remove();
});

describe("a server of two stacks", { timeout }, () => {
  for (const [title, lines] of [
    ["one stack", []],
    ["two stacks", ["stack_num = 2"]],
  ] as const) {
    test(`has rings to a client of ${title}, by which checked traffic goes`, async (context: TestContext) => {
      const traffic = await startTraffic(...lines);
      await assertByRings(traffic, context);
      const { changes, kept } = await traffic.finish();
      assert.ok(changes > 20 && kept > 0, `${changes} changes`);
      const areGone = async () => (await ringsOf(webAddress, clientAddress)).every((count) => count === 0);
      assert.ok(await waitUntil(areGone, forgottenMs), "rings to a client that is gone");
    });
  }

  test("has a ring for each two stacks when both of the client's talk, in short connections", async () => {
    const { stacks: before } = await web();
    const words = ["-t2", "-c20", "-d3s", "-H", "Connection: close", `http://${webAddress}:${httpPort}/0`];
    const load = startAccelerated(lab, "wrk", words, place(loadAddress, "stack_num = 2"));
    const areAll = async () => (await ringsOf(webAddress, loadAddress)).every((count) => count === 2);
    assert.ok(await waitUntil(areAll, 2_500), `rings: ${await ringsOf(webAddress, loadAddress)}`);
    const { status } = await load.ended;
    assert.equal(status, 0, load.output());
    assert.doesNotMatch(load.output(), /Socket errors|Non-2xx/);
    assert.match(load.output(), /[1-9]\d* requests in/);
    const { stacks } = await web();
    const opened = stacks.map((stack, i) =>
      Number(stack.tcpPassiveOpens - (before[i]?.tcpPassiveOpens ?? 0n)),
    );
    assert.ok(Math.min(...opened) > Math.max(...opened) / 4, `connections opened: ${opened.join(", ")}`);
    assert.ok(await isForgotten(readyMs), `flows left: ${(await web()).flows.join(", ")}`);
  });

  test("kill -9 of the client: nobody has its connections a second later", async () => {
    const traffic = await startTraffic("stack_num = 2");
    traffic.program.signal("SIGKILL");
    await traffic.program.ended;
    assert.ok(await isForgotten(forgottenMs), `flows left: ${(await web()).flows.join(", ")}`);
    assert.deepEqual(await ringsOf(webAddress, clientAddress), [0, 0]);
  });

  test("kill -9 of ltran: rings go on; the next ltran knows of them", async (context: TestContext) => {
    const traffic = await startTraffic("stack_num = 2");
    const { prefix } = ltran;
    ltran.program.signal("SIGKILL");
    await ltran.program.ended;
    await pause(500);
    traffic.assertRuns();
    ltran = await startLtran(lab, allowed(), prefix);
    const haveRings = async () => (await ringsOf(webAddress, clientAddress)).some((count) => count > 0);
    assert.ok(await waitUntil(haveRings, readyMs), "the new ltran knows of no ring");
    const knowsAll = async () => (await ringsOf(webAddress, clientAddress)).length === 2;
    assert.ok(await waitUntil(knowsAll, readyMs));
    await assertByRings(traffic, context);
    assert.ok((await traffic.finish()).changes > 20);
  });

  test("kill -9 of the server: the client's connections are reset within a second", async () => {
    const traffic = await startTraffic("stack_num = 2");
    process.kill((await web()).pid, "SIGKILL");
    nginx.signal("SIGKILL");
    assert.ok(await waitUntil(() => traffic.program.result() !== undefined, forgottenMs), "it waits");
  });
});
