// VLANs: frames are tagged on the NIC and untagged in the ring, and nobody hears another VLAN.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { arp, macOf, seen, write16 } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { inner, NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "10.0.0.2", mac: NIC_MAC, vlan: 10 };
const B = { ip: "10.0.0.3", mac: NIC_MAC, vlan: 20 };
const PLAIN = { ip: "10.0.0.4", mac: NIC_MAC };
const VNET = layout.PORT_FLAG_VNET_HEADER;
const OFFLOADS = VNET | layout.PORT_FLAG_TX_CHECKSUM | layout.PORT_FLAG_SEGMENTATION;
const PEER = "10.0.0.9";

/** The flags with which a port hands over a frame that it took a tag out of. */
function tagFlags(vlan: number, priority = 0): number {
  return layout.RX_FLAG_VLAN | (((priority << 13) | vlan) << layout.RX_VLAN_SHIFT);
}

/** A frame with the tag in it. */
function tagged(frame: Uint8Array, vlan: number): Uint8Array {
  const tag = Uint8Array.of(0x81, 0x00, vlan >> 8, vlan & 0xff);
  return new Uint8Array(Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]));
}

/** The VLAN of a frame, and the frame without the tag. */
function untagged(frame: Uint8Array | undefined): { vlan: number; frame: Uint8Array } {
  assert.ok(frame !== undefined);
  const bytes = Buffer.from(frame);
  assert.equal(bytes.readUInt16BE(12), 0x8100, "a tag");
  const rest = new Uint8Array(Buffer.concat([bytes.subarray(0, 12), bytes.subarray(16)]));
  return { vlan: bytes.readUInt16BE(14), frame: rest };
}

function setUp(flags = 0): { f: Forwarder; a: TestVport; b: TestVport; plain: TestVport } {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC, flags, (flags & layout.PORT_FLAG_SEGMENTATION) !== 0 ? 65000 : 0);
  const [a, b, plain] = [A, B, PLAIN].map((identity) => f.open(identity)) as [
    TestVport,
    TestVport,
    TestVport,
  ];
  for (const v of [a, b, plain]) {
    announce(v, "listen", { localPort: 80 });
    announce(v, "done");
  }
  f.collect();
  return { f, a, b, plain };
}

function request(to: string): Uint8Array {
  return segment({ from: PEER, to, sourcePort: 4000, destinationPort: 80, flags: "S", sequence: 1 });
}

test("a frame goes to the vport of its VLAN only, untagged", () => {
  const { f, a, b, plain } = setUp();
  f.receive([request(A.ip)], 0, tagFlags(10, 5));
  assert.deepEqual(a.client.received(), [request(A.ip)]);
  for (const flags of [0, tagFlags(20), tagFlags(11), tagFlags(0)]) f.receive([request(A.ip)], 0, flags);
  f.receive([request(PLAIN.ip)], 0, tagFlags(10));
  assert.deepEqual(
    [a, b, plain].map((v) => v.client.received().length),
    [0, 0, 0],
  );
  assert.equal(f.drops().ipNotOurs, 5);
  // A tag with a priority only is no VLAN (IEEE 802.1Q, 6.9).
  f.receive([request(PLAIN.ip)], 0, tagFlags(0, 7));
  assert.equal(plain.client.received().length, 1);
});

test("a tag that is still in the frame is taken out, partial checksums move along", () => {
  const { f, a } = setUp();
  f.receive([tagged(request(A.ip), 10)]);
  assert.deepEqual(a.client.received(), [request(A.ip)]);
  f.receive([tagged(tagged(request(A.ip), 10), 30)]);
  f.receive([tagged(request(A.ip), 10)], 0, tagFlags(10));
  f.receive([tagged(request(A.ip), 10).subarray(0, 16)]);
  assert.equal(f.drops().unknownEtherType, 2, "two tags");
  assert.equal(f.drops().truncated, 1);
  assert.deepEqual(a.client.received(), []);

  const g = new Forwarder();
  g.nicOpen(NIC_MAC, OFFLOADS, 65000);
  const v = g.open({ ...A, flags: VNET });
  announce(v, "listen", { localPort: 80 });
  announce(v, "done");
  g.collect();
  const header = new Uint8Array(10);
  header[0] = 1;
  new DataView(header.buffer).setUint16(6, 38, true);
  new DataView(header.buffer).setUint16(8, 16, true);
  g.receive([new Uint8Array(Buffer.concat([header, tagged(request(A.ip), 10)]))]);
  const [got] = v.client.received();
  assert.ok(got !== undefined);
  assert.equal(new DataView(got.buffer).getUint16(6, true), 34, "where the checksum starts");
  assert.deepEqual(got.subarray(10), request(A.ip));
});

