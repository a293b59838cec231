// Neighbour discovery: who is asked, who may answer, and what a bond tells.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ethernet, joined, macOf, toHex } from "../stack/support/frames.js";
import {
  advertisement,
  ETHER_IPV6,
  fragmentHeader,
  groupMac,
  icmpv6,
  ipv6,
  ipv6Address,
  ipv6Full,
  optionsHeader,
  seen6,
  solicitation,
} from "../stack/support/ipv6.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { NIC_MAC, PEER_MAC } from "./support/segments.js";

const A = { ip: "2001:db8::2", mac: macOf(2) };
const B = { ip: "2001:db8::3", mac: macOf(3) };
const PEER = "2001:db8::9";
const VNET = 10;
/** Flags of an advertisement: solicited, override. */
const SOLICITED = 0x40;
const OVERRIDE = 0x20;

function setUp(): Forwarder {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  return f;
}

function sent(f: Forwarder, v: TestVport, frame: Uint8Array): Uint8Array[] {
  assert.ok(v.client.send(frame));
  f.collect();
  return f.transmit();
}

const fromPeer = { source: PEER, mac: PEER_MAC };
const fromA = { source: A.ip, mac: A.mac };
const toPeer = { destination: PEER, flags: SOLICITED | OVERRIDE };

test("solicitations to the first stack of each process, answers to all of the address, nobody else", () => {
  const f = setUp();
  const stacks = [1, 0, 2].map((stackIndex) => f.open({ ...A, key: 5, stackIndex }));
  const everyone = [
    ...stacks,
    f.open({ ...A, key: 6 }),
    f.open(B),
    f.open({ ip: "10.0.0.4", mac: macOf(4) }),
  ];
  const counts = () => everyone.map((v) => v.client.received().length);
  f.receive([solicitation({ ...fromPeer, target: A.ip }, PEER_MAC)]);
  assert.deepEqual(counts(), [0, 1, 0, 1, 0, 0]);
  f.receive([solicitation({ source: "::", target: A.ip }, PEER_MAC)]);
  assert.deepEqual(counts(), [0, 1, 0, 1, 0, 0], "somebody wants the address");
  f.receive([solicitation({ ...fromPeer, destination: A.ip, target: A.ip }, PEER_MAC, A.mac)]);
  assert.deepEqual(counts(), [0, 1, 0, 1, 0, 0], "a neighbour looks whether we are still here");
  f.receive([
    advertisement({ ...fromPeer, target: PEER, destination: A.ip, flags: SOLICITED }, PEER_MAC, A.mac),
  ]);
  assert.deepEqual(counts(), [1, 1, 1, 1, 0, 0]);
  f.receive([solicitation({ ...fromPeer, target: "2001:db8::77" }, PEER_MAC)]);
  assert.deepEqual(counts(), [0, 0, 0, 0, 0, 0]);
  f.receive([advertisement({ ...fromPeer, target: PEER, flags: OVERRIDE }, PEER_MAC)]);
  assert.deepEqual(counts(), [1, 1, 1, 1, 1, 0]);
  assert.deepEqual(f.drops(), { neighbourNotOurs: 1 });
});

test("routers' messages: to all, or to the stacks that they are for", () => {
  const f = setUp();
  const vports = [f.open({ ...A, key: 5 }), f.open({ ...A, key: 6 }), f.open(B)];
  const counts = () => vports.map((v) => v.client.received().length);
  const router = "fe80::1";
  const message = (type: number, destination: string, length: number, to: Uint8Array) => {
    const payload = icmpv6({ source: router, destination }, type, 0, new Uint8Array(length));
    const packet = ipv6({ source: router, destination, protocol: 58, payload, hopLimit: 255 });
    return ethernet(to, PEER_MAC, ETHER_IPV6, packet);
  };
  f.receive([message(134, "ff02::1", 8, groupMac("ff02::1"))]);
  assert.deepEqual(counts(), [1, 1, 1]);
  f.receive([message(134, A.ip, 8, A.mac), message(137, A.ip, 32, A.mac)]);
  assert.deepEqual(counts(), [2, 2, 0]);
  f.receive([message(137, A.ip, 24, A.mac)]);
  assert.deepEqual(f.drops(), { neighbourMalformed: 1 });
});

test("between vports it stays here; about strangers, and about oneself, it goes out", () => {
  const f = setUp();
  const a = f.open(A);
  const other = f.open({ ...A, key: 7 });
  const b = f.open(B);
  assert.deepEqual(sent(f, a, solicitation({ ...fromA, target: B.ip }, A.mac)), []);
  const [asked] = b.client.received();
  assert.deepEqual(asked?.subarray(0, 6), B.mac);
  const reply = { source: B.ip, mac: B.mac, target: B.ip, destination: A.ip, flags: SOLICITED | OVERRIDE };
  assert.deepEqual(sent(f, b, advertisement(reply, B.mac, A.mac)), []);
  assert.deepEqual(
    [a, other].map((v) => v.client.received().length),
    [1, 1],
  );
  assert.equal(sent(f, a, solicitation({ ...fromA, target: PEER }, A.mac)).length, 1);
  assert.equal(sent(f, a, solicitation({ source: "::", target: A.ip }, A.mac)).length, 1);
  assert.equal(other.client.received().length, 0, "who shares the address is no duplicate");
  assert.equal(sent(f, a, advertisement({ ...fromA, target: A.ip, ...toPeer }, A.mac, PEER_MAC)).length, 1);
  assert.equal(b.client.received().length, 0);
  assert.equal(sent(f, a, advertisement({ ...fromA, target: A.ip, flags: OVERRIDE }, A.mac)).length, 1);
  assert.equal(b.client.received().length, 1);
  assert.deepEqual(f.drops(), {});
});

