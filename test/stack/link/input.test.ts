import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
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
});
