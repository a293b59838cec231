// What a vport sends: to the NIC, to its neighbours, and what it may not.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { complement, sumBytes } from "../../sim/wire/checksum.js";
import { arp, dotted, ethernet, macOf, seen, write16 } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { inner, NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "10.0.0.2", mac: macOf(2) };
const B = { ip: "10.0.0.3", mac: macOf(3) };
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
const toB = { ...toPeer, to: B.ip, toMac: B.mac };

function setUp(nicFlags = 0): Forwarder {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC, nicFlags, (nicFlags & layout.PORT_FLAG_SEGMENTATION) !== 0 ? 65000 : 0);
  return f;
}

/** A virtio-net header in front of a frame whose checksum field is made partial. */
function partial(frame: Uint8Array, segmentSize = 0): Uint8Array {
  const header = new Uint8Array(10);
  const view = new DataView(header.buffer);
  const tcpAt = 34;
  view.setUint8(0, 1);
  view.setUint8(1, segmentSize > 0 ? 1 : 0);
  view.setUint16(2, segmentSize > 0 ? 54 : 0, true);
  view.setUint16(4, segmentSize, true);
  view.setUint16(6, tcpAt, true);
  view.setUint16(8, 16, true);
  const pseudo = sumBytes(frame, 26, 8) + 6 + (frame.length - tcpAt);
  write16(frame, tcpAt + 16, ~complement(pseudo) & 0xffff);
  return new Uint8Array(Buffer.concat([header, frame]));
}

function sent(f: Forwarder, v: TestVport, frame: Uint8Array): Uint8Array[] {
  assert.ok(v.client.send(frame));
  f.collect();
  return f.transmit();
}

test("a frame goes to the NIC as it is, long ones too, and their slots come back when it has left", () => {
  const f = setUp();
  const v = f.open(A);
  for (const payload of [0, 1, 60, 68, 69, 500, 1400]) {
    const frame = segment({
      ...toPeer,
      flags: "PA",
      payload: Uint8Array.from({ length: payload }, (_, i) => i),
    });
    v.client.send(frame);
    f.collect();
    assert.deepEqual(f.waiting()[0]?.frame, frame);
    assert.equal(v.client.used(), payload > 68 ? 1 : 0, "only what is not copied is held");
    f.transmit();
    assert.equal(v.client.used(), 0);
  }
  assert.deepEqual(f.drops(), {});
});

test("held slots come back in order, whatever happens between them", () => {
  const f = setUp();
  const v = f.open(A);
  const long = segment({ ...toPeer, flags: "PA", payload: 1000 });
  const foreign = segment({ ...toPeer, fromMac: macOf(77), flags: "A" });
  for (const frame of [long, foreign, long, foreign]) v.client.send(frame);
  f.collect();
  assert.equal(v.client.used(), 4);
  f.doors.outputDone(0, 1);
  assert.equal(v.client.used(), 2, "the second long one is still held");
  f.doors.outputDone(0, 1);
  assert.equal(v.client.used(), 0);
});

test("what was checked is what is sent: headers changed after publication change nothing", () => {
  const f = setUp();
  const v = f.open(A);
  const frame = segment({ ...toPeer, flags: "PA", payload: 1000 });
  v.client.send(frame);
  f.collect();
  v.client.scribble(0xee);
  const [out] = f.transmit();
  assert.deepEqual(out?.subarray(0, 122), frame.subarray(0, 122));
});

