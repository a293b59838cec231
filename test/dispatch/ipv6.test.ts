// IPv6 through dispatch: flows, listeners, errors, fragments, extension headers, who may say what.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { ethernet, ipv4, joined, macOf, read16, udp, write16 } from "../stack/support/frames.js";
import {
  ETHER_IPV6,
  fragmentHeader,
  groupMac,
  type Ipv6Packet,
  icmpv6,
  ipv6,
  ipv6Full,
  optionsHeader,
  seen6,
  solicitation,
  udp6,
} from "../stack/support/ipv6.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { inner6, NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "2001:db8::2", mac: macOf(2) };
const B = { ip: "2001:db8::3", mac: macOf(3) };
const PEER = "2001:db8::9";
const VNET = layout.PORT_FLAG_VNET_HEADER;

const toA = { source: PEER, destination: A.ip };
const fromA = { source: A.ip, destination: PEER };
const request = { from: PEER, to: A.ip, toMac: A.mac, sourcePort: 4000, destinationPort: 80 };
const answer = {
  from: A.ip,
  to: PEER,
  fromMac: A.mac,
  toMac: PEER_MAC,
  sourcePort: 80,
  destinationPort: 4000,
};

function setUp(nicFlags = 0): Forwarder {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC, nicFlags, (nicFlags & layout.PORT_FLAG_SEGMENTATION) !== 0 ? 65000 : 0);
  return f;
}

function listening(f: Forwarder, ...ports: number[]): TestVport {
  const v = f.open(A);
  for (const localPort of ports) announce(v, "listen", { localPort, local: A.ip, backlog: 10 });
  announce(v, "done");
  f.collect();
  return v;
}

function sent(f: Forwarder, v: TestVport, frame: Uint8Array): Uint8Array[] {
  assert.ok(v.client.send(frame));
  f.collect();
  return f.transmit();
}

function toVport(packet: Omit<Ipv6Packet, "source" | "destination">): Uint8Array {
  return ethernet(A.mac, PEER_MAC, ETHER_IPV6, ipv6({ ...toA, ...packet }));
}

function toPeer(packet: Partial<Ipv6Packet> & Pick<Ipv6Packet, "protocol" | "payload">): Uint8Array {
  return ethernet(PEER_MAC, A.mac, ETHER_IPV6, ipv6({ ...fromA, ...packet }));
}

test("connections: requests to the listener with the fewest, what follows to the same, each its own", () => {
  const f = setUp();
  const vports = [listening(f, 80), listening(f, 80)];
  const got = () => vports.map((v) => v.client.received().length);
  for (let sourcePort = 1; sourcePort <= 20; sourcePort++) {
    f.receive([segment({ ...request, sourcePort, flags: "S", sequence: 10 })]);
    const first = got();
    assert.deepEqual(first, sourcePort % 2 === 1 ? first : [first[0], first[1]]);
    assert.equal((first[0] ?? 0) + (first[1] ?? 0), 1);
    f.receive([segment({ ...request, sourcePort, flags: "A", sequence: 11 })]);
    assert.deepEqual(got(), first);
    const other = vports[first.indexOf(0)] as TestVport;
    const stolen = segment({ ...answer, destinationPort: sourcePort, flags: "PA", payload: 4 });
    assert.deepEqual(sent(f, other, stolen), []);
  }
  assert.equal(f.flows(), 20);
  assert.deepEqual(f.drops(), { foreignFlow: 20 });
});

test("a segment for nobody is reset, a closed vport's peers are, and late ones of them, too", () => {
  const f = setUp();
  const v = listening(f, 80);
  f.receive([segment({ ...request, destinationPort: 81, flags: "S", sequence: 7 })]);
  const [unknown] = f.transmit().map(inner6);
  assert.deepEqual([unknown?.flags, unknown?.acknowledgement, unknown?.sourcePort], ["RA", 8, 81]);
  assert.equal(unknown?.link.source, ipv6Full(A.ip));
  f.receive([segment({ ...request, flags: "S", sequence: 1000 })]);
  sent(f, v, segment({ ...answer, flags: "SA", sequence: 5000, acknowledgement: 1001 }));
  sent(f, v, segment({ ...answer, flags: "PA", sequence: 5001, acknowledgement: 1001, payload: 10 }));
  f.doors.vportClose(v.id, f.now);
  const [reset] = f.transmit().map(inner6);
  assert.deepEqual([reset?.flags, reset?.sequence, reset?.acknowledgement], ["RA", 5011, 1001]);
  assert.equal(reset?.link.destination, ipv6Full(PEER));
  f.receive([segment({ ...request, flags: "A", sequence: 1001, acknowledgement: 5011 })]);
  assert.equal(f.transmit().length, 1);
});

