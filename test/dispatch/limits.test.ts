// What a vport costs the others: its rate limit, frames for all, its place among those to be kicked.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import * as layout from "../../build/generated/node/layout.js";
import { arp, ethernet, ipv4, macOf, udp } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "10.0.0.2", mac: macOf(2) };
const B = { ip: "10.0.0.3", mac: macOf(3) };
const GROUP = Uint8Array.from([1, 0, 0x5e, 1, 1, 1]);
const VNET = layout.PORT_FLAG_VNET_HEADER;
const OFFLOADS = VNET | layout.PORT_FLAG_TX_CHECKSUM | layout.PORT_FLAG_SEGMENTATION;

const toPeer = {
  from: A.ip,
  to: "10.0.0.9",
  fromMac: A.mac,
  toMac: PEER_MAC,
  sourcePort: 1000,
  destinationPort: 80,
};

function setUp(flags = 0): Forwarder {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC, flags, flags === 0 ? 0 : 65000);
  return f;
}

/** A super-frame with nothing to cut: headers alone. */
function emptySuperFrame(): Uint8Array {
  const header = new DataView(new ArrayBuffer(10));
  header.setUint8(0, 1);
  header.setUint8(1, 1);
  header.setUint16(2, 54, true);
  header.setUint16(4, 1448, true);
  header.setUint16(6, 34, true);
  header.setUint16(8, 16, true);
  const frame = segment({ ...toPeer, flags: "A" });
  return new Uint8Array(Buffer.concat([new Uint8Array(header.buffer), frame]));
}

test("a super-frame without payload is paid for as the packet that it is", () => {
  const f = setUp(OFFLOADS);
  const v = f.open({ ...A, flags: VNET });
  f.doors.rateLimitSet(v.id, 1000, 0, f.now);
  for (let i = 0; i < 30; i++) v.client.send(emptySuperFrame());
  assert.equal(f.collect(), 10, "ten milliseconds of allowance");
});

test("a frame for all is no longer than the link carries: it is copied into every ring", () => {
  const f = setUp();
  const v = f.open(A);
  const other = f.open({ ...B, flags: VNET });
  const datagram = (length: number) => {
    const destination = "239.1.1.1";
    const body = {
      source: A.ip,
      destination,
      sourcePort: 1,
      destinationPort: 2,
      payload: new Uint8Array(length),
    };
    return ethernet(
      GROUP,
      A.mac,
      0x0800,
      ipv4({ source: A.ip, destination, protocol: 17, payload: udp(body) }),
    );
  };
  const announcement = arp({ operation: 1, senderMac: A.mac, sender: A.ip, target: A.ip });
  v.client.send(datagram(1472));
  v.client.send(datagram(1473));
  v.client.send(announcement);
  v.client.send(new Uint8Array(Buffer.concat([announcement, new Uint8Array(1500)])));
  f.collect();
  assert.equal(f.transmit().length, 2);
  assert.equal(other.client.received().length, 2);
  assert.deepEqual(f.vportDrops(v.id), { tooLong: 2 });
});

test("who is to be kicked stays so while others close and their numbers are given away", () => {
  const f = new Forwarder(undefined, 64 << 20);
  f.nicOpen(NIC_MAC);
  const vports = Array.from({ length: dispatch.VPORTS_MAX }, (_, i) =>
    f.open({ ip: `10.0.1.${i}`, mac: A.mac, slots: 4 }),
  );
  const [first, second] = vports;
  assert.ok(first !== undefined && second !== undefined);
  for (const v of [first, second]) {
    announce(v, "bind", { localPort: 53 });
    f.collect();
    v.client.sleeps(true);
  }
  const tell = () => {
    const frames = [first, second].map(({ identity: { ip } }) => {
      const ends = { source: "10.0.0.9", destination: ip };
      const payload = udp({ ...ends, sourcePort: 1, destinationPort: 53, payload: new Uint8Array(1) });
      return ethernet(A.mac, PEER_MAC, 0x0800, ipv4({ ...ends, protocol: 17, payload }));
    });
    f.receive(frames);
  };
  tell();
  assert.equal(f.doors.vportClose(first.id, f.now), 0);
  assert.equal(f.open({ ip: "10.0.2.1", mac: A.mac, slots: 4 }).id, first.id);
  assert.deepEqual(f.kicks(), [second.id]);
  tell();
  assert.deepEqual(f.kicks(), [second.id]);
});