test("nobody speaks with another's hardware address, address, or ARP", () => {
  const f = setUp();
  const v = f.open(A);
  f.open(B);
  const cases: [string, Uint8Array][] = [
    ["foreignMac", segment({ ...toPeer, fromMac: B.mac, flags: "A" })],
    ["foreignAddress", segment({ ...toPeer, from: B.ip, flags: "A" })],
    ["foreignAddress", segment({ ...toB, from: "10.0.0.9", flags: "A" })],
    ["foreignArp", arp({ operation: 2, senderMac: B.mac, sender: A.ip, target: "10.0.0.9" })],
    ["foreignArp", arp({ operation: 1, senderMac: A.mac, sender: B.ip, target: "10.0.0.9" })],
    ["foreignArp", arp({ operation: 2, senderMac: A.mac, sender: "10.0.0.9", target: B.ip })],
    ["unknownEtherType", ethernet(PEER_MAC, A.mac, 0x88cc, new Uint8Array(60))],
    ["truncated", new Uint8Array(13)],
  ];
  const expected: Record<string, number> = {};
  for (const [reason, frame] of cases) {
    // Whose Ethernet header it is is looked at first.
    if (reason === "foreignArp") frame.set(A.mac, 6);
    assert.deepEqual(sent(f, v, frame), [], reason);
    expected[reason] = (expected[reason] ?? 0) + 1;
    assert.deepEqual(f.vportDrops(v.id), expected);
  }
  assert.deepEqual(f.drops(), expected);
});

test("one vport does not speak on another's connection of the same address", () => {
  const f = setUp();
  const first = f.open(A);
  const second = f.open(A);
  assert.equal(sent(f, first, segment({ ...toPeer, flags: "S" })).length, 1);
  assert.deepEqual(sent(f, second, segment({ ...toPeer, flags: "R", sequence: 1 })), []);
  assert.deepEqual(sent(f, second, segment({ ...toPeer, flags: "PA", payload: 5 })), []);
  assert.equal(f.vportDrops(second.id).foreignFlow, 2);
  assert.equal(sent(f, first, segment({ ...toPeer, flags: "A", sequence: 1 })).length, 1);
});

test("frames between two vports touch no NIC, and a router's hardware address is no detour", () => {
  const f = setUp();
  const a = f.open(A);
  const b = f.open(B);
  announce(b, "listen", { localPort: 80 });
  announce(b, "done");
  const frame = segment({ ...toB, flags: "S" });
  assert.deepEqual(sent(f, a, frame), []);
  const [got] = b.client.received();
  assert.deepEqual(got, frame);
  a.client.send(segment({ ...toB, toMac: PEER_MAC, sourcePort: 1001, flags: "S" }));
  f.collect();
  assert.equal(seen(b.client.received()[0] ?? new Uint8Array(60)).to, seen(frame).to);
  assert.equal(f.counters().switchedFrames, 2);
});

test("partial checksums and super-frames stay as they are between vports that know them", () => {
  const f = setUp();
  const a = f.open({ ...A, flags: VNET });
  const b = f.open({ ...B, flags: VNET });
  announce(b, "listen", { localPort: 80 });
  announce(b, "done");
  const frame = partial(segment({ ...toB, flags: "PA", payload: 30000 }), 1448);
  assert.deepEqual(sent(f, a, frame), []);
  assert.deepEqual(b.client.received(), [frame]);
});

test("towards a vport without virtio-net headers checksums are completed, super-frames refused", () => {
  const f = setUp();
  const a = f.open({ ...A, flags: VNET });
  const b = f.open(B);
  announce(b, "listen", { localPort: 80 });
  announce(b, "done");
  for (const payload of [0, 1, 73, 1001, 1400]) {
    sent(f, a, partial(segment({ ...toB, flags: "PA", payload })));
    const [got] = b.client.received();
    assert.equal(inner(got ?? new Uint8Array(0)).payload.length, payload, "and the checksum is right");
  }
  sent(f, a, partial(segment({ ...toB, flags: "PA", payload: 30000 }), 1448));
  assert.deepEqual(b.client.received(), []);
  assert.deepEqual(f.vportDrops(b.id), { superFrame: 1 });
});

test("a NIC that completes no checksums gets complete ones, one that does gets its instructions", () => {
  for (const flags of [0, OFFLOADS]) {
    const f = setUp(flags);
    const a = f.open({ ...A, flags: VNET });
    const frame = partial(segment({ ...toPeer, flags: "PA", payload: 1001 }));
    a.client.send(frame);
    f.collect();
    const [out] = f.waiting();
    if (flags === 0) {
      assert.equal(inner(out?.frame ?? new Uint8Array(0)).payload.length, 1001);
    } else {
      assert.deepEqual(out?.frame, frame);
      assert.deepEqual(
        [out?.flags, out?.checksumStart, out?.checksumOffset],
        [layout.TX_FLAG_CHECKSUM, 34, 16],
      );
    }
  }
});

