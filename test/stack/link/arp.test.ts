import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StackHost } from "../../../sim/host.js";
import { arp, hex, macOf, seen, toHex } from "../support/frames.js";
import { Lan, OWN, OWN_MAC, PEER, PEER_MAC } from "../support/lan.js";

const ZERO_MAC = "000000000000";
const EVERYONE = "ffffffffffff";

describe("ARP", () => {
  it("answers a request for an own address, byte for byte", () => {
    const lan = new Lan();
    lan.host.receive([
      hex(`ffffffffffff 020000000002 0806
           0001 0800 06 04 0001 020000000002 0a000002 000000000000 0a000001`),
    ]);
    const frames = lan.host.transmit();
    assert.equal(frames.length, 1);
    assert.equal(
      toHex(frames[0]?.bytes ?? new Uint8Array()),
      toHex(
        hex(`020000000002 020000000001 0806
             0001 0800 06 04 0002 020000000001 0a000001 020000000002 0a000002`),
      ),
    );
    assert.equal(lan.counter("arpRequestsIn"), 1);
    assert.equal(lan.counter("arpRepliesOut"), 1);
  });

  it("keeps silent about addresses of others, and learns nothing from such requests", () => {
    const lan = new Lan();
    const request = arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: "10.0.0.9" });
    lan.expectDrops({ arpIgnored: 1 }, () => assert.deepEqual(lan.give(request), []));
    assert.equal(lan.used("neighbour"), 0);
  });

  it("learns nothing from a reply that nobody asked for", () => {
    const lan = new Lan();
    const reply = arp(
      { operation: 2, senderMac: PEER_MAC, sender: PEER, targetMac: OWN_MAC, target: OWN },
      OWN_MAC,
    );
    lan.expectDrops({ arpIgnored: 1 }, () => assert.deepEqual(lan.give(reply), []));
    assert.equal(lan.used("neighbour"), 0);
  });

  it("answers a probe without learning from it (RFC 5227, section 2.1.1)", () => {
    const lan = new Lan();
    const sent = lan.give(arp({ operation: 1, senderMac: PEER_MAC, sender: "0.0.0.0", target: OWN }));
    assert.equal(sent[0]?.arp?.operation, 2);
    assert.equal(sent[0]?.arp?.sender, OWN);
    assert.equal(lan.used("neighbour"), 0);
    lan.expectDrops({ arpIgnored: 1 }, () => {
      lan.give(arp({ operation: 1, senderMac: PEER_MAC, sender: "0.0.0.0", target: "10.0.0.77" }));
    });
  });

  it("refuses malformed packets, each for its reason", () => {
    const lan = new Lan();
    const good = arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: OWN });
    const changed = (at: number, value: number) => {
      const copy = good.slice();
      copy[at] = value;
      return copy;
    };
    for (const at of [15, 17, 18, 19]) lan.expectDrops({ arpMalformed: 1 }, () => lan.give(changed(at, 9)));
    lan.expectDrops({ arpMalformed: 1 }, () => lan.give(changed(21, 3)));
    lan.expectDrops({ arpMalformed: 1 }, () => lan.give(changed(22, 3)));
    lan.expectDrops({ truncated: 1 }, () => lan.give(good.subarray(0, 41)));
    for (const sender of ["127.0.0.1", "224.0.0.1", "10.0.0.255", "255.255.255.255"]) {
      lan.expectDrops({ arpMalformed: 1 }, () => {
        lan.give(arp({ operation: 1, senderMac: PEER_MAC, sender, target: OWN }));
      });
    }
    const mute = arp({ operation: 1, senderMac: new Uint8Array(6), sender: PEER, target: OWN });
    lan.expectDrops({ arpMalformed: 1 }, () => lan.give(mute));
    assert.equal(lan.used("neighbour"), 0);
  });

  it("ignores its own frames when they come back", () => {
    const lan = new Lan();
    const echo = arp({ operation: 1, senderMac: OWN_MAC, sender: OWN, target: OWN });
    lan.expectDrops({ arpIgnored: 1 }, () => assert.deepEqual(lan.give(echo), []));
    assert.equal(lan.counter("arpConflicts"), 0);
  });

  it("answers a stranger from outside the subnet but keeps no entry", () => {
    const lan = new Lan();
    const sent = lan.give(arp({ operation: 1, senderMac: PEER_MAC, sender: "192.0.2.7", target: OWN }));
    assert.equal(sent[0]?.arp?.target, "192.0.2.7");
    assert.equal(lan.used("neighbour"), 0);
  });
});

describe("announcement (RFC 5227, section 2.3)", () => {
  it("says twice, two seconds apart, that an address is ours", () => {
    const host = new StackHost();
    const expected = {
      to: EVERYONE,
      from: toHex(OWN_MAC),
      type: 0x0806,
      arp: { operation: 1, senderMac: toHex(OWN_MAC), sender: OWN, targetMac: ZERO_MAC, target: OWN },
    };
    const sent = () => host.transmit().map((frame) => seen(frame.bytes));
    assert.deepEqual(sent(), [expected]);
    host.advance(1_900_000n);
    assert.deepEqual(sent(), []);
    host.advance(100_000n);
    assert.deepEqual(sent(), [expected]);
    host.advance(60_000_000n);
    assert.deepEqual(sent(), []);
    assert.equal(host.nextDeadline(), undefined);
  });
});

describe("a link that comes up again", () => {
  it("has its addresses announced, and not while it is down", () => {
    const lan = new Lan();
    const { doors } = lan.host;
    doors.portLink(0, 1, lan.host.now);
    assert.deepEqual(lan.sent(), []);
    doors.portLink(0, 0, lan.host.now);
    assert.deepEqual(lan.wait(5_000_000), []);
    doors.portLink(0, 1, lan.host.now);
    const sent = [...lan.sent(), ...lan.wait(5_000_000)];
    assert.deepEqual(
      sent.map((frame) => [frame.to, frame.arp?.operation, frame.arp?.sender, frame.arp?.target]),
      [
        [EVERYONE, 1, OWN, OWN],
        [EVERYONE, 1, OWN, OWN],
      ],
    );
  });

  it("has to wait with an announcement that is due until then", () => {
    const host = new StackHost();
    host.transmit();
    host.doors.portLink(0, 0, host.now);
    host.advance(2_000_000n);
    assert.equal(host.transmit().length, 0);
    host.advance(10_000_000n);
    assert.equal(host.transmit().length, 0);
  });
});

describe("conflict detection (RFC 5227, section 2.4)", () => {
  const intruder = arp({ operation: 1, senderMac: macOf(66), sender: OWN, target: PEER });

  it("counts every conflict and defends the address once in ten seconds", () => {
    const lan = new Lan();
    const first = lan.give(intruder);
    assert.equal(first.length, 1);
    assert.equal(first[0]?.to, EVERYONE);
    assert.equal(first[0]?.arp?.sender, OWN);
    assert.equal(first[0]?.arp?.senderMac, toHex(OWN_MAC));
    assert.deepEqual(lan.give(intruder), []);
    lan.wait(9_900_000);
    assert.deepEqual(lan.give(intruder), []);
    lan.wait(100_000);
    assert.equal(lan.give(intruder).length, 1);
    assert.equal(lan.counter("arpConflicts"), 4);
    assert.equal(lan.used("neighbour"), 0);
  });

  it("sees a conflict in a reply, too", () => {
    const lan = new Lan();
    lan.give(arp({ operation: 2, senderMac: macOf(66), sender: OWN, targetMac: PEER_MAC, target: PEER }));
    assert.equal(lan.counter("arpConflicts"), 1);
  });
});