test("what a vport sends has its tag, long and short frames alike, and offloads count it", () => {
  const { f, a, plain } = setUp();
  const sendTo = { from: A.ip, to: PEER, fromMac: NIC_MAC, toMac: PEER_MAC, sourcePort: 80 };
  for (const payload of [0, 60, 68, 69, 1400]) {
    const frame = segment({ ...sendTo, destinationPort: 4000, flags: "PA", payload });
    a.client.send(frame);
    f.collect();
    assert.deepEqual(untagged(f.transmit()[0]), { vlan: 10, frame });
  }
  plain.client.send(segment({ ...sendTo, from: PLAIN.ip, destinationPort: 4000, flags: "A" }));
  f.collect();
  assert.equal(seen(f.transmit()[0] ?? new Uint8Array()).type, 0x0800, "no tag");

  const g = new Forwarder();
  g.nicOpen(NIC_MAC, OFFLOADS, 65000);
  const v = g.open({ ...A, flags: VNET, slots: 128 });
  const frame = segment({ ...sendTo, destinationPort: 4000, flags: "PA", payload: 20_000 });
  write16(frame, 50, 0x1234);
  const header = new Uint8Array(10);
  const view = new DataView(header.buffer);
  header.set([1, 1]);
  for (const [at, value] of [
    [2, 54],
    [4, 1000],
    [6, 34],
    [8, 16],
  ] as const)
    view.setUint16(at, value, true);
  v.client.send(new Uint8Array(Buffer.concat([header, frame])));
  g.collect();
  const [sent] = g.waiting();
  assert.ok(sent !== undefined);
  assert.equal(sent.checksumStart, 38);
  assert.equal(sent.headerLength, 58);
  assert.equal(new DataView(sent.frame.buffer).getUint16(6, true), 38, "in the virtio-net header, too");
  assert.deepEqual(untagged(sent.frame.subarray(10)), { vlan: 10, frame });
});

test("a checksum that the NIC cannot do is completed behind the tag", () => {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  const v = f.open({ ...A, flags: VNET });
  const whole = segment({
    from: A.ip,
    to: PEER,
    fromMac: NIC_MAC,
    toMac: PEER_MAC,
    sourcePort: 80,
    destinationPort: 4000,
    flags: "PA",
    payload: 500,
  });
  const frame = whole.slice();
  const header = new Uint8Array(10);
  header[0] = 1;
  new DataView(header.buffer).setUint16(6, 34, true);
  new DataView(header.buffer).setUint16(8, 16, true);
  // The field holds the pseudo-header's sum.
  const words = [0x0a00, 2, 0x0a00, 9, 6, frame.length - 34];
  const sum = words.reduce((total, word) => total + word, 0);
  write16(frame, 50, (sum & 0xffff) + (sum >>> 16));
  v.client.send(new Uint8Array(Buffer.concat([header, frame])));
  f.collect();
  assert.deepEqual(untagged(f.transmit()[0]), { vlan: 10, frame: whole });
});

test("ARP, resets and port unreachable stay in the VLAN that asked", () => {
  const { f, a, b } = setUp();
  f.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: A.ip })], 0, tagFlags(10));
  f.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: A.ip })], 0, tagFlags(20));
  f.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: PEER })], 0, tagFlags(20));
  assert.equal(a.client.received().length, 1, "who asks in VLAN 10");
  assert.equal(b.client.received().length, 1, "the gratuitous one of VLAN 20");
  assert.equal(f.drops().arpNotOurs, 1);
  const stray = { from: PEER, to: A.ip, sourcePort: 4000, destinationPort: 81, flags: "S" };
  f.receive([segment(stray)], 0, tagFlags(10));
  const reset = untagged(f.transmit()[0]);
  assert.equal(reset.vlan, 10);
  assert.equal(inner(reset.frame).flags, "RA");
});

test("vports of different VLANs reach each other by the link only, and one address may be in both", () => {
  const { f, a, b } = setUp();
  const frame = segment({
    from: A.ip,
    to: B.ip,
    fromMac: NIC_MAC,
    toMac: PEER_MAC,
    sourcePort: 80,
    destinationPort: 80,
    flags: "S",
  });
  a.client.send(frame);
  f.collect();
  assert.equal(untagged(f.transmit()[0]).vlan, 10, "to a router, if there is one");
  assert.deepEqual(b.client.received(), []);
  const twin = f.open({ ...A, mac: macOf(7), vlan: 20 });
  assert.ok(twin.id >= 0, "another hardware address, another VLAN");
  announce(twin, "listen", { localPort: 80 });
  announce(twin, "done");
  f.collect();
  f.receive(
    [segment({ ...{ from: PEER, to: A.ip, sourcePort: 5, destinationPort: 80, flags: "S" } })],
    0,
    tagFlags(10),
  );
  assert.equal(a.client.received().length, 1);
  assert.equal(twin.client.received().length, 0);
  assert.equal(f.open({ ...A, vlan: 4095 }).id, -22);
});

test("announcements after a change of the NIC, and resets of a closed vport, are tagged", () => {
  const { f, a } = setUp();
  f.nicOpen(macOf(8));
  f.receive([request(A.ip)], 0, tagFlags(10));
  const answer = { from: A.ip, to: PEER, fromMac: NIC_MAC, toMac: PEER_MAC, sourcePort: 80 };
  a.client.send(segment({ ...answer, destinationPort: 4000, flags: "SA", sequence: 9, acknowledgement: 2 }));
  f.collect();
  f.transmit();
  f.doors.nicLink(0, 0, f.now);
  const announced = f.transmit(1);
  assert.deepEqual(
    announced.map((frame) => new DataView(frame.buffer).getUint16(12)),
    [0x8100, 0x8100, 0x0806],
  );
  f.doors.vportClose(a.id, f.now);
  const reset = untagged(f.transmit(1)[0]);
  assert.equal(reset.vlan, 10);
  assert.equal(inner(reset.frame).sequence, 10);
});