test("of 600 vports each one's connections are its own", () => {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  const count = 600;
  const ipOf = (i: number) => `10.1.${i >> 8}.${i & 255}`;
  const vports = Array.from({ length: count }, (_, i) => f.open({ ip: ipOf(i), mac: macOf(2), slots: 4 }));
  const ends = { fromMac: macOf(2), toMac: PEER_MAC, sourcePort: 1000, destinationPort: 80 };
  vports.forEach(({ client }, i) => {
    client.send(segment({ ...ends, from: ipOf(i), to: "10.0.0.9", flags: "S", sequence: i }));
    f.collect();
    f.transmit();
  });
  assert.equal(f.flows(), count);
  for (const i of [0, 44, 255, 256, 300, 511, 512, 599]) {
    const back = { from: "10.0.0.9", to: ipOf(i), toMac: macOf(2), sourcePort: 80, destinationPort: 1000 };
    f.receive([segment({ ...back, flags: "SA", sequence: 9, acknowledgement: i + 1 })]);
    const got = vports.map(({ client }) => client.received().length);
    assert.equal(got.indexOf(1), i);
  }
  const last = vports[count - 1] as TestVport;
  f.doors.vportClose(last.id, f.now);
  assert.equal(f.flows(), count - 1);
});

test("what waits for room in the ring of the NIC is no reason to look again at once", () => {
  const f = setUp();
  const v = f.open({ ...A, slots: 512 });
  const frame = segment({ ...toPeer, flags: "A" });
  while (v.client.send(frame));
  f.collect();
  assert.equal(f.doors.outputWaiting(0), layout.TX_RING, "the NIC takes nothing");
  assert.ok(v.client.used() > 0);
  assert.equal(f.doors.sleep(), 0);
  assert.equal(f.doors.pending(), 0);
  f.doors.outputDone(0, 1);
  assert.equal(f.doors.pending(), 1, "there is room");
  assert.equal(f.collect(), 1);
  assert.equal(f.doors.pending(), 0);
});

test("a listener that is given another backlog may have that many requests under way", () => {
  const f = setUp();
  const v = f.open({ ...A, slots: 512 });
  announce(v, "listen", { localPort: 80, backlog: 1 });
  announce(v, "done");
  f.collect();
  let port = 1000;
  const ask = (count: number) => {
    for (let i = 0; i < count; i++) {
      const ends = { from: "10.0.0.9", to: A.ip, toMac: A.mac, sourcePort: port++, destinationPort: 80 };
      f.receive([segment({ ...ends, flags: "S", sequence: 1 })]);
    }
    return v.client.received().length;
  };
  assert.equal(ask(100), 100);
  assert.equal(f.flows(), 64, "the others are remembered by nobody");
  announce(v, "backlog", { localPort: 80, backlog: 200 });
  f.collect();
  ask(200);
  assert.equal(f.flows(), 200);
  announce(v, "backlog", { localPort: 81, backlog: 200 });
  f.collect();
  assert.equal(f.counters().announcementsRefused, 1, "nobody listens there");
});

test("a rate limit that is set again gives nothing away", () => {
  const f = setUp();
  const v = f.open({ ...A, slots: 128 });
  f.doors.rateLimitSet(v.id, 1000, 0, f.now);
  for (let i = 0; i < 100; i++) v.client.send(segment({ ...toPeer, flags: "A" }));
  assert.equal(f.collect(), 10);
  f.doors.rateLimitSet(v.id, 500, 0, f.now);
  assert.equal(f.collect(), 0);
  f.now += 10_000n;
  assert.equal(f.collect(), 5, "ten milliseconds of the new limit");
});
