// The kernel device: it gets what no vport wants, and never speaks for one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arp, ethernet, icmp, ipv4, macOf, seen, udp } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { addressWords, Forwarder, type TestVport } from "./support/forwarder.js";
import { inner, NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "10.0.0.2", mac: NIC_MAC };
const PEER = "10.0.0.9";
const VNET = 10;

const fromPeer = { from: PEER, to: A.ip, sourcePort: 4000, destinationPort: 22 };
const fromKernel = {
  from: A.ip,
  to: PEER,
  fromMac: NIC_MAC,
  toMac: PEER_MAC,
  sourcePort: 22,
  destinationPort: 4000,
};

interface Shared {
  f: Forwarder;
  v: TestVport;
  kernel: number;
}

/** A vport that listens on port 80 and is bound to port 53, at an address that the kernel has, too. */
function setUp(): Shared {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  const kernel = f.kernelOpen(NIC_MAC);
  assert.equal(kernel, 1);
  const v = f.open(A);
  assert.equal(f.kernelShare(A.ip, NIC_MAC), 0);
  announce(v, "listen", { localPort: 80, backlog: 10 });
  announce(v, "bind", { localPort: 53 });
  announce(v, "done");
  f.collect();
  return { f, v, kernel };
}

/** What the kernel is given, without virtio-net headers. */
function toKernel({ f, kernel }: Shared): Uint8Array[] {
  return f.transmit(kernel).map((frame) => frame.slice(VNET));
}

/** The kernel sends frames. */
function send({ f, kernel }: Shared, ...frames: Uint8Array[]): void {
  f.receive(
    frames.map((frame) => new Uint8Array(Buffer.concat([new Uint8Array(VNET), frame]))),
    kernel,
  );
}

function ping(type: number, from: string, to: string, toMac = NIC_MAC, fromMac = PEER_MAC): Uint8Array {
  const payload = icmp(type, 0, 0x10001, new Uint8Array(8));
  return ethernet(toMac, fromMac, 0x0800, ipv4({ source: from, destination: to, protocol: 1, payload }));
}

test("a request for a port without a listener goes to the kernel, its answer to the NIC; no reset", () => {
  const s = setUp();
  const request = segment({ ...fromPeer, flags: "S", sequence: 1 });
  s.f.receive([request]);
  assert.deepEqual(toKernel(s), [request]);
  assert.deepEqual(s.f.transmit(), []);
  const answer = segment({ ...fromKernel, flags: "SA", sequence: 7, acknowledgement: 2, payload: 500 });
  send(s, answer);
  assert.equal(s.f.doors.kernelHolds(), 1, "its memory waits for the NIC");
  assert.deepEqual(s.f.transmit(), [answer]);
  assert.equal(s.f.doors.kernelHolds(), 0);
  assert.equal(s.f.counters().resetsUnknown, undefined);
});

test("long frames and bursts reach the kernel whole", () => {
  const s = setUp();
  const frames = [0, 60, 72, 73, 500, 1400].map((payload) => segment({ ...fromPeer, flags: "PA", payload }));
  s.f.receive(frames);
  assert.deepEqual(toKernel(s), frames);
});

test("what a vport wants does not reach the kernel", () => {
  const s = setUp();
  const frames = [
    segment({ ...fromPeer, destinationPort: 80, flags: "S" }),
    segment({ ...fromPeer, destinationPort: 80, flags: "PA", sourcePort: 4001 }),
    ping(8, PEER, A.ip),
  ];
  s.f.receive(frames);
  assert.equal(s.v.client.received().length, frames.length);
  assert.deepEqual(toKernel(s), []);
});

test("answers to the kernel's pings are the kernel's, also while a client may be on its way back", () => {
  const s = setUp();
  s.f.doors.graceSet(s.f.now + 1_000_000n);
  s.f.receive([ping(0, PEER, A.ip)]);
  assert.equal(toKernel(s).length, 1);
  s.f.receive([segment({ ...fromPeer, flags: "PA" })]);
  assert.equal(toKernel(s).length, 0);
  assert.equal(s.f.drops().undecided, 1);
});

test("every ARP request has one answer: the vport's, or without one the kernel's", () => {
  const s = setUp();
  const ask = { operation: 1, senderMac: PEER_MAC, sender: PEER, target: A.ip };
  s.f.receive([arp(ask)]);
  assert.equal(s.v.client.received().length, 1);
  assert.deepEqual(toKernel(s), []);
  send(
    s,
    arp({ operation: 2, senderMac: NIC_MAC, sender: A.ip, targetMac: PEER_MAC, target: PEER }, PEER_MAC),
  );
  assert.deepEqual(s.f.transmit(), [], "the kernel answers for the vport");
  s.f.receive([arp({ ...ask, operation: 2, targetMac: NIC_MAC }, NIC_MAC)]);
  assert.equal(toKernel(s).length, 1, "the kernel asked, too");
  s.f.doors.vportClose(s.v.id, s.f.now);
  s.f.receive([arp(ask)]);
  assert.equal(toKernel(s).length, 1);
});

