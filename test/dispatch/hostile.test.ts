// Frames and rings from hell: nothing traps, nothing leaks, a neighbour notices nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import * as layout from "../../build/generated/node/layout.js";
import { arp, ethernet, icmp, ipv4, macOf, read16, toDotted, toHex, udp } from "../stack/support/frames.js";
import { Random } from "../stack/support/random.js";
import { announce, announcement } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { mutated, withVirtio } from "./support/mutate.js";
import { inner, NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "10.0.0.2", mac: macOf(2) };
const B = { ip: "10.0.0.3", mac: macOf(3) };
const VNET = layout.PORT_FLAG_VNET_HEADER;

/** Frames as they should be, of every kind, between two ends. */
function samples(from: { ip: string; mac: Uint8Array }, to: { ip: string; mac: Uint8Array }): Uint8Array[] {
  const tcp = {
    from: from.ip,
    to: to.ip,
    fromMac: from.mac,
    toMac: to.mac,
    sourcePort: 4000,
    destinationPort: 80,
  };
  const packet = (protocol: number, payload: Uint8Array, more = {}) =>
    ethernet(
      to.mac,
      from.mac,
      0x0800,
      ipv4({ source: from.ip, destination: to.ip, protocol, payload, ...more }),
    );
  const datagram = udp({
    source: from.ip,
    destination: to.ip,
    sourcePort: 9,
    destinationPort: 53,
    payload: new Uint8Array(600),
  });
  const syn = segment({ ...tcp, flags: "S", sequence: 7 });
  return [
    syn,
    segment({ ...tcp, flags: "PA", payload: 200, sequence: 8, acknowledgement: 9 }),
    segment({ ...tcp, flags: "PA", payload: 5000 }),
    segment({ ...tcp, flags: "FA" }),
    segment({ ...tcp, flags: "R" }),
    packet(17, datagram),
    packet(17, datagram.subarray(0, 304), { moreFragments: true }),
    packet(17, datagram.subarray(304), { offset: 304 }),
    packet(1, icmp(8, 0, 1, new Uint8Array(56))),
    packet(1, icmp(3, 3, 0, syn.subarray(14, 14 + 28))),
    packet(132, new Uint8Array(40)),
    packet(6, segment({ ...tcp, flags: "S" }).subarray(34), { options: new Uint8Array(40) }),
    arp({ operation: 1, senderMac: from.mac, sender: from.ip, target: to.ip }),
    arp({ operation: 2, senderMac: from.mac, sender: from.ip, target: to.ip }, to.mac),
    ...(["listen", "bind", "flow", "flowGone", "unlisten", "unbind", "done"] as const).map((kind) =>
      announcement(kind, { local: from.ip, localPort: 80, remote: to.ip, remotePort: 4000 }),
    ),
  ];
}

/** Two vports, the second with an established connection that must outlive everything. */
function setUp(flags: number): { f: Forwarder; hostile: TestVport; victim: TestVport } {
  const f = new Forwarder();
  f.nicOpen(
    NIC_MAC,
    flags === 0 ? 0 : VNET | layout.PORT_FLAG_TX_CHECKSUM | layout.PORT_FLAG_SEGMENTATION,
    65000,
  );
  const hostile = f.open({ ...A, flags, slots: 128 });
  const victim = f.open({ ...B, slots: 512 });
  announce(victim, "listen", { localPort: 443 });
  announce(victim, "flow", {
    local: B.ip,
    localPort: 443,
    remote: "10.0.0.9",
    remotePort: 7777,
    sndNxt: 5,
    rcvNxt: 6,
  });
  announce(victim, "done");
  f.collect();
  return { f, hostile, victim };
}

const ofVictim = segment({
  from: "10.0.0.9",
  to: B.ip,
  toMac: B.mac,
  sourcePort: 7777,
  destinationPort: 443,
  flags: "A",
  sequence: 6,
});

function victimIsWell(f: Forwarder, victim: TestVport, header = 0): void {
  victim.client.received();
  f.receive([new Uint8Array(Buffer.concat([new Uint8Array(header), ofVictim]))]);
  const got = victim.client.received();
  assert.equal(got.length, 1);
  assert.deepEqual(got[0], ofVictim);
}

/** Whether dispatch may say this itself: a reset, an ICMP error. */
function isOwnAnswer(frame: Uint8Array): boolean {
  const protocol = frame[23] ?? 0;
  return protocol === 1 ? frame[34] === 3 : protocol === 6 && ((frame[47] ?? 0) & 4) !== 0;
}

