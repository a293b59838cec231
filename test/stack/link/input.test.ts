import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { openDatagram, receiveFrom } from "../support/datagrams.js";
import { arp, ethernet, hex, joined, macOf } from "../support/frames.js";
import { fromPeer, Lan, OWN, OWN_MAC, PEER, PEER_MAC } from "../support/lan.js";

const request = arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: OWN });

describe("Ethernet input", () => {
  it("drops frames for others, of unknown types (VLAN tags among them), and short ones", () => {
    const lan = new Lan();
    const packet = fromPeer({ protocol: 1, payload: new Uint8Array(8) }).subarray(14);
    lan.expectDrops({ notOurMac: 1 }, () => lan.give(ethernet(macOf(9), PEER_MAC, 0x0800, packet)));
    lan.expectDrops({ unknownEtherType: 2 }, () => {
      lan.give(ethernet(OWN_MAC, PEER_MAC, 0x8100, joined(hex("0001 0800"), packet)));
      lan.give(ethernet(OWN_MAC, PEER_MAC, 0x86dd, packet));
    });
    lan.expectDrops({ truncated: 2 }, () => lan.give(hex("020000000001"), request.subarray(0, 13)));
  });

  it("drops a frame that the port cut off, whole as its headers may look", () => {
    const lan = new Lan();
    lan.expectDrops({ truncated: 1 }, () => lan.host.receive([request], 0, 100));
    assert.deepEqual(lan.sent(), []);
  });

  it("counts frames and bytes both ways", () => {
    const lan = new Lan();
    const before = ["rxFrames", "rxBytes", "txFrames", "txBytes"].map((name) => lan.counter(name));
    lan.give(request);
    const after = ["rxFrames", "rxBytes", "txFrames", "txBytes"].map((name) => lan.counter(name));
    assert.deepEqual(
      after.map((value, i) => value - (before[i] ?? 0)),
      [1, 42, 1, 42],
    );
  });
});

describe("virtio-net header", () => {
  it("stands in front of frames both ways", () => {
    const lan = new Lan({ flags: layout.PORT_FLAG_VNET_HEADER });
    lan.host.receive([joined(new Uint8Array(10), request)]);
    const frames = lan.host.transmit();
    assert.equal(frames.length, 1);
    assert.deepEqual([...(frames[0]?.bytes.subarray(0, 10) ?? [])], new Array(10).fill(0));
    assert.equal(frames[0]?.bytes.length, 52);
    lan.expectDrops({ truncated: 1 }, () => lan.host.receive([new Uint8Array(9)]));
  });

  it("vouches for checksums that are unfinished or verified, and only for those", () => {
    const payload = hex("0007 1388 000c 141f 01020304");
    const frame = fromPeer({ protocol: 17, payload });
    for (const [flags, isGood] of [
      [0, false],
      [1, true],
      [2, true],
      [3, true],
    ] as const) {
      const lan = new Lan({ flags: layout.PORT_FLAG_VNET_HEADER });
      const socket = openDatagram(lan, 5000);
      // Header and segment lengths that make no sense are not looked at.
      const header = Uint8Array.from([flags, 1, 255, 255, 255, 255, 34, 0, 6, 0]);
      lan.expectDrops(isGood ? {} : { udpMalformed: 1 }, () => lan.host.receive([joined(header, frame)]));
      assert.equal(typeof receiveFrom(lan, socket) === "object", isGood);
    }
  });

  it("may stand before a frame far longer than the MTU", () => {
    const lan = new Lan({ flags: layout.PORT_FLAG_VNET_HEADER });
    const socket = openDatagram(lan, 5000);
    const payload = joined(hex("0007 1388 fde8 0000"), new Uint8Array(65000 - 8).fill(7));
    lan.host.receive([joined(new Uint8Array(10), fromPeer({ protocol: 17, payload }))]);
    const received = receiveFrom(lan, socket);
    assert.ok(typeof received === "object" && received.payload.length === 64992);
  });
});