test("a vport speaks about itself only", () => {
  const f = setUp();
  const v = f.open(A);
  const foreign = [
    solicitation({ ...fromA, source: B.ip, target: PEER }, A.mac),
    solicitation({ ...fromA, mac: B.mac, target: PEER }, A.mac),
    solicitation({ source: "::", target: PEER }, A.mac),
    solicitation({ source: "::", mac: A.mac, target: A.ip }, A.mac),
    advertisement({ ...fromA, target: B.ip, ...toPeer }, A.mac, PEER_MAC),
    advertisement({ ...fromA, source: B.ip, target: A.ip, ...toPeer }, A.mac, PEER_MAC),
    advertisement({ ...fromA, mac: PEER_MAC, target: A.ip, ...toPeer }, A.mac, PEER_MAC),
    advertisement({ source: "::", target: A.ip, flags: OVERRIDE }, A.mac),
  ];
  const message = (type: number, length: number) => {
    const ends = { source: A.ip, destination: "ff02::1" };
    const payload = icmpv6(ends, type, 0, new Uint8Array(length));
    return ethernet(
      groupMac("ff02::1"),
      A.mac,
      ETHER_IPV6,
      ipv6({ ...ends, protocol: 58, payload, hopLimit: 255 }),
    );
  };
  foreign.push(message(134, 8), message(137, 32));
  // An own option, and another one behind it.
  const own = joined(Uint8Array.of(1, 1), A.mac);
  for (const second of [
    joined(Uint8Array.of(2, 1), B.mac),
    joined(Uint8Array.of(1, 2), A.mac, new Uint8Array(8)),
  ]) {
    const ends = { source: A.ip, destination: PEER };
    const payload = icmpv6(ends, 135, 0, joined(ipv6Address(PEER), own, second));
    foreign.push(
      ethernet(PEER_MAC, A.mac, ETHER_IPV6, ipv6({ ...ends, protocol: 58, payload, hopLimit: 255 })),
    );
  }
  for (const frame of foreign) assert.deepEqual(sent(f, v, frame), [], toHex(frame));
  assert.deepEqual(f.drops(), { foreignNeighbour: foreign.length });
  assert.equal(sent(f, v, message(133, 0)).length, 1, "who looks for a router may");
});

test("messages that were forwarded, are in pieces, or have a wrong form go nowhere", () => {
  const f = setUp();
  const v = f.open(A);
  const ask = { ...fromA, target: PEER };
  const short = (payload: Uint8Array) =>
    ethernet(
      PEER_MAC,
      A.mac,
      ETHER_IPV6,
      ipv6({ source: A.ip, destination: PEER, protocol: 58, payload, hopLimit: 255 }),
    );
  const ends = { source: A.ip, destination: PEER };
  const wrong = [
    solicitation({ ...ask, hopLimit: 254 }, A.mac),
    solicitation({ ...ask, extensions: [fragmentHeader(1, 0, false)] }, A.mac),
    solicitation({ ...ask, extensions: [optionsHeader(60, 40)] }, A.mac),
    solicitation({ ...ask, target: "ff02::5", destination: PEER }, A.mac, PEER_MAC),
    advertisement({ ...fromA, target: A.ip, flags: SOLICITED }, A.mac),
    short(icmpv6(ends, 135, 0, new Uint8Array(12))),
    short(icmpv6(ends, 135, 0, joined(ipv6Address(PEER), Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)))),
    short(icmpv6(ends, 135, 0, joined(ipv6Address(PEER), Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 0)))),
    short(icmpv6(ends, 135, 0, ipv6Address(PEER), 1)),
  ];
  for (const frame of wrong) assert.deepEqual(sent(f, v, frame), [], toHex(frame));
  assert.deepEqual(f.drops(), { neighbourMalformed: wrong.length });
  const far = solicitation({ ...fromPeer, target: A.ip, hopLimit: 64 }, PEER_MAC);
  f.receive([far]);
  assert.equal(v.client.received().length, 0);
});