test("a vport that ends resets its connection with another vport", () => {
  const f = setUp();
  const a = listening(f, 80);
  const b = f.open(B);
  announce(b, "done");
  const ask = { from: B.ip, to: A.ip, fromMac: B.mac, toMac: A.mac, sourcePort: 5, destinationPort: 80 };
  assert.deepEqual(sent(f, b, segment({ ...ask, flags: "S", sequence: 1 })), []);
  const [syn] = a.client.received();
  assert.ok(syn !== undefined);
  f.doors.vportClose(a.id, f.now);
  const resets = b.client.received().map(inner6);
  assert.deepEqual(
    resets.map(({ flags, acknowledgement }) => [flags, acknowledgement]),
    [["RA", 2]],
  );
});

test("datagrams: to the binding, else ICMPv6 port unreachable with what it is about", () => {
  const f = setUp();
  const v = f.open(A);
  announce(v, "bind", { localPort: 53, local: A.ip });
  announce(v, "done");
  f.collect();
  f.receive([toVport({ protocol: 17, payload: udp6(toA, 7, 53, new Uint8Array(5)) })]);
  assert.equal(v.client.received().length, 1);
  const stray = toVport({ protocol: 17, payload: udp6(toA, 7, 54, new Uint8Array(500)) });
  f.receive([stray]);
  const [error] = f.transmit().map(seen6);
  assert.deepEqual([error?.payload[0], error?.payload[1], error?.hopLimit], [1, 4, 64]);
  assert.equal(error?.source, ipv6Full(A.ip));
  assert.deepEqual(error?.payload.slice(8), stray.slice(14, 14 + 60));
  const nameless = ethernet(
    A.mac,
    PEER_MAC,
    ETHER_IPV6,
    ipv6({
      ...toA,
      source: "::",
      protocol: 17,
      payload: udp6({ ...toA, source: "::" }, 7, 54, new Uint8Array(1)),
    }),
  );
  f.receive([nameless]);
  assert.deepEqual(f.transmit(), []);
  assert.deepEqual(f.drops(), { udpUnknown: 2 });
});

test("ICMPv6: echo to the first stack, errors to whose packet they quote, whatever its headers", () => {
  const f = setUp();
  const stacks = [0, 1].map((stackIndex) => f.open({ ...A, key: 5, stackIndex }));
  for (const v of stacks) announce(v, "done");
  const counts = () => stacks.map((v) => v.client.received().length);
  const out = segment({ ...answer, flags: "S", sequence: 9 });
  sent(f, stacks[1] as TestVport, out);
  const message = (type: number, data: Uint8Array) =>
    toVport({ protocol: 58, payload: icmpv6(toA, type, 0, data) });
  f.receive([message(128, new Uint8Array(16))]);
  assert.deepEqual(counts(), [1, 0]);
  for (const type of [1, 2, 3, 4]) {
    f.receive([message(type, out.subarray(14))]);
    assert.deepEqual(counts(), [0, 1]);
  }
  const tcp = out.subarray(54);
  const behind = ipv6({ ...fromA, protocol: 6, payload: tcp, extensions: [optionsHeader(60, 16)] });
  f.receive([message(1, behind)]);
  assert.deepEqual(counts(), [0, 1]);
  const later = ipv6({ ...fromA, protocol: 6, payload: tcp, extensions: [fragmentHeader(1, 800, true)] });
  const stranger = out.slice(14);
  write16(stranger, 40, 4321);
  const foreign = ipv6({ source: B.ip, destination: PEER, protocol: 6, payload: tcp });
  for (const quote of [later, stranger, foreign, out.subarray(14, 14 + 44)]) f.receive([message(1, quote)]);
  assert.deepEqual(counts(), [0, 0]);
  assert.deepEqual(f.drops(), { icmpUnrelated: 4 });
});

