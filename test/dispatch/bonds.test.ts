// Several bonds: each is a network of its own, and what happens to one is nothing to the others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arp, macOf, seen } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { inner, PEER_MAC, segment } from "./support/segments.js";

const MACS = [macOf(1), macOf(2)] as const;
const A = { ip: "10.0.0.2", mac: MACS[0] };
const B = { ip: "10.0.0.3", mac: MACS[1], bond: 1 };
const PEER = "10.0.0.9";
const EINVAL = -22;
const ENOSPC = -28;

/** Two bonds of two NICs: 0 and 1, 2 and 3. */
function setUp(mode = 1): { f: Forwarder; a: TestVport; b: TestVport } {
  const f = new Forwarder();
  assert.equal(f.doors.bondModeSet(mode), 0);
  for (const nic of [0, 1]) assert.equal(f.nicOpen(MACS[0]), nic);
  assert.equal(f.doors.bondOpen(), 1);
  for (const nic of [2, 3]) assert.equal(f.nicOpen(MACS[1]), nic);
  const [a, b] = [A, B].map((identity) => {
    const v = f.open(identity);
    announce(v, "listen", { localPort: 80, backlog: 1000 });
    announce(v, "done");
    return v;
  }) as [TestVport, TestVport];
  f.collect();
  return { f, a, b };
}

/** How many frames each NIC has to send. */
function leaving(f: Forwarder): number[] {
  return [0, 1, 2, 3].map((nic) => f.transmit(nic).length);
}

function send(f: Forwarder, v: TestVport, frame: Uint8Array): void {
  assert.ok(v.client.send(frame));
  f.collect();
}

const fromA = {
  from: A.ip,
  fromMac: A.mac,
  toMac: PEER_MAC,
  sourcePort: 1000,
  destinationPort: 80,
  flags: "S",
};

test("a vport's frames leave by its own bond, those for a vport of another one, too", () => {
  const { f, a, b } = setUp();
  send(f, a, segment({ ...fromA, to: PEER }));
  assert.deepEqual(leaving(f), [1, 0, 0, 0]);
  send(f, b, segment({ ...fromA, from: B.ip, fromMac: B.mac, to: PEER }));
  assert.deepEqual(leaving(f), [0, 0, 1, 0]);
  send(f, a, segment({ ...fromA, to: B.ip }));
  assert.deepEqual(leaving(f), [1, 0, 0, 0]);
  assert.equal(b.client.received().length, 0);
  send(f, a, arp({ operation: 1, senderMac: A.mac, sender: A.ip, target: B.ip }));
  assert.deepEqual(leaving(f), [1, 0, 0, 0]);
  assert.equal(b.client.received().length, 0);
});

test("what a bond receives is for its own vports; one address may be on both", () => {
  const { f, a, b } = setUp();
  const twin = f.open({ ...A, mac: MACS[1], bond: 1 });
  announce(twin, "listen", { localPort: 80 });
  announce(twin, "done");
  f.collect();
  const counts = () => [a, b, twin].map((v) => v.client.received().length);
  const request = (to: string, toMac: Uint8Array) =>
    segment({ from: PEER, to, toMac, sourcePort: 5, destinationPort: 80, flags: "S" });
  f.receive([request(A.ip, MACS[0])], 0);
  assert.deepEqual(counts(), [1, 0, 0]);
  f.receive([request(A.ip, MACS[1])], 2);
  assert.deepEqual(counts(), [0, 0, 1]);
  f.receive([request(B.ip, MACS[0])], 0);
  assert.deepEqual(counts(), [0, 0, 0]);
  const announcement = arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: PEER });
  f.receive([announcement], 2);
  assert.deepEqual(counts(), [0, 1, 1]);
  f.receive([announcement], 3);
  assert.deepEqual(counts(), [0, 0, 0]);
  assert.deepEqual(f.drops(), { ipNotOurs: 1, backupNic: 1 });
});

