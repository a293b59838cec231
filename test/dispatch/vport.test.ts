// What a vport sends: to the NIC, to its neighbours, and what it may not.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { complement, sumBytes } from "../../sim/wire/checksum.js";
import {
  arp,
  dotted,
  ethernet,
  icmp,
  ipv4,
  macOf,
  read16,
  seen,
  udp,
  write16,
} from "../stack/support/frames.js";
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
  for (const payload of [0, 1, 60, 72, 73, 500, 1400]) {
    const frame = segment({
      ...toPeer,
      flags: "PA",
      payload: Uint8Array.from({ length: payload }, (_, i) => i),
    });
    v.client.send(frame);
    f.collect();
    assert.deepEqual(f.waiting()[0]?.frame, frame);
    assert.equal(v.client.used(), payload > 72 ? 1 : 0, "only what is not copied is held");
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
  assert.deepEqual(out?.subarray(0, 126), frame.subarray(0, 126));
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
    ["unknownEtherType", ethernet(PEER_MAC, A.mac, 0x86dd, new Uint8Array(60))],
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

test("ARP: requests to the first stack of each process, replies to all of the address, nobody else", () => {
  const f = setUp();
  const stacks = [1, 0, 2].map((stackIndex) => f.open({ ...A, key: 5, stackIndex }));
  const other = f.open({ ...A, key: 6 });
  const b = f.open(B);
  const everyone = [...stacks, other, b];
  const counts = () => everyone.map((v) => v.client.received().length);
  f.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: "10.0.0.9", target: A.ip })]);
  assert.deepEqual(counts(), [0, 1, 0, 1, 0]);
  f.receive([arp({ operation: 2, senderMac: PEER_MAC, sender: "10.0.0.9", target: A.ip }, A.mac)]);
  assert.deepEqual(counts(), [1, 1, 1, 1, 0]);
  f.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: "10.0.0.9", target: "10.0.0.77" })]);
  assert.deepEqual(counts(), [0, 0, 0, 0, 0]);
  f.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: "10.0.0.9", target: "10.0.0.9" })]);
  assert.deepEqual(counts(), [1, 1, 1, 1, 1]);
  assert.deepEqual(f.drops(), { arpNotOurs: 1 });
});

test("ARP between vports stays here; about strangers, and about oneself, it goes out", () => {
  const f = setUp();
  const a = f.open(A);
  const b = f.open(B);
  const ask = (target: string) => arp({ operation: 1, senderMac: A.mac, sender: A.ip, target });
  assert.deepEqual(sent(f, a, ask(B.ip)), []);
  assert.equal(b.client.received().length, 1);
  assert.equal(sent(f, a, ask("10.0.0.9")).length, 1);
  assert.equal(b.client.received().length, 0);
  assert.equal(sent(f, a, ask(A.ip)).length, 1, "an announcement");
  assert.equal(b.client.received().length, 1);
  assert.equal(
    sent(f, a, arp({ operation: 1, senderMac: A.mac, sender: "0.0.0.0", target: A.ip })).length,
    1,
  );
});

test("broadcasts and multicasts go to everybody but their sender", () => {
  const f = setUp();
  const all = [f.open(A), f.open(B), f.open({ ip: "10.0.0.4", mac: macOf(4) })];
  const payload = udp({
    source: A.ip,
    destination: "239.1.1.1",
    sourcePort: 1,
    destinationPort: 2,
    payload: new Uint8Array(4),
  });
  const packet = ipv4({ source: A.ip, destination: "239.1.1.1", protocol: 17, payload });
  const group = Uint8Array.from([1, 0, 0x5e, 1, 1, 1]);
  assert.equal(sent(f, all[0] as TestVport, ethernet(group, A.mac, 0x0800, packet)).length, 1);
  assert.deepEqual(
    all.map((v) => v.client.received().length),
    [0, 1, 1],
  );
  f.receive([ethernet(group, PEER_MAC, 0x0800, packet)]);
  assert.deepEqual(
    all.map((v) => v.client.received().length),
    [1, 1, 1],
  );
});

test("ICMP: echo to the first stack, errors to whose packet they quote, others dropped", () => {
  const f = setUp();
  const stacks = [0, 1].map((stackIndex) => f.open({ ...A, key: 5, stackIndex }));
  for (const v of stacks) announce(v, "done");
  const [, second] = stacks as [TestVport, TestVport];
  const out = segment({ ...toPeer, flags: "S", sequence: 9 });
  sent(f, second, out);
  const counts = () => stacks.map((v) => v.client.received().length);
  const fromPeer = (payload: Uint8Array) =>
    ethernet(A.mac, PEER_MAC, 0x0800, ipv4({ source: "10.0.0.9", destination: A.ip, protocol: 1, payload }));
  f.receive([fromPeer(icmp(8, 0, 0x10001, new Uint8Array(20)))]);
  assert.deepEqual(counts(), [1, 0]);
  f.receive([fromPeer(icmp(3, 1, 0, out.subarray(14, 14 + 28)))]);
  assert.deepEqual(counts(), [0, 1]);
  const stranger = out.slice(14, 14 + 28);
  write16(stranger, 20, 4321);
  f.receive([fromPeer(icmp(3, 1, 0, stranger)), fromPeer(icmp(3, 1, 0, out.subarray(14, 14 + 24)))]);
  assert.deepEqual(counts(), [0, 0]);
  assert.deepEqual(f.drops(), { icmpUnrelated: 2 });
});