test("the kernel's device: one answer to each solicitation, none of the kernel's for a vport", () => {
  const f = setUp();
  const kernel = f.kernelOpen(NIC_MAC);
  const v = f.open({ ...A, mac: NIC_MAC });
  const toKernel = () => f.transmit(kernel).length;
  const fromKernel = (frame: Uint8Array) => {
    f.receive([joined(new Uint8Array(VNET), frame)], kernel);
    return f.transmit().length;
  };
  const group = advertisement({ ...fromPeer, target: PEER, flags: OVERRIDE }, PEER_MAC);
  f.receive([group]);
  assert.equal(toKernel(), 0, "a kernel without an IPv6 address hears nothing of it");
  assert.equal(f.kernelShare(A.ip, NIC_MAC), 0);
  f.receive([group]);
  assert.equal(toKernel(), 1);
  const ask = solicitation({ ...fromPeer, target: A.ip }, PEER_MAC);
  v.client.received();
  f.receive([ask]);
  assert.deepEqual([v.client.received().length, toKernel()], [1, 0]);
  const own = { source: A.ip, mac: NIC_MAC };
  const reply = advertisement({ ...own, target: A.ip, ...toPeer }, NIC_MAC, PEER_MAC);
  assert.equal(fromKernel(reply), 0);
  assert.equal(fromKernel(solicitation({ ...own, target: PEER }, NIC_MAC)), 1);
  assert.equal(fromKernel(solicitation({ ...own, source: B.ip, target: PEER }, NIC_MAC)), 0);
  f.receive([
    advertisement({ ...fromPeer, target: PEER, destination: A.ip, flags: SOLICITED }, PEER_MAC, NIC_MAC),
  ]);
  assert.deepEqual([v.client.received().length, toKernel()], [1, 1], "both may have asked");
  f.doors.vportClose(v.id, f.now);
  f.receive([ask]);
  assert.equal(toKernel(), 1);
  assert.equal(fromKernel(reply), 1);
  assert.deepEqual(f.drops(), { foreignNeighbour: 2 });
});

test("when another NIC takes over, every address is announced, twice, in its VLAN", () => {
  const f = setUp();
  f.nicOpen(NIC_MAC);
  f.open(A);
  f.open({ ...B, vlan: 30 });
  f.open({ ip: "10.0.0.4", mac: macOf(4) });
  f.doors.nicLink(0, 0, f.now);
  const round = f.transmit(1);
  assert.equal(round.length, 3);
  const [own, tagged, old] = round as [Uint8Array, Uint8Array, Uint8Array];
  const { to, from, source, destination, hopLimit, payload } = seen6(own);
  assert.deepEqual([to, from, hopLimit], ["333300000001", toHex(A.mac), 255]);
  assert.deepEqual([source, destination], [ipv6Full(A.ip), ipv6Full("ff02::1")]);
  assert.deepEqual(payload.subarray(0, 2), Uint8Array.of(136, 0));
  assert.equal(payload[4], OVERRIDE);
  assert.deepEqual(payload.subarray(8), joined(ipv6Address(A.ip), Uint8Array.of(2, 1), A.mac));
  assert.deepEqual(tagged.slice(12, 18), Uint8Array.of(0x81, 0, 0, 30, 0x86, 0xdd));
  assert.deepEqual(old.slice(12, 14), Uint8Array.of(8, 6));
  f.pass(3_000_000);
  assert.equal(f.transmit(1).length, 3);
  f.pass(10_000_000);
  assert.deepEqual(f.transmit(1), []);
});

test("ALB: answers name the NIC that they leave by, questions and the rest as with ARP", () => {
  const f = new Forwarder();
  f.doors.bondModeSet(6);
  const macs = [macOf(21), macOf(22)] as const;
  macs.forEach((mac, nic) => {
    f.nicOpen(NIC_MAC);
    f.doors.nicOwnMacSet(
      nic,
      mac.reduce((word, byte, i) => word | (BigInt(byte) << BigInt(8 * i)), 0n),
    );
  });
  const v = f.open({ ...A, mac: NIC_MAC });
  const own = { source: A.ip, mac: NIC_MAC };
  const told = [0, 0];
  for (let i = 0; i < 32; i++) {
    const destination = `2001:db8::${(100 + i).toString(16)}`;
    const reply = { ...own, target: A.ip, destination, flags: SOLICITED | OVERRIDE };
    v.client.send(advertisement(reply, NIC_MAC, PEER_MAC));
    f.collect();
    const [first, second] = [f.transmit(0), f.transmit(1)];
    const nic = first.length === 1 ? 0 : 1;
    const [frame] = nic === 0 ? first : second;
    assert.equal(first.length + second.length, 1);
    const { from, payload } = seen6(frame ?? new Uint8Array());
    const mac = nic === 0 ? NIC_MAC : macs[1];
    assert.deepEqual([from, payload.subarray(-6)], [toHex(mac), mac]);
    told[nic] = (told[nic] ?? 0) + 1;
  }
  assert.ok(
    told.every((count) => count > 6),
    told.join(),
  );
  for (const to of [undefined, PEER_MAC]) {
    const destination = to === undefined ? {} : { destination: PEER };
    v.client.send(solicitation({ ...own, target: PEER, ...destination }, NIC_MAC, to));
    f.collect();
    assert.deepEqual([f.transmit(0).length, f.transmit(1).length], [1, 0]);
  }
});
