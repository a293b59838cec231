// What is announced in rings that nobody has looked at yet, and what cannot be looked at.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import { macOf } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder } from "./support/forwarder.js";
import { NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "10.0.0.2", mac: macOf(2) };
const B = { ip: "10.0.0.3", mac: macOf(3) };
const toA = { from: "10.0.0.9", to: A.ip, toMac: A.mac, sourcePort: 5000, destinationPort: 80, flags: "S" };
const fromA = {
  from: A.ip,
  to: "10.0.0.9",
  fromMac: A.mac,
  toMac: PEER_MAC,
  sourcePort: 1,
  destinationPort: 2,
};

function setUp(): Forwarder {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  return f;
}

test("what a rate limit hides is not taken for unknown, and found when the limit lets it through", () => {
  const f = setUp();
  const a = f.open(A);
  announce(a, "done");
  f.collect();
  f.doors.rateLimitSet(a.id, 100, 0, f.now);
  for (let i = 0; i < 3; i++) a.client.send(segment({ ...fromA, flags: "A", sequence: i }));
  announce(a, "listen", { localPort: 80 });
  f.receive([segment(toA)]);
  assert.equal(f.transmit().length, 1, "its own frame, no reset");
  assert.deepEqual(f.drops(), { undecided: 1 });
  for (let i = 0; i < 4; i++) {
    f.now += 20_000n;
    f.collect();
  }
  f.receive([segment(toA)]);
  assert.equal(a.client.received().length, 1);
});

test("a full NIC ring hides, too", () => {
  const f = setUp();
  const a = f.open({ ...A, slots: 512 });
  announce(a, "done");
  for (let i = 0; i < 300; i++) a.client.send(segment({ ...fromA, flags: "A", sequence: i }));
  announce(a, "listen", { localPort: 80 });
  f.collect();
  f.receive([segment(toA)]);
  assert.deepEqual(f.drops(), { undecided: 1 });
  f.transmit();
  f.receive([segment(toA)]);
  assert.equal(a.client.received().length, 1);
});

test("a request from a neighbour finds a listener that nobody has looked at", () => {
  const f = setUp();
  const a = f.open(A);
  const b = f.open(B);
  announce(b, "done");
  announce(b, "listen", { localPort: 80 });
  a.client.send(segment({ ...fromA, to: B.ip, toMac: B.mac, destinationPort: 80, flags: "S" }));
  f.doors.collect(f.now);
  assert.equal(b.client.received().length, 1);
  assert.deepEqual(f.drops(), {});
});

test("two rings that wait for each other's announcements are both heard", () => {
  const f = setUp();
  const a = f.open(A);
  const b = f.open(B);
  for (const v of [a, b]) announce(v, "done");
  f.collect();
  // Each asks the other for a connection, and announces its own listener only behind that.
  a.client.send(segment({ ...fromA, to: B.ip, toMac: B.mac, destinationPort: 80, flags: "S" }));
  const fromB = { ...fromA, from: B.ip, fromMac: B.mac, to: A.ip, toMac: A.mac };
  b.client.send(segment({ ...fromB, destinationPort: 80, flags: "S" }));
  for (const v of [a, b]) announce(v, "listen", { localPort: 80 });
  f.collect();
  assert.equal(b.client.received().length, 1);
  assert.equal(f.drops().tcpUnknown, undefined, "nobody is reset");
  b.client.send(segment({ ...fromB, destinationPort: 80, flags: "S" }));
  f.collect();
  assert.equal(a.client.received().length, 1, "the second try arrives at the latest");
});

test("what expired may be looked for seldom", () => {
  const f = setUp();
  const a = f.open(A);
  announce(a, "listen", { localPort: 80 });
  announce(a, "done");
  f.collect();
  f.doors.scanIntervalSet(60_000_000n);
  f.pass(1);
  f.receive([segment(toA)]);
  f.pass(30_000_000);
  assert.equal(f.flows(), 1);
  f.pass(31_000_000);
  assert.equal(f.flows(), 0);
});

test("another ltran learns what there is: connections first, then listeners", () => {
  const f = setUp();
  const [a, b] = [f.open(A), f.open(A)];
  announce(a, "listen", { localPort: 80 });
  announce(a, "done");
  announce(b, "flow", {
    local: A.ip,
    localPort: 80,
    remote: "10.0.0.9",
    remotePort: 5000,
    sndNxt: 7,
    rcvNxt: 8,
  });
  announce(b, "listen", { localPort: 80 });
  announce(b, "done");
  const counts = () => [a, b].map((v) => v.client.received().length);
  f.receive([segment({ ...toA, flags: "A" })]);
  assert.deepEqual(counts(), [0, 1]);
  announce(a, "flow", { local: A.ip, localPort: 80, remote: "10.0.0.9", remotePort: 5000 });
  f.collect();
  f.receive([segment({ ...toA, flags: "A" })]);
  assert.deepEqual(counts(), [0, 1], "what another has is not taken over");
  assert.equal(f.counters().announcementsRefused, 1);
});

test("a dead ring is told once, whichever of the two it is, and found before the forwarder sleeps", () => {
  const f = setUp();
  const [a, b] = [f.open(A), f.open(B)];
  assert.deepEqual([f.doors.takeNotice(), f.doors.takeBroken()], [0, -1]);
  assert.equal(f.doors.sleep(), 0);
  a.client.setHead(a.client.takeRing, 5000);
  assert.equal(f.doors.sleep(), 1, "there is something to be looked at");
  f.collect();
  assert.equal(f.doors.sleep(), 0);
  assert.deepEqual([f.doors.takeNotice(), f.doors.takeNotice()], [1, 0]);
  assert.deepEqual([f.doors.takeBroken(), f.doors.takeBroken()], [a.id, -1]);
  for (let i = 0; i < 64; i++) b.client.describe(b.client.putRing, i, 0, 0);
  announce(b, "listen", { localPort: 80 });
  f.collect();
  f.receive([segment({ ...toA, to: B.ip, toMac: B.mac, flags: "S" })]);
  assert.equal(f.drops().vportBroken, 1);
  assert.deepEqual([f.doors.takeNotice(), f.doors.takeBroken(), f.doors.takeBroken()], [1, b.id, -1]);
  const at = dispatch.VPORTS + a.id * dispatch.VPORT_STRIDE + dispatch.VPORT_TAKE_BROKEN;
  assert.notEqual(f.view().getUint32(at, true), 0);
  assert.equal(f.vportCounters(a.id).ringFaults, 1);
});