test("UDP: to the binding, the same one for the same peer; else an ICMP error, a thousand a second", () => {
  const f = setUp();
  const vports = [f.open(A), f.open(A)];
  for (const v of vports) {
    announce(v, "bind", { localPort: 53 });
    announce(v, "done");
  }
  const datagram = (sourcePort: number, destinationPort: number) => {
    const body = {
      source: "10.0.0.9",
      destination: A.ip,
      sourcePort,
      destinationPort,
      payload: new Uint8Array(9),
    };
    return ethernet(
      A.mac,
      PEER_MAC,
      0x0800,
      ipv4({ source: "10.0.0.9", destination: A.ip, protocol: 17, payload: udp(body) }),
    );
  };
  const owners = new Set<number>();
  for (let port = 1000; port < 1040; port++) {
    f.receive([datagram(port, 53), datagram(port, 53)]);
    const counts = vports.map((v) => v.client.received().length);
    assert.ok(counts.includes(2), "both to one");
    owners.add(counts.indexOf(2));
  }
  assert.equal(owners.size, 2, "peers are spread");
  assert.equal(f.flows(), 0, "and nothing is remembered");
  for (let i = 0; i < 100; i++) f.receive([datagram(1000, 54)]);
  const errors = f.transmit();
  assert.equal(errors.length, 50);
  const message = seen(errors[0] ?? new Uint8Array(0)).ip?.payload ?? new Uint8Array(0);
  assert.deepEqual([message[0], message[1]], [3, 3]);
  assert.deepEqual(message.subarray(8, 36), datagram(1000, 54).subarray(14, 42));
  assert.equal(f.drops().icmpRateLimited, 50);
});

test("answers to a datagram come back to who sent it, though another has the port, too", () => {
  const f = setUp();
  const vports = [f.open(A), f.open(A)] as [TestVport, TestVport];
  for (const v of vports) {
    announce(v, "bind", { localPort: 5353 });
    announce(v, "done");
  }
  f.collect();
  const body = (source: string, destination: string, sourcePort: number, destinationPort: number) =>
    ipv4({
      source,
      destination,
      protocol: 17,
      payload: udp({ source, destination, sourcePort, destinationPort, payload: new Uint8Array(4) }),
    });
  for (let port = 2000; port < 2020; port++) {
    const sender = vports[port % 2] as TestVport;
    sent(f, sender, ethernet(PEER_MAC, A.mac, 0x0800, body(A.ip, "10.0.0.9", 5353, port)));
    f.receive([ethernet(A.mac, PEER_MAC, 0x0800, body("10.0.0.9", A.ip, port, 5353))]);
    assert.equal(sender.client.received().length, 1);
  }
  f.pass(121_000_000);
  assert.equal(f.flows(), 0);
});

test("later fragments go to the owner of the first, for thirty seconds", () => {
  const f = setUp();
  const vports = [f.open(A), f.open(A)];
  for (const v of vports) {
    announce(v, "bind", { localPort: 53 });
    announce(v, "done");
  }
  const whole = udp({
    source: "10.0.0.9",
    destination: A.ip,
    sourcePort: 7,
    destinationPort: 53,
    payload: new Uint8Array(2000),
  });
  const part = (id: number, offset: number, end: number) =>
    ethernet(
      A.mac,
      PEER_MAC,
      0x0800,
      ipv4({
        source: "10.0.0.9",
        destination: A.ip,
        protocol: 17,
        payload: whole.subarray(offset, end),
        id,
        offset,
        moreFragments: end < whole.length,
      }),
    );
  const counts = () => vports.map((v) => v.client.received().length);
  f.receive([part(1, 1000, 2008)]);
  assert.deepEqual(counts(), [0, 0], "before the first: dropped");
  f.receive([part(1, 0, 1000)]);
  const first = counts();
  f.receive([part(1, 1000, 2008)]);
  assert.deepEqual(counts(), first);
  f.receive([part(2, 1000, 2008)]);
  assert.deepEqual(counts(), [0, 0], "of another packet");
  f.now += 31_000_000n;
  f.receive([part(1, 1000, 2008)]);
  assert.deepEqual(counts(), [0, 0], "too late");
  assert.equal(f.drops().fragmentUnknown, 3);
  assert.deepEqual(f.transmit(), []);
});

test("with one vport fragments need no memory of the first", () => {
  const f = setUp();
  const v = f.open(A);
  const later = ipv4({
    source: "10.0.0.9",
    destination: A.ip,
    protocol: 17,
    payload: new Uint8Array(100),
    offset: 800,
  });
  f.receive([ethernet(A.mac, PEER_MAC, 0x0800, later)]);
  assert.equal(v.client.received().length, 1);
});

test("frames for others' addresses and hardware addresses are dropped with a reason", () => {
  const f = setUp();
  f.open(A);
  const packet = (destination: string) =>
    ipv4({ source: "10.0.0.9", destination, protocol: 1, payload: icmp(8, 0, 0, new Uint8Array(4)) });
  const wrong = packet(A.ip);
  write16(wrong, 10, read16(wrong, 10) ^ 1);
  f.receive([
    ethernet(A.mac, PEER_MAC, 0x0800, packet("10.0.0.77")),
    ethernet(macOf(66), PEER_MAC, 0x0800, packet(A.ip)),
    ethernet(A.mac, PEER_MAC, 0x0800, wrong),
    ethernet(A.mac, PEER_MAC, 0x86dd, packet(A.ip)),
    ethernet(A.mac, PEER_MAC, 0x0800, packet(A.ip).subarray(0, 25)),
  ]);
  assert.deepEqual(f.drops(), {
    ipNotOurs: 1,
    notOurMac: 1,
    ipChecksum: 1,
    unknownEtherType: 1,
    truncated: 1,
  });
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
