// Frames of IPv6 from hell: nothing traps, nothing leaks, nobody speaks for another.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import * as layout from "../../build/generated/node/layout.js";
import { ethernet, joined, macOf, read16, toHex } from "../stack/support/frames.js";
import {
  advertisement,
  ETHER_IPV6,
  fragmentHeader,
  groupMac,
  icmpv6,
  ipv6,
  ipv6Full,
  ipv6Text,
  optionsHeader,
  solicitation,
  udp6,
} from "../stack/support/ipv6.js";
import { Random } from "../stack/support/random.js";
import { announce, announcement } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { mutated, withVirtio } from "./support/mutate.js";
import { NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "2001:db8::2", mac: macOf(2) };
const B = { ip: "2001:db8::3", mac: macOf(3) };
const FOUR = { ip: "10.0.0.4", mac: macOf(4) };
const PEER = { ip: "2001:db8::9", mac: PEER_MAC };
const STRANGER = macOf(77);
const VNET = layout.PORT_FLAG_VNET_HEADER;
/** Bytes in which headers lie. */
const HEADERS = 110;

interface Host {
  ip: string;
  mac: Uint8Array;
}

/** An advertisement of a router. */
function router(from: Host): Uint8Array {
  const ends = { source: from.ip, destination: "ff02::1" };
  const payload = icmpv6(ends, 134, 0, new Uint8Array(8));
  const packet = ipv6({ ...ends, protocol: 58, payload, hopLimit: 255 });
  return ethernet(groupMac(ends.destination), from.mac, ETHER_IPV6, packet);
}

/** Frames of every kind between two hosts. */
function samples(from: Host, to: Host): Uint8Array[] {
  const ends = { source: from.ip, destination: to.ip };
  const tcp = {
    from: from.ip,
    to: to.ip,
    fromMac: from.mac,
    toMac: to.mac,
    sourcePort: 4000,
    destinationPort: 80,
  };
  const packet = (protocol: number, payload: Uint8Array, ...extensions: (readonly [number, Uint8Array])[]) =>
    ethernet(to.mac, from.mac, ETHER_IPV6, ipv6({ ...ends, protocol, payload, extensions }));
  const syn = segment({ ...tcp, flags: "S", sequence: 7 });
  const datagram = udp6(ends, 9, 53, new Uint8Array(600));
  const about = { source: from.ip, mac: from.mac };
  return [
    syn,
    segment({ ...tcp, flags: "PA", payload: 200, sequence: 8, acknowledgement: 9 }),
    segment({ ...tcp, flags: "PA", payload: 5000 }),
    segment({ ...tcp, flags: "R" }),
    packet(17, datagram),
    packet(17, datagram.subarray(0, 304), fragmentHeader(5, 0, true)),
    packet(17, datagram.subarray(304), fragmentHeader(5, 304, false)),
    packet(58, icmpv6(ends, 128, 1, new Uint8Array(56))),
    packet(58, icmpv6(ends, 1, 0, syn.subarray(14))),
    packet(58, icmpv6(ends, 143, 1, new Uint8Array(20)), optionsHeader(0, 8)),
    packet(6, syn.subarray(54), optionsHeader(0, 8), optionsHeader(60, 16)),
    packet(132, new Uint8Array(40), optionsHeader(43, 24)),
    solicitation({ ...about, target: to.ip }, from.mac),
    solicitation({ source: "::", target: from.ip }, from.mac),
    solicitation({ ...about, target: to.ip, destination: to.ip }, from.mac, to.mac),
    advertisement({ ...about, target: from.ip, flags: 0x20 }, from.mac),
    advertisement({ ...about, target: from.ip, destination: to.ip, flags: 0x60 }, from.mac, to.mac),
    // A router's message, others' addresses: what must not get through.
    router(from),
    solicitation({ ...about, mac: STRANGER, target: to.ip }, from.mac),
    advertisement({ ...about, mac: STRANGER, target: from.ip, flags: 0x20 }, from.mac),
    advertisement({ ...about, target: to.ip, flags: 0x20 }, from.mac),
    ...(["listen", "bind", "flow", "flowGone", "unlisten", "unbind", "done"] as const).map((kind) =>
      announcement(kind, { local: from.ip, localPort: 80, remote: to.ip, remotePort: 4000 }),
    ),
  ];
}

interface Scene {
  f: Forwarder;
  hostile: TestVport;
  victims: TestVport[];
}

/** A vport of IPv6, one beside it with a connection that must outlive everything, and one of IPv4. */
function setUp(flags: number): Scene {
  const f = new Forwarder();
  const offloads = VNET | layout.PORT_FLAG_TX_CHECKSUM | layout.PORT_FLAG_SEGMENTATION;
  f.nicOpen(NIC_MAC, flags === 0 ? 0 : offloads, 65000);
  const hostile = f.open({ ...A, flags, slots: 128 });
  const victims = [B, FOUR].map((identity) => f.open({ ...identity, slots: 512 }));
  const [victim] = victims as [TestVport];
  const flow = { localPort: 443, remote: PEER.ip, remotePort: 7777, sndNxt: 5, rcvNxt: 6 };
  announce(victim, "flow", { ...flow, local: B.ip });
  for (const v of victims) announce(v, "done");
  f.collect();
  return { f, hostile, victims };
}

const ofVictim = segment({
  from: PEER.ip,
  to: B.ip,
  toMac: B.mac,
  sourcePort: 7777,
  destinationPort: 443,
  flags: "A",
  sequence: 6,
});