test("a super-frame goes to a NIC that cuts it with its headers apart, and to no other", () => {
  const f = setUp(OFFLOADS);
  const a = f.open({ ...A, flags: VNET });
  const frame = partial(segment({ ...toPeer, flags: "PA", payload: 60000 }), 1448);
  a.client.send(frame);
  f.collect();
  const [out] = f.waiting();
  assert.deepEqual(out?.frame, frame);
  assert.deepEqual([out?.segmentSize, out?.headerLength], [1448, 54]);
  assert.equal(out?.flags, layout.TX_FLAG_CHECKSUM | layout.TX_FLAG_SEGMENT);
  f.transmit();
  assert.equal(a.client.used(), 0);
  const plain = setUp();
  const other = plain.open({ ...A, flags: VNET });
  assert.deepEqual(sent(plain, other, frame), []);
  assert.deepEqual(plain.drops(), { superFrame: 1 });
});

test("a virtio-net header that does not fit its frame is refused", () => {
  const f = setUp(OFFLOADS);
  const a = f.open({ ...A, flags: VNET });
  const good = () => partial(segment({ ...toPeer, flags: "PA", payload: 3000 }), 1448);
  const spoil: ((view: DataView) => void)[] = [
    (view) => view.setUint16(6, 33, true),
    (view) => view.setUint16(6, 65000, true),
    (view) => view.setUint16(8, 6, true),
    (view) => view.setUint16(4, 1, true),
    (view) => view.setUint16(4, 0, true),
    (view) => view.setUint8(1, 3),
    (view) => view.setUint8(0, 0),
  ];
  for (const change of spoil) {
    const frame = good();
    change(new DataView(frame.buffer));
    assert.deepEqual(sent(f, a, frame), []);
  }
  assert.deepEqual(f.drops(), { virtioHeader: spoil.length });
  assert.equal(sent(f, a, good()).length, 1);
});

test("a rate limit holds frames back in the ring, and says when to look again", () => {
  const f = setUp();
  const a = f.open(A);
  f.doors.rateLimitSet(a.id, 1000, 0, f.now);
  for (let i = 0; i < 30; i++) a.client.send(segment({ ...toPeer, flags: "A", sequence: i }));
  assert.equal(f.collect(), 10, "ten milliseconds of allowance");
  assert.equal(f.doors.pending(), 0, "what must wait is not pending");
  const next = f.doors.nextDeadline();
  assert.ok(next > f.now && next <= f.now + 1001n, `${next - f.now}`);
  f.transmit();
  f.now += 10_000n;
  assert.equal(f.collect(), 10);
  assert.deepEqual(f.drops(), {});
  assert.equal(f.vportCounters(a.id).rateWaits, 2);
});

test("a vport that has much to send does not keep another from sending", () => {
  const f = setUp();
  const greedy = f.open({ ...A, slots: 512 });
  const modest = f.open(B);
  for (let i = 0; i < 400; i++) greedy.client.send(segment({ ...toPeer, flags: "A", sequence: i }));
  modest.client.send(segment({ ...toPeer, from: B.ip, fromMac: B.mac, flags: "A" }));
  f.doors.collect(f.now);
  const frames = f.transmit();
  assert.equal(frames.length, 33);
  assert.ok(frames.some((frame) => seen(frame).ip?.source === B.ip));
});

test("with a full NIC ring frames wait in the clients' rings, with no link they are dropped", () => {
  const f = setUp();
  const a = f.open({ ...A, slots: 512 });
  for (let i = 0; i < 400; i++) a.client.send(segment({ ...toPeer, flags: "A", sequence: i }));
  assert.equal(f.collect(), layout.TX_RING);
  assert.equal(a.client.used(), 400 - layout.TX_RING);
  f.doors.nicLink(0, 0, f.now);
  assert.equal(f.doors.outputWaiting(0), 0);
  assert.equal(f.collect(), 400 - layout.TX_RING);
  assert.deepEqual(f.drops(), { withdrawn: layout.TX_RING, linkDown: 400 - layout.TX_RING });
});