test("extension headers are walked over, to a bound; what stands where it must not is refused", () => {
  const f = setUp();
  const v = listening(f, 80);
  const tcp = segment({ ...request, flags: "S" }).slice(54);
  const receive = (...extensions: (readonly [number, Uint8Array])[]) => {
    f.receive([toVport({ protocol: 6, payload: tcp, extensions })]);
    return v.client.received().length;
  };
  const routing = optionsHeader(43, 8);
  const authentication = [51, Uint8Array.from({ length: 24 }, (_, i) => (i === 1 ? 4 : 0))] as const;
  assert.equal(receive(optionsHeader(0, 8)), 1);
  assert.equal(
    receive(optionsHeader(0, 8), optionsHeader(60, 24), routing, authentication, optionsHeader(60, 8)),
    1,
  );
  assert.equal(receive(fragmentHeader(3, 0, false)), 1, "the only fragment of its packet");
  const many = Array.from({ length: 9 }, () => optionsHeader(60, 8));
  assert.equal(receive(...many.slice(1)), 1);
  assert.equal(receive(...many), 0);
  assert.equal(receive(optionsHeader(60, 8), optionsHeader(0, 8)), 0);
  assert.equal(receive(fragmentHeader(3, 0, false), fragmentHeader(3, 0, false)), 0);
  const beyond = [60, Uint8Array.of(0, 200, 0, 0, 0, 0, 0, 0)] as const;
  assert.equal(receive(beyond), 0);
  f.receive([toVport({ protocol: 60, payload: new Uint8Array(4) })]);
  f.receive([
    toVport({ protocol: 132, payload: new Uint8Array(40) }),
    toVport({ protocol: 59, payload: new Uint8Array(0) }),
  ]);
  assert.equal(v.client.received().length, 2, "other protocols");
  f.receive([
    toVport({ protocol: 6, payload: tcp.subarray(0, 12) }),
    toVport({ protocol: 58, payload: new Uint8Array(4) }),
  ]);
  assert.deepEqual(f.drops(), { extensionHeaders: 1, ipHeader: 4, transportHeader: 2 });
});

test("a vport's headers must be where they are looked at", () => {
  const f = setUp();
  const v = listening(f, 80);
  const tcp = segment({ ...answer, flags: "SA" }).slice(54);
  assert.equal(
    sent(f, v, toPeer({ protocol: 6, payload: tcp, extensions: [optionsHeader(60, 40)] })).length,
    1,
  );
  assert.equal(
    sent(f, v, toPeer({ protocol: 6, payload: tcp, extensions: [optionsHeader(60, 56)] })).length,
    0,
  );
  assert.equal(
    sent(f, v, toPeer({ protocol: 6, payload: tcp, extensions: [optionsHeader(60, 200)] })).length,
    0,
  );
  assert.deepEqual(f.drops(), { transportHeader: 1, extensionHeaders: 1 });
});

test("later fragments go to the owner of the first, whatever headers it had", () => {
  const f = setUp();
  const vports = [f.open(A), f.open(A)];
  for (const v of vports) {
    announce(v, "bind", { localPort: 53 });
    announce(v, "done");
  }
  const whole = joined(optionsHeader(60, 8)[1], udp6(toA, 7, 53, new Uint8Array(2000)));
  whole[0] = 17;
  const part = (id: number, offset: number, end: number) =>
    toVport({
      protocol: 60,
      payload: whole.subarray(offset, end),
      extensions: [fragmentHeader(id, offset, end < whole.length)],
    });
  const counts = () => vports.map((v) => v.client.received().length);
  f.receive([part(0x12345678, 1000, 2016)]);
  assert.deepEqual(counts(), [0, 0], "before the first: dropped");
  f.receive([part(0x12345678, 0, 1000)]);
  const first = counts();
  assert.equal((first[0] ?? 0) + (first[1] ?? 0), 1);
  f.receive([part(0x12345678, 1000, 2016)]);
  assert.deepEqual(counts(), first);
  // Identifications of IPv6 have 32 bits.
  f.receive([part(0x5678, 1000, 2016)]);
  assert.deepEqual(counts(), [0, 0], "of another packet");
  assert.deepEqual(f.drops(), { fragmentUnknown: 2 });
});