for (const flags of [0, VNET]) {
  const header = flags === 0 ? 0 : 10;
  const name = flags === 0 ? "plain" : "virtio-net";
  test(`50,000 mutated frames from a ${name} vport: only its own identity leaves`, {
    timeout: 120_000,
  }, () => {
    const { f, hostile, victim } = setUp(flags);
    const random = new Random(11 + flags);
    const kinds = [...samples(A, { ip: "10.0.0.9", mac: PEER_MAC }), ...samples(A, B), ...samples(B, A)];
    for (let i = 0; i < 25_000; i++) {
      const frame = mutated(random, kinds[random.below(kinds.length)] as Uint8Array);
      hostile.client.send(header === 0 ? frame : withVirtio(random, frame));
      f.now += BigInt(random.below(2000));
      f.collect();
      for (const out of f.transmit()) {
        const sent = out.subarray(header);
        assert.equal(toHex(sent.subarray(6, 12)), toHex(A.mac), `frame ${i}`);
        const type = read16(sent, 12);
        if (type === 0x0800) assert.equal(toDotted(sent, 26), A.ip, `frame ${i}`);
        else assert.equal(type, 0x0806);
      }
      for (const got of victim.client.received()) {
        const type = read16(got, 12);
        if (type === 0x0800 && !isOwnAnswer(got)) assert.equal(toDotted(got, 26), A.ip);
      }
      hostile.client.received();
      if (i % 500 === 0) victimIsWell(f, victim, header);
    }
    victimIsWell(f, victim, header);
    f.doors.vportClose(hostile.id, f.now);
    f.doors.vportClose(victim.id, f.now);
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
    const { f, hostile, victim } = setUp(flags);
    const header = flags === 0 ? 0 : 10;
    const random = new Random(23 + flags);
    const peer = { ip: "10.0.0.9", mac: PEER_MAC };
    const kinds = [...samples(peer, A), ...samples(peer, B)];
    for (let i = 0; i < 25_000; i++) {
      const frame = mutated(random, kinds[random.below(kinds.length)] as Uint8Array);
      f.now += BigInt(random.below(2000));
      f.receive([header === 0 ? frame : withVirtio(random, frame)]);
      f.doors.tick(f.now);
      f.transmit();
      hostile.client.received();
      victim.client.received();
    }
    victimIsWell(f, victim, header);
  }
});

test("a ring full of nonsense breaks itself, and nothing beside it", { timeout: 120_000 }, () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const { f, hostile, victim } = setUp(seed % 2 === 0 ? 0 : VNET);
    const guard = new Uint8Array(f.memory.buffer, victim.client.base + victim.client.size, 4096);
    guard.fill(0x5a);
    const { client } = hostile;
    for (let i = 0; i < 200; i++) {
      const ring = random.below(2) > 0 ? client.takeRing : client.putRing;
      const at = client.base + ring + 128 + random.below(client.slots) * 16;
      const view = client.view();
      view.setUint16(at, random.below(3), true);
      view.setUint16(at + 2, random.below(4) > 0 ? 0 : random.below(65536), true);
      view.setUint32(at + 4, random.below(4) > 0 ? random.below(4096) : random.below(0xffffffff), true);
      view.setUint32(
        at + 8,
        random.below(4) > 0 ? random.below(client.size) : random.below(0xffffffff),
        true,
      );
      if (random.below(20) === 0) client.setHead(ring, random.below(65536));
      else if (random.below(2) === 0)
        client.setHead(
          client.takeRing,
          (client.view().getUint16(client.base + 64, true) + random.below(8)) & 0xffff,
        );
      f.collect();
      f.transmit();
      f.receive(
        [
          segment({
            from: "10.0.0.9",
            to: A.ip,
            toMac: A.mac,
            sourcePort: 1,
            destinationPort: 1,
            flags: "S",
          }),
        ].map((frame) =>
          seed % 2 === 0 ? frame : new Uint8Array(Buffer.concat([new Uint8Array(10), frame])),
        ),
      );
      f.transmit();
    }
    victimIsWell(f, victim, seed % 2 === 0 ? 0 : 10);
    assert.ok(guard.every((byte) => byte === 0x5a));
    assert.ok((f.vportCounters(hostile.id).ringFaults ?? 0) > 0);
    f.doors.vportClose(hostile.id, f.now);
    assert.ok(f.flows() >= 1);
    assert.deepEqual(f.transmit().length >= 0 && inner(ofVictim).sourcePort, 7777);
  }
});
