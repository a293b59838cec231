import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openDatagram, sendTo } from "../support/datagrams.js";
import { arp, macOf, type Seen, toHex } from "../support/frames.js";
import { Lan, OWN, OWN_MAC, PEER, PEER_MAC } from "../support/lan.js";

const EVERYONE = "ffffffffffff";
const SECOND = 1_000_000;

function requests(sent: Seen[]): Seen[] {
  return sent.filter((frame) => frame.arp?.operation === 1);
}

function reply(last = 2, mac = macOf(last)): Uint8Array {
  const sender = `10.0.0.${last}`;
  return arp({ operation: 2, senderMac: mac, sender, targetMac: OWN_MAC, target: OWN }, OWN_MAC);
}

describe("resolution", () => {
  it("asks for an unknown neighbour, holds the datagram back, and sends it on the reply", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, 5000);
    sendTo(lan, socket, PEER, 7, new TextEncoder().encode("first"));
    const asked = lan.sent();
    assert.deepEqual(asked, [
      {
        to: EVERYONE,
        from: toHex(OWN_MAC),
        type: 0x0806,
        arp: {
          operation: 1,
          senderMac: toHex(OWN_MAC),
          sender: OWN,
          targetMac: "000000000000",
          target: PEER,
        },
      },
    ]);
    const sent = lan.give(reply());
    assert.equal(sent.length, 1);
    assert.equal(sent[0]?.to, toHex(PEER_MAC));
    assert.equal(sent[0]?.ip?.destination, PEER);
    assert.equal(new TextDecoder().decode(sent[0]?.ip?.payload.subarray(8)), "first");
    assert.equal(lan.used("buffer"), 0);
  });

  it("tries three times, a second apart, then gives up and gives everything back", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, 5000);
    sendTo(lan, socket, PEER, 7, new Uint8Array(10));
    assert.equal(requests(lan.sent()).length, 1);
    assert.equal(requests(lan.wait(0.9 * SECOND)).length, 0);
    assert.equal(requests(lan.wait(0.2 * SECOND)).length, 1);
    assert.equal(requests(lan.wait(SECOND)).length, 1);
    lan.expectDrops({ neighbourQueue: 1 }, () => {
      assert.deepEqual(lan.wait(5 * SECOND), []);
    });
    assert.equal(lan.counter("neighbourFailures"), 1);
    assert.equal(lan.used("buffer"), 0);
    lan.wait(31 * SECOND);
    assert.equal(lan.used("neighbour"), 0);
    assert.equal(lan.host.nextDeadline(), undefined);
  });

  it("does not ask more than once a second for one that just failed (RFC 1122, section 2.3.2.1)", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, 5000);
    sendTo(lan, socket, PEER, 7, new Uint8Array(10));
    lan.sent();
    lan.wait(2.9 * SECOND);
    lan.wait(0.1 * SECOND, 1000);
    assert.equal(lan.counter("neighbourFailures"), 1);
    const before = lan.counter("arpRequestsOut");
    for (let i = 0; i < 50; i++) {
      sendTo(lan, socket, PEER, 7, new Uint8Array(10));
      lan.wait(10_000, 10_000);
    }
    assert.ok(lan.counter("arpRequestsOut") - before <= 1);
  });

  it("queues at most eight datagrams, dropping the oldest", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, 5000);
    lan.expectDrops({ neighbourQueue: 4 }, () => {
      for (let i = 0; i < 12; i++) sendTo(lan, socket, PEER, 7, new Uint8Array([i]));
    });
    lan.sent();
    const sent = lan.give(reply());
    assert.deepEqual(
      sent.map((frame) => frame.ip?.payload[8]),
      [4, 5, 6, 7, 8, 9, 10, 11],
    );
    assert.equal(lan.used("buffer"), 0);
  });

  it("queues a datagram larger than the MTU and sends it as fragments", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, 5000);
    sendTo(lan, socket, PEER, 7, new Uint8Array(5000).fill(7));
    lan.sent();
    const sent = lan.give(reply());
    assert.equal(sent.length, 4);
    assert.equal(lan.used("buffer"), 0);
  });
});