test("nobody speaks with another's address; without one a host may report its groups, no more", () => {
  const f = setUp();
  const v = f.open(A);
  const four = f.open({ ip: "10.0.0.4", mac: macOf(4) });
  const group = "ff02::16";
  const report = (source: string, type: number) => {
    const ends = { source, destination: group };
    const payload = icmpv6(ends, type, 1, new Uint8Array(20));
    const extensions = [optionsHeader(0, 8)];
    return ethernet(groupMac(group), A.mac, ETHER_IPV6, ipv6({ ...ends, protocol: 58, payload, extensions }));
  };
  for (const type of [131, 132, 143]) assert.equal(sent(f, v, report("::", type)).length, 1);
  assert.equal(sent(f, v, report(A.ip, 143)).length, 1);
  assert.equal(sent(f, v, report("fe80::2", 143)).length, 0);
  assert.equal(sent(f, v, report("::", 130)).length, 0);
  const datagram = (source: string) =>
    toPeer({ source, protocol: 17, payload: udp6({ source, destination: PEER }, 1, 2, new Uint8Array(4)) });
  assert.equal(sent(f, v, datagram(A.ip)).length, 1);
  for (const source of ["::", B.ip, "fe80::2"]) assert.equal(sent(f, v, datagram(source)).length, 0);
  const ends = { source: "10.0.0.4", destination: "10.0.0.9" };
  const old = ipv4({
    ...ends,
    protocol: 17,
    payload: udp({ ...ends, sourcePort: 1, destinationPort: 2, payload: new Uint8Array(4) }),
  });
  assert.equal(sent(f, v, ethernet(PEER_MAC, A.mac, 0x0800, old)).length, 0, "IPv4 of a vport with IPv6");
  assert.equal(
    sent(f, four, ethernet(groupMac(group), macOf(4), ETHER_IPV6, report("::", 143).subarray(14))).length,
    0,
  );
  assert.deepEqual(f.drops(), { foreignAddress: 7 });
});

test("what is for a group goes to those who speak that IP", () => {
  const f = setUp();
  const a = f.open(A);
  const b = f.open(B);
  const four = f.open({ ip: "10.0.0.4", mac: macOf(4) });
  const counts = () => [a, b, four].map((v) => v.client.received().length);
  const group = "ff02::fb";
  const datagram = (source: string, mac: Uint8Array) => {
    const ends = { source, destination: group };
    const payload = udp6(ends, 5353, 5353, new Uint8Array(20));
    return ethernet(groupMac(group), mac, ETHER_IPV6, ipv6({ ...ends, protocol: 17, payload }));
  };
  f.receive([datagram(PEER, PEER_MAC)]);
  assert.deepEqual(counts(), [1, 1, 0]);
  assert.equal(sent(f, a, datagram(A.ip, A.mac)).length, 1);
  assert.deepEqual(counts(), [0, 1, 0]);
  const ends = { source: "10.0.0.9", destination: "239.1.1.1" };
  const old = udp({ ...ends, sourcePort: 1, destinationPort: 2, payload: new Uint8Array(4) });
  f.receive([
    ethernet(
      Uint8Array.of(1, 0, 0x5e, 1, 1, 1),
      PEER_MAC,
      0x0800,
      ipv4({ ...ends, protocol: 17, payload: old }),
    ),
  ]);
  assert.deepEqual(counts(), [0, 0, 1]);
});

test("frames for others, of another VLAN, with another length or version are dropped with a reason", () => {
  const f = setUp();
  const v = f.open({ ...A, vlan: 30 });
  announce(v, "done");
  f.collect();
  const echo = toVport({ protocol: 58, payload: icmpv6(toA, 128, 0, new Uint8Array(8)) });
  const tagged = joined(echo.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 30), echo.subarray(12));
  f.receive([tagged, echo]);
  assert.deepEqual(v.client.received(), [echo]);
  const version = echo.slice();
  version[14] = 0x50;
  const longer = echo.slice();
  write16(longer, 18, read16(longer, 18) + 1);
  const elsewhere = joined(macOf(66), echo.subarray(6));
  const tag = (frame: Uint8Array) =>
    joined(frame.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 30), frame.subarray(12));
  f.receive([version, longer, elsewhere].map(tag));
  const [reply] = sent(f, v, toPeer({ protocol: 58, payload: icmpv6(fromA, 129, 0, new Uint8Array(8)) }));
  assert.deepEqual(reply?.slice(12, 18), Uint8Array.of(0x81, 0, 0, 30, 0x86, 0xdd));
  assert.deepEqual(f.drops(), { ipNotOurs: 1, ipHeader: 1, truncated: 1, notOurMac: 1 });
});

/** A super-frame of TCP with a virtio-net header, `kind` its sort. */
function superFrame(kind: number, to: string, toMac: Uint8Array): Uint8Array {
  const frame = segment({ ...answer, to, toMac, flags: "PA", payload: 5000 });
  const header = new DataView(new ArrayBuffer(10));
  header.setUint8(0, 1);
  header.setUint8(1, kind);
  header.setUint16(2, 74, true);
  header.setUint16(4, 1428, true);
  header.setUint16(6, 54, true);
  header.setUint16(8, 16, true);
  return joined(new Uint8Array(header.buffer), frame);
}

