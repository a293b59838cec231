// Bond mode 6: who sends by which NIC with which address, and what peers are told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arp, macOf } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { inner, NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const BOND = NIC_MAC;
const OWN = [macOf(21), macOf(22)] as const;
const A = { ip: "10.0.0.2", mac: BOND };

function macNumber(mac: Uint8Array): bigint {
  return mac.reduce((word, byte, i) => word | (BigInt(byte) << BigInt(8 * i)), 0n);
}

function setUp(): { f: Forwarder; v: TestVport } {
  const f = new Forwarder();
  assert.equal(f.doors.bondModeSet(6), 0);
  OWN.forEach((mac, nic) => {
    f.nicOpen(BOND);
    f.doors.nicOwnMacSet(nic, macNumber(mac));
  });
  const v = f.open(A);
  announce(v, "listen", { localPort: 80 });
  announce(v, "done");
  f.collect();
  return { f, v };
}

function peers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.0.0.${100 + i}`);
}

/** The first vport's answers to ARP requests of peers, by the NIC that they left by. */
function answers(f: Forwarder, v: TestVport): Uint8Array[][] {
  for (const target of peers(32)) {
    v.client.send(
      arp({ operation: 2, senderMac: BOND, sender: A.ip, targetMac: PEER_MAC, target }, PEER_MAC),
    );
    f.collect();
  }
  return [0, 1].map((nic) => f.transmit(nic));
}

test("connections are spread over both NICs, each with its own source address, checksums untouched", () => {
  const { f, v } = setUp();
  const to = { from: A.ip, to: "10.0.0.9", fromMac: BOND, toMac: PEER_MAC, destinationPort: 80, flags: "S" };
  for (let sourcePort = 1000; sourcePort < 1064; sourcePort++) {
    v.client.send(segment({ ...to, sourcePort }));
    f.collect();
  }
  for (const nic of [0, 1]) {
    const frames = f.transmit(nic);
    assert.ok(frames.length > 16);
    for (const frame of frames) {
      // The active NIC has the bond's address.
      assert.deepEqual(frame.slice(6, 12), nic === 0 ? BOND : OWN[1]);
      assert.equal(inner(frame).destinationPort, 80);
    }
  }
});

test("peers are told one address or the other, the same one each time, by the NIC that has it", () => {
  const { f, v } = setUp();
  const first = answers(f, v);
  first.forEach((frames, nic) => {
    assert.ok(frames.length > 6);
    for (const frame of frames) {
      const mac = nic === 0 ? BOND : OWN[1];
      assert.deepEqual(frame.slice(6, 12), mac, "source");
      assert.deepEqual(frame.slice(22, 28), mac, "ARP sender");
    }
  });
  assert.deepEqual(answers(f, v), first);
});

test("requests and what is for groups leave by the active NIC, and count where that receives them", () => {
  const { f, v } = setUp();
  v.client.send(arp({ operation: 1, senderMac: BOND, sender: A.ip, target: "10.0.0.9" }));
  f.collect();
  const [asked] = f.transmit(0);
  assert.deepEqual(asked?.slice(22, 28), BOND);
  const question = arp({ operation: 1, senderMac: PEER_MAC, sender: "10.0.0.9", target: A.ip });
  for (const nic of [0, 1]) f.receive([question], nic);
  assert.equal(v.client.received().length, 1);
  assert.equal(f.drops().backupNic, 1);
});

test("a frame to a NIC's own address reaches the program as one to the bond's", () => {
  const { f, v } = setUp();
  const syn = { from: "10.0.0.9", to: A.ip, sourcePort: 5, destinationPort: 80, flags: "S" };
  f.receive([segment({ ...syn, toMac: OWN[1] })], 1);
  f.receive([segment({ ...syn, toMac: BOND, sourcePort: 6 })], 1);
  f.receive([segment({ ...syn, toMac: macOf(77), sourcePort: 7 })], 1);
  const got = v.client.received();
  for (const frame of got) assert.deepEqual(frame.slice(0, 6), BOND);
  assert.equal(got.length, 2);
  assert.equal(f.drops().notOurMac, 1);
});

test("with a link lost the other has it all, peers are told; with both again it is spread", () => {
  const { f, v } = setUp();
  f.doors.nicLink(0, 0, f.now);
  assert.equal(f.doors.nicActive(), 1);
  const [announced] = f.transmit(1);
  assert.deepEqual(announced?.slice(22, 28), BOND, "the active NIC has the bond's address");
  assert.deepEqual(
    answers(f, v).map((frames) => frames.length),
    [0, 32],
  );
  f.doors.nicLink(0, 1, f.now);
  for (const frames of answers(f, v)) assert.ok(frames.length > 6);
  f.doors.nicLink(0, 0, f.now);
  assert.ok(f.transmit(1).length > 0, "those that sent to it learn better");
});