describe("ageing", () => {
  it("forgets a neighbour that nobody uses 30 s after it was last heard", () => {
    const lan = new Lan();
    lan.meet();
    assert.equal(lan.used("neighbour"), 1);
    assert.deepEqual(lan.wait(29.9 * SECOND), []);
    assert.equal(lan.used("neighbour"), 1);
    assert.deepEqual(lan.wait(0.2 * SECOND), []);
    assert.equal(lan.used("neighbour"), 0);
  });

  it("asks a neighbour in use by unicast, and keeps it when it answers", () => {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, 5000);
    lan.wait(SECOND);
    sendTo(lan, socket, PEER, 7, new Uint8Array(1));
    assert.equal(lan.sent().length, 1);
    const probe = requests(lan.wait(29.1 * SECOND));
    assert.equal(probe.length, 1);
    assert.equal(probe[0]?.to, toHex(PEER_MAC));
    // The old address is used meanwhile.
    sendTo(lan, socket, PEER, 7, new Uint8Array(1));
    assert.equal(lan.sent()[0]?.to, toHex(PEER_MAC));
    lan.give(reply());
    assert.equal(requests(lan.wait(5 * SECOND)).length, 0);
    assert.equal(lan.used("neighbour"), 1);
  });

  it("drops a neighbour in use that stays silent after three probes, and asks everyone next time", () => {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, 5000);
    lan.wait(SECOND);
    sendTo(lan, socket, PEER, 7, new Uint8Array(1));
    const probes = requests(lan.wait(33 * SECOND));
    assert.equal(probes.length, 3);
    assert.equal(lan.counter("neighbourFailures"), 1);
    sendTo(lan, socket, PEER, 7, new Uint8Array(1));
    const asked = lan.sent();
    assert.equal(asked.length, 1);
    assert.equal(asked[0]?.to, EVERYONE);
    assert.equal(asked[0]?.arp?.operation, 1);
  });
});

describe("spoof resistance", () => {
  it("does not let a second answer change an address within a second of the first", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, 5000);
    sendTo(lan, socket, PEER, 7, new Uint8Array(1));
    lan.sent();
    lan.give(reply());
    lan.expectDrops({ arpIgnored: 1 }, () => lan.give(reply(2, macOf(66))));
    sendTo(lan, socket, PEER, 7, new Uint8Array(1));
    assert.equal(lan.sent()[0]?.to, toHex(PEER_MAC));
  });

  it("follows a host that moved to another hardware address later", () => {
    const lan = new Lan();
    lan.meet();
    lan.wait(2 * SECOND);
    lan.give(arp({ operation: 1, senderMac: macOf(77), sender: PEER, target: PEER }));
    const socket = openDatagram(lan, 5000);
    sendTo(lan, socket, PEER, 7, new Uint8Array(1));
    assert.equal(lan.sent()[0]?.to, toHex(macOf(77)));
  });

  it("lets strangers fill only three quarters of the table", () => {
    // Large enough for buffers to be left when the neighbours run out.
    const lan = new Lan({ ip: "10.0.0.1", prefixLength: 8, size: 32 << 20 });
    const capacity = lan.capacity("neighbour");
    for (let i = 0; i < capacity + 10; i++) {
      const sender = `10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
      const sent = lan.give(arp({ operation: 1, senderMac: macOf(2 + (i % 200)), sender, target: OWN }));
      assert.equal(sent.length, 1);
    }
    assert.equal(lan.used("neighbour"), capacity - capacity / 4);
    // Those that the stack itself wants to reach push idle ones out.
    const socket = openDatagram(lan, 5000);
    for (let i = 0; i < capacity / 2; i++) {
      const to = `10.9.${(i >> 8) & 255}.${i & 255}`;
      sendTo(lan, socket, to, 7, new Uint8Array(1));
      lan.sent();
    }
    assert.equal(lan.counter("arpRequestsOut"), 2 + capacity / 2);
    assert.equal(lan.drops("noNeighbour"), 0);
    // When all are waited for, there is none left.
    for (let i = 0; i < capacity; i++) {
      sendTo(lan, socket, `10.8.${(i >> 8) & 255}.${i & 255}`, 7, new Uint8Array(1));
      lan.sent();
    }
    assert.ok(lan.drops("noNeighbour") >= capacity / 2);
    lan.wait(120 * SECOND, SECOND);
    assert.equal(lan.used("neighbour"), 0);
    assert.equal(lan.used("buffer"), 0);
  });
});

describe("gateway", () => {
  it("gets what is not on-link, and nothing else", () => {
    const lan = new Lan({ gateway: "10.0.0.254" });
    const socket = openDatagram(lan, 5000);
    sendTo(lan, socket, "192.0.2.1", 7, new Uint8Array(1));
    assert.equal(lan.sent()[0]?.arp?.target, "10.0.0.254");
    const sent = lan.give(reply(254));
    assert.equal(sent[0]?.to, toHex(macOf(254)));
    assert.equal(sent[0]?.ip?.destination, "192.0.2.1");
    sendTo(lan, socket, "10.0.0.3", 7, new Uint8Array(1));
    assert.equal(lan.sent()[0]?.arp?.target, "10.0.0.3");
  });
});