test("an address has one hardware address; impossible identities and rings are refused", () => {
  const f = setUp();
  assert.equal(f.open(A).id, 0);
  assert.equal(f.open({ ip: A.ip, mac: B.mac }).id, -98);
  assert.equal(f.open({ ip: "10.0.0.5", mac: Uint8Array.from([1, 2, 3, 4, 5, 6]) }).id, -22);
  assert.equal(f.open({ ip: "224.0.0.5", mac: B.mac }).id, -99);
  assert.equal(f.open({ ip: "0.0.0.0", mac: B.mac }).id, -99);
  assert.equal(f.open({ ...B, slots: 48 }).id, -22);
  assert.equal(f.open(B).id, 1);
  assert.deepEqual([...dotted(A.ip)], [10, 0, 0, 2]);
});

test("kicks go to clients that sleep, and only to them", () => {
  const f = setUp();
  const a = f.open(A);
  const b = f.open(B);
  announce(a, "listen", { localPort: 80 });
  announce(b, "listen", { localPort: 80 });
  announce(b, "done");
  f.collect();
  const syn = (to: typeof A, port: number) =>
    segment({
      from: "10.0.0.9",
      to: to.ip,
      toMac: to.mac,
      sourcePort: port,
      destinationPort: 80,
      flags: "S",
    });
  b.client.sleeps(true);
  f.receive([syn(A, 1), syn(B, 1), syn(B, 2)]);
  assert.deepEqual(f.kicks(), [b.id]);
  assert.deepEqual(f.kicks(), []);
  assert.equal(f.doors.sleep(), 0);
  assert.ok(a.client.serverSleeps());
  f.doors.awake();
  assert.ok(!a.client.serverSleeps());
  a.client.send(segment({ ...toPeer, flags: "A" }));
  assert.equal(f.doors.sleep(), 1);
  assert.equal(f.doors.pending(), 1);
});

test("who floods a neighbour leaves room in its ring for others and the NIC, and gets it all back", () => {
  const f = setUp();
  const a = f.open(A);
  const b = f.open({ ...B, slots: 64 });
  const c = f.open({ ip: "10.0.0.4", mac: macOf(4) });
  announce(b, "listen", { localPort: 80 });
  announce(b, "done");
  f.collect();
  const fromC = { ...toB, from: "10.0.0.4", fromMac: macOf(4), flags: "PA" };
  const flood = (count: number) => {
    for (let i = 0; i < count; i++) sent(f, a, segment({ ...toB, flags: "PA" }));
    return b.client.received().length;
  };
  const most = flood(200);
  assert.ok(most >= 42 && most <= 44, `two thirds of 64 slots: ${most}`);
  assert.equal(f.vportDrops(b.id).vportShare, 200 - most);
  // Nothing is read until all have sent.
  for (let i = 0; i < 200; i++) {
    a.client.send(segment({ ...toB, flags: "PA" }));
    if (i % 4 === 0) c.client.send(segment(fromC));
    f.collect();
  }
  const fromNic = segment({ ...toB, from: "10.0.0.9", fromMac: PEER_MAC, flags: "PA" });
  f.receive(Array.from({ length: 20 }, () => fromNic));
  const got = b.client.received().map((frame) => inner(frame).link.ip?.source);
  const count = (source: string) => got.filter((from) => from === source).length;
  assert.equal(got.length, 64, "the NIC fills what is left");
  assert.ok(count("10.0.0.4") >= 12, `${count("10.0.0.4")} of 50 that came while another one flooded`);
  assert.ok(count("10.0.0.9") >= 8, `${count("10.0.0.9")} from the NIC`);
  assert.deepEqual(Object.keys(f.vportDrops(b.id)).sort(), ["vportFull", "vportShare"]);
  // A ring that is read is anybody's.
  const dropped = f.vportDrops(b.id).vportShare;
  for (let i = 0; i < 1_000; i++) assert.equal(flood(32), 32);
  assert.equal(f.vportDrops(b.id).vportShare, dropped);
});