test("super-frames stay as they are between vports, and NICs are told of which IP they are", () => {
  const f = setUp(VNET | layout.PORT_FLAG_TX_CHECKSUM | layout.PORT_FLAG_SEGMENTATION);
  const a = f.open({ ...A, flags: VNET });
  const b = f.open({ ...B, flags: VNET });
  announce(b, "listen", { localPort: 4000 });
  for (const v of [a, b]) announce(v, "done");
  f.collect();
  assert.ok(a.client.send(superFrame(4, PEER, PEER_MAC)));
  f.collect();
  const [out] = f.waiting();
  assert.equal(out?.flags, layout.TX_FLAG_CHECKSUM | layout.TX_FLAG_SEGMENT | layout.TX_FLAG_IPV6);
  assert.deepEqual([out?.segmentSize, out?.headerLength, out?.checksumStart], [1428, 74, 54]);
  assert.equal(out?.frame[1], 4, "the virtio-net header says so");
  f.transmit();
  assert.ok(a.client.send(superFrame(4, B.ip, B.mac)));
  f.collect();
  const [got] = b.client.received();
  assert.deepEqual(got?.subarray(0, 10), superFrame(4, B.ip, B.mac).subarray(0, 10));
});

test("only a host can have an address", () => {
  const f = setUp();
  for (const ip of ["::", "::1", "ff02::1", "::a:5"]) assert.ok(f.open({ ip, mac: macOf(2) }).id < 0, ip);
  assert.ok(f.open({ ip: "fe80::5", mac: macOf(2) }).id >= 0);
});

test("an IPv4 address in the form of IPv6 is nobody's", () => {
  const f = setUp();
  const four = f.open({ ip: "10.0.0.4", mac: A.mac });
  announce(four, "bind", { localPort: 53 });
  announce(four, "done");
  f.collect();
  const mapped = "::ffff:a00:4";
  const datagram = (source: string, destination: string) => {
    const ends = { source, destination };
    return ipv6({ ...ends, protocol: 17, payload: udp6(ends, 53, 53, new Uint8Array(4)) });
  };
  f.receive([ethernet(A.mac, PEER_MAC, ETHER_IPV6, datagram(PEER, mapped))]);
  assert.equal(four.client.received().length, 0);
  assert.deepEqual(sent(f, four, ethernet(PEER_MAC, A.mac, ETHER_IPV6, datagram(mapped, PEER))), []);
  f.receive([solicitation({ source: PEER, target: mapped }, PEER_MAC)]);
  assert.equal(four.client.received().length, 0);
  assert.deepEqual(f.drops(), { ipHeader: 2, neighbourMalformed: 1 });
});

test("connections are spread over the links of a bond, each keeps its own, fragments stay together", () => {
  const f = new Forwarder();
  f.doors.bondModeSet(6);
  for (const mac of [21n, 22n]) f.doors.nicOwnMacSet(f.nicOpen(NIC_MAC), 2n + (mac << 40n));
  const v = f.open({ ...A, mac: NIC_MAC });
  announce(v, "done");
  f.collect();
  const nicOf = (frame: Uint8Array) => {
    assert.ok(v.client.send(joined(frame.subarray(0, 6), NIC_MAC, frame.subarray(12))));
    f.collect();
    const counts = [0, 1].map((nic) => f.transmit(nic).length);
    assert.deepEqual([...counts].sort(), [0, 1]);
    return counts.indexOf(1);
  };
  const chosen = Array.from({ length: 64 }, (_, i) => {
    const connection = { ...answer, sourcePort: 1000 + i };
    const nic = nicOf(segment({ ...connection, flags: "S" }));
    assert.equal(nicOf(segment({ ...connection, flags: "PA", payload: 30 })), nic);
    return nic;
  });
  const first = chosen.filter((nic) => nic === 0).length;
  assert.ok(first > 16 && first < 48, `${first}`);
  const whole = udp6(fromA, 7, 53, new Uint8Array(100));
  const parts = [0, 48].map((offset) => {
    const extensions = [fragmentHeader(9, offset, offset === 0)];
    return nicOf(toPeer({ protocol: 17, payload: whole.subarray(offset, offset + 48), extensions }));
  });
  assert.equal(parts[0], parts[1]);
});