test("the kernel cannot speak for a vport", () => {
  const s = setUp();
  s.f.receive([segment({ ...fromPeer, destinationPort: 80, flags: "S" })]);
  s.v.client.received();
  const ends = { source: A.ip, destination: PEER };
  const toPeer = udp({ ...ends, sourcePort: 53, destinationPort: 9, payload: new Uint8Array(4) });
  const datagram = ipv4({ ...ends, protocol: 17, payload: toPeer });
  const about = ipv4({
    source: PEER,
    destination: A.ip,
    protocol: 6,
    payload: new Uint8Array([15, 160, 0, 80, 0, 0, 0, 0]),
  });
  const unreachable = ipv4({ ...ends, protocol: 1, payload: icmp(3, 3, 0, about) });
  send(
    s,
    segment({ ...fromKernel, sourcePort: 80, flags: "RA" }),
    segment({ ...fromKernel, sourcePort: 80, destinationPort: 4002, flags: "S" }),
    ethernet(PEER_MAC, NIC_MAC, 0x0800, datagram),
    ethernet(PEER_MAC, NIC_MAC, 0x0800, unreachable),
    ping(0, A.ip, PEER, PEER_MAC, NIC_MAC),
  );
  assert.deepEqual(s.f.transmit(), []);
  assert.equal(s.f.drops().foreignFlow, 5);
});

test("the kernel speaks from shared addresses and from its own hardware address only", () => {
  const s = setUp();
  send(
    s,
    segment({ ...fromKernel, from: "10.0.0.77", flags: "S" }),
    segment({ ...fromKernel, fromMac: macOf(5), flags: "S" }),
    arp({ operation: 1, senderMac: NIC_MAC, sender: "10.0.0.77", target: PEER }),
    ethernet(PEER_MAC, NIC_MAC, 0x88cc, new Uint8Array(40)),
  );
  assert.deepEqual(s.f.transmit(), []);
  const { foreignAddress, foreignMac, foreignArp, unknownEtherType } = s.f.drops();
  assert.deepEqual([foreignAddress, foreignMac, foreignArp, unknownEtherType], [1, 1, 1, 1]);
});

test("the kernel's programs reach a vport of another address, and are answered", () => {
  const s = setUp();
  const other = s.f.open({ ip: "10.0.0.3", mac: NIC_MAC });
  announce(other, "listen", { localPort: 80, backlog: 10 });
  announce(other, "done");
  const toOther = { ...fromKernel, to: "10.0.0.3", sourcePort: 5000, destinationPort: 80 };
  send(s, segment({ ...toOther, flags: "S", sequence: 5, payload: 300 }));
  assert.deepEqual(s.f.transmit(), []);
  const [got] = other.client.received();
  assert.ok(got !== undefined);
  assert.equal(inner(got).sourcePort, 5000);
  const back = { from: "10.0.0.3", to: A.ip, fromMac: NIC_MAC, toMac: NIC_MAC };
  assert.ok(
    other.client.send(
      segment({
        ...back,
        sourcePort: 80,
        destinationPort: 5000,
        flags: "SA",
        acknowledgement: 6,
        payload: 400,
      }),
    ),
  );
  s.f.collect();
  const [answer] = toKernel(s);
  assert.ok(answer !== undefined);
  assert.equal(inner(answer).destinationPort, 5000);
});

test("fragments follow the first of their packet, also to the kernel", () => {
  const s = setUp();
  const ends = { source: PEER, destination: A.ip };
  const piece = (destinationPort: number, id: number, offset: number) => {
    const datagram = udp({ ...ends, sourcePort: 1, destinationPort, payload: new Uint8Array(24) });
    const payload = datagram.slice(offset, offset + 16);
    const packet = ipv4({ ...ends, protocol: 17, id, payload, offset, moreFragments: offset === 0 });
    return ethernet(NIC_MAC, PEER_MAC, 0x0800, packet);
  };
  s.f.receive([piece(53, 7, 0), piece(99, 8, 0), piece(53, 7, 16), piece(99, 8, 16)]);
  assert.equal(s.v.client.received().length, 2);
  assert.equal(toKernel(s).length, 2);
});

test("what the kernel does not take at once is lost and counted", () => {
  const s = setUp();
  s.f.receive([segment({ ...fromPeer, flags: "S" })]);
  s.f.doors.kernelDrop();
  assert.deepEqual(toKernel(s), []);
  assert.equal(s.f.drops().kernelFull, 1);
});

test("an address is the kernel's until it is taken from it", () => {
  const s = setUp();
  assert.ok(s.f.kernelShare(A.ip, NIC_MAC) < 0, "it is shared already");
  s.f.doors.vportClose(s.v.id, s.f.now);
  s.f.receive([segment({ ...fromPeer, flags: "S" })]);
  assert.equal(toKernel(s).length, 1);
  s.f.doors.kernelAddressRemove(...addressWords(A.ip));
  s.f.receive([segment({ ...fromPeer, flags: "S" })]);
  assert.deepEqual(toKernel(s), []);
  assert.equal(seen(s.f.transmit()[0] ?? new Uint8Array()).ip?.protocol, 6, "a reset, while it lingers");
});
