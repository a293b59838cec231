/** Clients that speak memif: DPDK's testpmd exchanges frames with a kernel peer and with other programs. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { placeOf } from "../../ltran/daemon/place.js";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, interfaceCounters, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { runProgram } from "../../scripts/lab/program.js";
import { Redis } from "./redis.js";
import { Testpmd, type TestpmdOptions } from "./testpmd.js";

const timeout = 60_000;
const own = { id: 5, address: "10.77.0.9" };
const other = { id: 6, address: "10.77.0.10" };
const runMs = 1_000;

let lab: Lab;
let ltran: Daemon;
let socket: string;

async function counted(): Promise<Record<string, number>> {
  return (await ltran.report()).counters;
}

async function stackOf(id: number) {
  const { instances } = await ltran.report();
  return instances.find(({ program }) => program.startsWith(`memif ${id}:`))?.stacks[0];
}

async function connected(options: Omit<TestpmdOptions, "socket">): Promise<Testpmd> {
  const testpmd = Testpmd.start(lab, { socket, ...options });
  await testpmd.ready();
  assert.ok(await waitUntil(async () => (await stackOf(options.id)) !== undefined, 5_000), "not connected");
  return testpmd;
}

/** Sends datagrams of the kernel's to an address. */
async function sendDatagrams(address: string, count: number): Promise<void> {
  const script = `import socket,sys,time
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
for i in range(int(sys.argv[2])):
    s.sendto(b"x"*18,(sys.argv[1],9))
    if i%20==19: time.sleep(0.002)
`;
  await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "python3",
    argumentList: ["-c", script, address, String(count)],
  });
}

before(async () => {
  lab = createLab({ label: "memif", stack: "gazelle", offloads: "default" });
  const clients = [own, other].map(({ id, address }) => `${id}=${address}`).join(",");
  ltran = await startLtran(lab, { memif_clients: `"${clients}"` });
  socket = placeOf(ltran.prefix).memif;
});
after(async () => {
  await ltran.program.stop();
  lab.remove();
});
// One that was killed or has ended leaves nothing behind.
afterEach(async () => {
  const isGone = async () => (await ltran.report()).instances.length === 0;
  assert.ok(await waitUntil(isGone, 5_000), "a client is still registered");
});

describe("testpmd behind ltran", { timeout }, () => {
  test("answers every echo request of a kernel peer, and all counters agree", async () => {
    const testpmd = await connected({ id: own.id, mode: "icmpecho" });
    const ping = await runProgram({
      namespace: lab.clientNamespace,
      role: "client",
      command: "ping",
      argumentList: ["-q", "-c", "2000", "-i", "0.001", "-s", "1000", own.address],
    });
    assert.match(ping.stdout.toString(), /2000 packets transmitted, 2000 received/);
    const stack = await stackOf(own.id);
    const { received, sent } = await testpmd.finish();
    assert.equal(stack?.counters.framesIn, sent);
    assert.equal(stack?.counters.framesOut, received);
    // The request of the address, and one more if it was confirmed meanwhile.
    assert.ok(sent >= 2_001, `${sent}`);
  });

  test("sends as many frames as arrive at the kernel peer's interface", async () => {
    const outBefore = (await counted()).nicFramesOut ?? 0;
    const peerBefore = interfaceCounters(lab.clientNamespace, lab.clientInterface);
    const testpmd = await connected({
      id: own.id,
      mode: "txonly",
      more: [`--tx-ip=${own.address},${addresses.client}`, `--eth-peer=0,${addresses.clientMac}`],
    });
    await pause(runMs);
    const { sent } = await testpmd.finish();
    assert.ok(await waitUntil(async () => (await ltran.report()).instances.length === 0, 5_000));
    const out = ((await counted()).nicFramesOut ?? 0) - outBefore;
    const peer = interfaceCounters(lab.clientNamespace, lab.clientInterface);
    assert.equal(Number(peer.rxPackets - peerBefore.rxPackets), out);
    assert.ok(out > 1_000 && out <= sent, `${out} of ${sent}`);
  });
});