function victimIsWell({ f, victims }: Scene, header: number): void {
  for (const { client } of victims) client.received();
  f.receive([joined(new Uint8Array(header), ofVictim)]);
  assert.deepEqual(
    victims.map(({ client }) => client.received()),
    [[ofVictim], []],
  );
}

/** Checks a frame of the hostile vport that got through: who is named as its sender, and about whom it is. */
function checkSpeaker(frame: Uint8Array, what: string): void {
  assert.equal(toHex(frame.subarray(6, 12)), toHex(A.mac), what);
  assert.equal(read16(frame, 12), ETHER_IPV6, what);
  const source = ipv6Text(frame, 22);
  const isNameless = source === ipv6Full("::");
  if (!isNameless) assert.equal(source, ipv6Full(A.ip), what);
  let at = 54;
  let next = frame[20] ?? 0;
  while ([0, 43, 44, 51, 60].includes(next)) {
    // Behind the header of a later fragment is a part of the payload.
    if (next === 44 && (read16(frame, at + 2) & 0xfff8) !== 0) return;
    const units = frame[at + 1] ?? 0;
    const length = next === 44 ? 8 : next === 51 ? 4 * (units + 2) : 8 * (units + 1);
    next = frame[at] ?? 0;
    at += length;
  }
  if (next !== 58) {
    assert.ok(!isNameless, what);
    return;
  }
  const type = frame[at] ?? 0;
  if (isNameless) assert.ok([131, 132, 133, 135, 143].includes(type), `${what}: type ${type}`);
  assert.notEqual(type, 134, what);
  assert.notEqual(type, 137, what);
  if (type === 136) assert.equal(ipv6Text(frame, at + 8), ipv6Full(A.ip), what);
  if (type === 135 && isNameless) assert.equal(ipv6Text(frame, at + 8), ipv6Full(A.ip), what);
  if (type !== 135 && type !== 136) return;
  const end = 54 + read16(frame, 18);
  for (let option = at + 24; option < end; option += 8 * (frame[option + 1] ?? 0)) {
    assert.ok((frame[option + 1] ?? 0) > 0, what);
    const isLink = frame[option] === 1 || frame[option] === 2;
    if (isLink) assert.equal(toHex(frame.subarray(option + 2, option + 8)), toHex(A.mac), what);
  }
}

/** Whether dispatch may say this itself: a reset, an ICMPv6 error. */
function isOwnAnswer(frame: Uint8Array): boolean {
  if (frame[20] === 58) return frame[54] === 1;
  return frame[20] === 6 && ((frame[67] ?? 0) & 4) !== 0;
}

for (const flags of [0, VNET]) {
  const header = flags === 0 ? 0 : 10;
  test(`25,000 mutated frames from a vport with headers of ${header}: it speaks for itself`, {
    timeout: 120_000,
  }, () => {
    const scene = setUp(flags);
    const { f, hostile, victims } = scene;
    const random = new Random(31 + flags);
    const kinds = [...samples(A, PEER), ...samples(A, B), ...samples(B, A)];
    let left = 0;
    for (let i = 0; i < 25_000; i++) {
      const frame = mutated(random, kinds[random.below(kinds.length)] as Uint8Array, HEADERS);
      hostile.client.send(header === 0 ? frame : withVirtio(random, frame));
      f.now += BigInt(random.below(2000));
      f.collect();
      for (const out of f.transmit()) {
        checkSpeaker(out.subarray(header), `frame ${i}`);
        left++;
      }
      const [beside, four] = victims.map(({ client }) => client.received());
      for (const got of beside ?? []) if (!isOwnAnswer(got)) checkSpeaker(got, `frame ${i} to its neighbour`);
      assert.deepEqual(four, [], `frame ${i}`);
      hostile.client.received();
      if (i % 500 === 0) victimIsWell(scene, header);
    }
    assert.ok(left > 2_000, `${left} frames got through`);
    victimIsWell(scene, header);
    for (const { id } of [hostile, ...victims]) f.doors.vportClose(id, f.now);
    for (let i = 0; i < 500 && f.flows() > 0; i++) {
      f.transmit();
      f.doors.tick(f.now);
    }
    f.pass(11_000_000);
    for (const pool of [dispatch.POOL_FLOW, dispatch.POOL_LISTENER, dispatch.POOL_ADDRESS]) {
      assert.equal(f.used(pool), 0);
    }
  });
}

test("50,000 mutated frames from the NIC", { timeout: 120_000 }, () => {
  for (const flags of [0, VNET]) {
    const scene = setUp(flags);
    const { f, hostile, victims } = scene;
    const header = flags === 0 ? 0 : 10;
    const random = new Random(43 + flags);
    const kinds = [...samples(PEER, A), ...samples(PEER, B)];
    for (let i = 0; i < 25_000; i++) {
      const frame = mutated(random, kinds[random.below(kinds.length)] as Uint8Array, HEADERS);
      f.now += BigInt(random.below(2000));
      f.receive([header === 0 ? frame : withVirtio(random, frame)]);
      f.doors.tick(f.now);
      f.transmit();
      hostile.client.received();
      victims[0]?.client.received();
      // One of IPv4 hears of a mutated EtherType only.
      for (const got of victims[1]?.client.received() ?? []) assert.notEqual(read16(got, 12), ETHER_IPV6);
    }
    victimIsWell(scene, header);
  }
});
