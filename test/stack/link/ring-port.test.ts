import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { COUNTERS } from "../../../build/generated/node/counters.js";
import * as layout from "../../../build/generated/node/layout.js";
import { EADDRNOTAVAIL, ECONNREFUSED, EPROTO, SOCK_DGRAM } from "../../../build/generated/node/system.js";
import { arp, dotted, macOf, seen } from "../support/frames.js";
import { LTRAN_MAC, RingPeer, SLOTS } from "../support/ring-peer.js";

const DUE_NOTHING = 0;

function dropped(peer: RingPeer, name: string): number {
  const entry = COUNTERS.find((candidate) => candidate.enum === "DropReason" && candidate.name === name);
  assert.ok(entry, name);
  return Number(peer.host.counter(entry.index, layout.DROPS));
}

/** A frame of an unknown type: counted, and nothing more. */
function strange(length: number): Uint8Array {
  const frame = new Uint8Array(length);
  frame.set([2, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, 9, 0x12, 0x34]);
  return frame;
}

describe("registration of a ring port", () => {
  let peer: RingPeer;

  before(async () => {
    peer = await RingPeer.open();
  });

  it("asks with everything that ltran has to know", () => {
    const view = new DataView(peer.register(0x0900_0000_0002n).buffer);
    assert.equal(view.byteLength, 96);
    assert.deepEqual(
      [view.getUint32(0, true), view.getUint16(4, true), view.getUint16(6, true), view.getUint32(8, true)],
      [0x544c5a47, 1, 1, 96],
    );
    assert.equal(view.getUint32(12, true), 4711, "pid");
    assert.deepEqual([view.getUint16(16, true), view.getUint16(18, true)], [2, 3], "stack of stacks");
    assert.deepEqual([view.getUint32(20, true), view.getUint32(24, true)], [SLOTS, 2048], "geometry");
    assert.equal(view.getBigUint64(32, true), BigInt(peer.host.doors.ringRegionSize()));
    assert.equal(view.getBigUint64(40, true), 0x0900_0000_0002n, "mac");
    const low = new Uint8Array(view.buffer, 56, 8);
    assert.deepEqual([...low], [0, 0, 0xff, 0xff, ...dotted("10.0.0.1")]);
    assert.equal(view.getBigUint64(64, true), 0x1234567890n, "process key");
    assert.equal(view.getUint32(88, true), 24, "prefix");
    assert.equal(layout.REGISTER_NAME, 72);
  });

  it("takes a refusal, an unknown answer and another device's address for what they are", () => {
    peer.register();
    const refusal = RingPeer.message(3, 216, [5]);
    assert.equal(peer.answer(refusal), -ECONNREFUSED);
    assert.equal(layout.REFUSAL_TEXT_AT, 16);
    const newer = RingPeer.welcome();
    newer[4] = 2;
    for (const message of [
      newer,
      RingPeer.welcome().subarray(0, 39),
      new Uint8Array(0),
      RingPeer.message(1, 96),
      RingPeer.welcome(0, 67),
    ]) {
      assert.equal(peer.answer(message), -EPROTO);
    }
    assert.equal(peer.answer(RingPeer.welcome(), 0x0900_0000_0002n), -EADDRNOTAVAIL);
    assert.equal(peer.host.doors.ringPending(0), 0);
    assert.deepEqual(peer.taken(), []);
  });

  it("brings the link up with ltran's address and MTU, and announces the stack's address", () => {
    peer.register();
    assert.equal(peer.answer(RingPeer.welcome(0, 9000), LTRAN_MAC, 1400), 0);
    const view = peer.host.view();
    assert.equal(view.getBigUint64(layout.PORTS + layout.PORT_MAC, true), LTRAN_MAC);
    assert.equal(view.getUint32(layout.PORTS + layout.PORT_MTU, true), 1400);
    const sent = peer.taken();
    const asked = sent.map(({ bytes }) => seen(bytes).arp).find((found) => found !== undefined);
    assert.equal(asked?.sender, "10.0.0.1");
    assert.equal(asked?.target, "10.0.0.1");
    assert.deepEqual(sent.map(({ announcement }) => announcement?.kind).filter(Boolean), ["done"]);
    assert.equal(peer.answer(RingPeer.welcome()), -EPROTO, "once is enough");
  });
});