describe("frames of testpmd that are not its own", { timeout }, () => {
  test("are dropped by source address, by MAC address, and when macswap sends them back", async () => {
    const cases = [
      { reason: "foreignAddress", mac: undefined, source: "10.77.0.77" },
      { reason: "foreignMac", mac: "02:67:7a:00:00:99", source: own.address },
    ];
    for (const { reason, mac, source } of cases) {
      const more = [`--tx-ip=${source},${addresses.client}`, `--eth-peer=0,${addresses.clientMac}`];
      const before = (await counted()).nicFramesOut ?? 0;
      const testpmd = await connected({ id: own.id, mode: "txonly", mac, more });
      const isCounted = async () => ((await stackOf(own.id))?.drops[reason] ?? 0) > 1_000;
      assert.ok(await waitUntil(isCounted, 5_000), reason);
      const stack = await stackOf(own.id);
      assert.equal(stack?.drops[reason], stack?.counters.framesIn, "every frame is dropped");
      await testpmd.finish();
      assert.equal((await counted()).nicFramesOut ?? 0, before);
    }
    const neighbour = ["lladdr", addresses.serverMac, "dev", lab.clientInterface];
    runInside(lab.clientNamespace, "ip", "neighbour", "replace", own.address, ...neighbour);
    const testpmd = await connected({ id: own.id, mode: "macswap" });
    await sendDatagrams(own.address, 500);
    const isCounted = async () => ((await stackOf(own.id))?.drops.foreignAddress ?? 0) >= 500;
    assert.ok(await waitUntil(isCounted, 5_000), "frames that come back with the sender's address");
    const stack = await stackOf(own.id);
    const { received, sent } = await testpmd.finish();
    assert.deepEqual([stack?.counters.framesOut, stack?.counters.framesIn], [received, sent]);
    runInside(lab.clientNamespace, "ip", "neighbour", "flush", "dev", lab.clientInterface);
  });
});

describe("testpmd beside others", { timeout }, () => {
  test("is forgotten when it is killed, and a neighbour notices nothing", async () => {
    const redis = await Redis.start(lab, ltran, addresses.server);
    const testpmd = await connected({
      id: own.id,
      mode: "txonly",
      more: [`--tx-ip=${own.address},${addresses.client}`, `--eth-peer=0,${addresses.clientMac}`],
    });
    const load = redis.count(20_000, 10);
    await pause(200);
    testpmd.program.signal("SIGKILL");
    await testpmd.program.ended;
    assert.ok(await waitUntil(async () => (await stackOf(own.id)) === undefined, 2_000), "still registered");
    await load;
    assert.equal(await redis.counted(), 20_000);
    const next = await connected({ id: own.id, mode: "icmpecho" });
    runInside(lab.clientNamespace, "ping", "-q", "-c", "3", "-i", "0.1", "-W", "2", own.address);
    await next.finish();
    await redis.program.stop();
  });

  test("reaches another one of its kind through ltran", async () => {
    const sink = await connected({ id: other.id, mode: "rxonly" });
    const source = await connected({
      id: own.id,
      mode: "txonly",
      more: [`--tx-ip=${own.address},${other.address}`, `--eth-peer=0,${addresses.serverMac}`],
    });
    const isMuch = async () => ((await stackOf(other.id))?.counters.framesOut ?? 0) > 10_000;
    assert.ok(await waitUntil(isMuch, 10_000), "frames do not arrive");
    await source.finish();
    assert.ok(await waitUntil(async () => (await stackOf(own.id)) === undefined, 2_000));
    await pause(100);
    const { counters } = (await stackOf(other.id)) ?? { counters: {} as Record<string, number> };
    const { received } = await sink.finish();
    assert.equal(received, counters.framesOut);
  });

  test("is refused with a number that memif_clients does not have", async () => {
    const testpmd = Testpmd.start(lab, { socket, id: 7, mode: "icmpecho" });
    const isRefused = () =>
      /memif client of process \d+ .* refused: ID not found/.test(ltran.program.output());
    assert.ok(await waitUntil(isRefused, 10_000), ltran.program.output());
    await testpmd.program.stop();
  });
});