test("answers of dispatch's own leave by the bond that the frame came from", () => {
  const { f, b } = setUp();
  const stray = { from: PEER, sourcePort: 5, destinationPort: 81, flags: "S" };
  f.receive([segment({ ...stray, to: B.ip, toMac: MACS[1] })], 2);
  const [reset] = f.transmit(2).map(inner);
  assert.equal(reset?.flags, "RA");
  f.receive([segment({ ...stray, destinationPort: 80, to: B.ip, toMac: MACS[1] })], 2);
  b.client.received();
  f.doors.vportClose(b.id, f.now);
  assert.deepEqual(leaving(f), [0, 0, 1, 0]);
});

test("a link that one loses is its own: it alone switches over and announces its own addresses", () => {
  const { f } = setUp();
  f.doors.nicLink(2, 0, f.now);
  assert.deepEqual([f.doors.nicActive(0), f.doors.nicActive(1)], [0, 3]);
  const announced = f.transmit(3).map((frame) => seen(frame).arp?.sender);
  assert.deepEqual(announced, [B.ip]);
  assert.deepEqual(leaving(f), [0, 0, 0, 0]);
  f.doors.nicLink(3, 0, f.now);
  f.doors.nicLink(0, 0, f.now);
  assert.deepEqual([f.doors.nicActive(0), f.doors.nicActive(1)], [1, 3]);
  assert.deepEqual(leaving(f), [0, 1, 0, 0]);
  f.pass(3_000_000);
  assert.deepEqual(leaving(f), [0, 1, 0, 0], "the second time, where there is a link");
});

test("a NIC without room holds up its own bond's vports only", () => {
  const { f, a, b } = setUp();
  const slots = 64;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < slots; i++)
      b.client.send(segment({ ...fromA, from: B.ip, fromMac: B.mac, to: PEER }));
    f.collect();
  }
  assert.ok(b.client.used() > 0, "frames wait");
  send(f, a, segment({ ...fromA, to: PEER }));
  assert.equal(a.client.used(), 0);
  assert.equal(f.transmit(0).length, 1);
});

test("ALB and LACP run for each by itself", () => {
  const { f, a, b } = setUp(6);
  for (let sourcePort = 0; sourcePort < 32; sourcePort++) {
    send(f, a, segment({ ...fromA, sourcePort, to: PEER }));
    send(f, b, segment({ ...fromA, from: B.ip, fromMac: B.mac, sourcePort, to: PEER }));
  }
  const spread = leaving(f);
  assert.ok(
    spread.every((count) => count > 6),
    spread.join(),
  );
  f.doors.nicLink(0, 0, f.now);
  leaving(f);
  send(f, b, segment({ ...fromA, from: B.ip, fromMac: B.mac, to: PEER }));
  const [, , third = 0, fourth = 0] = leaving(f);
  assert.equal(third + fourth, 1);
  const lacp = setUp(4);
  lacp.f.pass(7_000_000);
  leaving(lacp.f);
  // Without partners the first link of each is used.
  send(lacp.f, lacp.a, segment({ ...fromA, to: PEER }));
  send(lacp.f, lacp.b, segment({ ...fromA, from: B.ip, fromMac: B.mac, to: PEER }));
  const frames = [0, 1, 2, 3].map((nic) => lacp.f.transmit(nic).filter((frame) => frame.length < 100).length);
  assert.deepEqual(frames, [1, 0, 1, 0]);
});

test("there are eight bonds at most, and vports on those that there are", () => {
  const { f } = setUp();
  for (let number = 2; number < 8; number++) assert.equal(f.doors.bondOpen(), number);
  assert.equal(f.doors.bondOpen(), ENOSPC);
  assert.equal(f.open({ ...A, bond: 8 }).id, EINVAL);
  assert.equal(f.open({ ...A, vlan: 4095 }).id, EINVAL);
});