describe("a ring port", () => {
  it("answers what comes through the ring, one frame or hundreds", async () => {
    const peer = await RingPeer.open();
    peer.connect();
    peer.taken();
    const question = arp({ operation: 1, senderMac: macOf(2), sender: "10.0.0.2", target: "10.0.0.1" });
    peer.give(question);
    const [reply] = peer.taken();
    assert.equal(seen(reply?.bytes ?? new Uint8Array(14)).arp?.operation, 2);
    let room = 0;
    while (peer.put1(question)) room++;
    assert.equal(room, SLOTS);
    let answers = 0;
    for (let round = 0; peer.host.doors.ringPending(0) === 1 && round < SLOTS; round++) {
      peer.host.doors.receive(0, layout.RX_BURST, peer.host.now);
      answers += peer.taken().length;
    }
    assert.equal(answers, SLOTS);
    assert.ok(peer.put1(question), "the buffers were posted again");
  });

  it("knows others behind the same ltran, who have the same hardware address, from itself", async () => {
    const peer = await RingPeer.open();
    peer.connect();
    peer.taken();
    const own = macOf(7);
    peer.give(arp({ operation: 1, senderMac: own, sender: "10.0.0.3", target: "10.0.0.1" }));
    const [reply] = peer.taken();
    assert.equal(seen(reply?.bytes ?? new Uint8Array(14)).arp?.target, "10.0.0.3");
    peer.give(arp({ operation: 1, senderMac: own, sender: "10.0.0.1", target: "10.0.0.1" }));
    assert.deepEqual(peer.taken(), [], "what was sent and came back is no conflict");
    assert.equal(dropped(peer, "arpIgnored"), 1);
  });

  it("carries frames of 64 KB in both directions when the port's flags say so", async () => {
    const peer = await RingPeer.open();
    const flags = layout.PORT_FLAG_VNET_HEADER | layout.PORT_FLAG_TX_CHECKSUM | layout.PORT_FLAG_SEGMENTATION;
    peer.connect(flags, 65_000);
    peer.taken();
    const before = dropped(peer, "unknownEtherType");
    for (const length of [60, 2037, 2038, 2039, 4086, 65_549]) peer.give(strange(length));
    assert.equal(dropped(peer, "unknownEtherType") - before, 6);
    assert.equal(dropped(peer, "ringFault"), 0);
    const handle = peer.host.doors.socketOpen(4, SOCK_DGRAM);
    peer.give(arp({ operation: 1, senderMac: macOf(2), sender: "10.0.0.2", target: "10.0.0.1" }));
    peer.taken();
    peer.host.setEndpoint({ ip: "10.0.0.2", port: 9 });
    assert.equal(peer.host.send(handle, new Uint8Array(1400).fill(0x61)), 1400);
    const frames = peer.taken();
    assert.equal(frames[0]?.announcement?.kind, "bind", "before the datagram that follows from it");
    assert.equal(frames[1]?.bytes.length, 14 + 20 + 8 + 1400);
  });

  it("arms, disarms and says when ltran is to be kicked", async () => {
    const peer = await RingPeer.open();
    peer.connect();
    const { doors } = peer.host;
    const flags = () => peer.host.view().getUint16(peer.region + 128 + SLOTS * 16 + 4, true);
    const question = arp({ operation: 1, senderMac: macOf(2), sender: "10.0.0.2", target: "10.0.0.1" });
    peer.taken();
    assert.equal(flags(), 1, "nobody kicks one who looks by himself");
    assert.equal(doors.ringArm(0), 0);
    assert.equal(flags(), 0);
    peer.put1(question);
    assert.equal(doors.ringArm(0), 1, "something came: do not sleep");
    doors.ringDisarm(0);
    assert.equal(flags(), 1);
    doors.receive(0, 8, peer.host.now);
    doors.output(0, peer.host.now);
    assert.equal(doors.ringTransmit(0), 1);
    assert.equal(doors.ringDue(0, 1), DUE_NOTHING, "ltran polls");
    peer.host.view().setUint16(peer.region + 4, 0, true);
    assert.equal(doors.ringDue(0, 1), layout.RING_DUE_KICK);
    assert.equal(doors.ringDue(0, 0), DUE_NOTHING, "nothing was sent");
  });

  it("makes no packets longer than there can be, whatever ltran says that it takes", async () => {
    const peer = await RingPeer.open();
    peer.connect(layout.PORT_FLAG_VNET_HEADER | layout.PORT_FLAG_SEGMENTATION, 0xffff_ffff, 0xffff_ffff);
    assert.equal(peer.host.view().getUint32(layout.PORTS + layout.PORT_MTU, true), 65_535);
  });

  it("sleeps while there is no room for the whole of the next frame", async () => {
    const peer = await RingPeer.open();
    peer.connect(0, 0, 9000);
    peer.give(arp({ operation: 1, senderMac: macOf(2), sender: "10.0.0.2", target: "10.0.0.1" }));
    peer.taken();
    const { doors } = peer.host;
    const handle = doors.socketOpen(4, SOCK_DGRAM);
    peer.host.setEndpoint({ ip: "10.0.0.2", port: 9 });
    for (let datagrams = 0; datagrams < SLOTS / 5 + 8; datagrams++) {
      assert.equal(peer.host.send(handle, new Uint8Array(8900)), 8900);
      peer.transmit();
    }
    assert.notEqual(doors.output(0, peer.host.now), 0, "some wait");
    assert.equal(doors.ringArm(0), 0, "five slots a datagram, fewer are free");
    // An announcement, then a datagram.
    for (let frames = 0; frames < 2; frames++) peer.takeOne();
    assert.equal(doors.ringArm(0), 1);
  });

  it("gives up a ring whose index jumps, and never reads where it points", async () => {
    const question = arp({ operation: 1, senderMac: macOf(2), sender: "10.0.0.2", target: "10.0.0.1" });
    for (const [what, tail] of [
      ["received", 128 + SLOTS * 16 + 64],
      ["sent", 64],
    ] as const) {
      const peer = await RingPeer.open();
      peer.connect();
      peer.taken();
      peer.host.view().setUint16(peer.region + tail, 0x4321, true);
      for (let i = 0; i < SLOTS + 100; i++) {
        if (what === "sent") peer.give(question);
        else peer.host.doors.receive(0, layout.RX_BURST, peer.host.now);
        peer.transmit();
      }
      assert.equal(peer.host.doors.ringDue(0, 0), layout.RING_DUE_END, what);
      assert.equal(peer.host.doors.ringPending(0), 0);
    }
  });

  it("loses what is sent while there is no ltran, and counts it", async () => {
    const peer = await RingPeer.open();
    peer.connect();
    peer.give(arp({ operation: 1, senderMac: macOf(2), sender: "10.0.0.2", target: "10.0.0.1" }));
    peer.taken();
    peer.detach();
    const handle = peer.host.doors.socketOpen(4, SOCK_DGRAM);
    peer.host.setEndpoint({ ip: "10.0.0.2", port: 9 });
    assert.equal(peer.host.send(handle, new Uint8Array(10)), 10);
    peer.transmit();
    assert.equal(dropped(peer, "ringDetached"), 1);
    assert.equal(peer.host.doors.ringArm(0), 0);
    assert.equal(peer.host.doors.output(0, peer.host.now), 0);
  });
});
