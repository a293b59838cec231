import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  ENETUNREACH,
  ENOPROTOOPT,
  EPROTO,
} from "../../../build/generated/node/system.js";
import { connectTo, openDatagram, sendConnected } from "../support/datagrams.js";
import { BROADCAST_MAC, hex, icmp, icmpRight, ipv4, joined, toHex, udp } from "../support/frames.js";
import { fromPeer, Lan, OWN, PEER } from "../support/lan.js";
import { Random } from "../support/random.js";

const PORT = 5000;

/** A UDP datagram of the peer for a port that nobody has. */
function unwanted(id = 1): Uint8Array {
  const datagram = udp({
    source: PEER,
    destination: OWN,
    sourcePort: 999,
    destinationPort: 9,
    payload: hex("2a"),
  });
  return fromPeer({ protocol: 17, payload: datagram, id });
}

/** The peer's ICMP error about a datagram that the stack sent. */
function errorAbout(quoted: Uint8Array, type: number, code: number, rest = 0): Uint8Array {
  return fromPeer({ protocol: 1, payload: icmp(type, code, rest, quoted) });
}

/** What a router quotes of a datagram from our port 5000 to the peer's port 7. */
function quoted(
  changes: { source?: string; offset?: number; protocol?: number; length?: number } = {},
): Uint8Array {
  const datagram = udp({
    source: OWN,
    destination: PEER,
    sourcePort: PORT,
    destinationPort: 7,
    payload: hex("00"),
  });
  return ipv4({
    source: changes.source ?? OWN,
    destination: PEER,
    protocol: changes.protocol ?? 17,
    payload: datagram.subarray(0, changes.length ?? 8),
    offset: changes.offset ?? 0,
  });
}

describe("echo", () => {
  it("answers with the same identifier, sequence number and data, for every size up to the MTU", () => {
    const lan = new Lan();
    lan.meet();
    const random = new Random(1);
    for (let size = 0; size <= 1472; size += 1 + random.below(40)) {
      const data = random.bytes(size);
      const rest = random.below(0xffff_ffff);
      const sent = lan.give(fromPeer({ protocol: 1, payload: icmp(8, 0, rest, data) }));
      assert.equal(sent.length, 1);
      const ip = sent[0]?.ip;
      assert.ok(ip && icmpRight(ip.payload));
      assert.deepEqual(ip.payload, icmp(0, 0, rest, data));
      assert.deepEqual([ip.source, ip.destination, ip.ttl, ip.protocol], [OWN, PEER, 64, 1]);
    }
    assert.equal(lan.used("buffer"), 0);
  });

  it("refuses malformed messages and those that no host answers", () => {
    const lan = new Lan();
    lan.meet();
    const give = (payload: Uint8Array, to?: Uint8Array, destination = OWN) =>
      assert.deepEqual(lan.give(fromPeer({ protocol: 1, payload, destination }, to)), []);
    const echo = icmp(8, 0, 1, hex("0102"));
    lan.expectDrops({ truncated: 1 }, () => give(echo.subarray(0, 7)));
    const wrong = echo.slice();
    wrong[9] = 0;
    lan.expectDrops({ icmpMalformed: 1 }, () => give(wrong));
    lan.expectDrops({ icmpUnrelated: 2 }, () => {
      give(echo, BROADCAST_MAC, "10.0.0.255");
      give(echo, BROADCAST_MAC, "255.255.255.255");
    });
    // Echo reply, source quench (RFC 6633), redirect, router advertisement, timestamp request.
    lan.expectDrops({ icmpUnrelated: 5 }, () => {
      for (const type of [0, 4, 5, 9, 13]) give(icmp(type, 0, 0, quoted()));
    });
  });

  it("has no way back to where there is no route", () => {
    const lan = new Lan();
    const far = fromPeer({ source: "192.0.2.1", protocol: 1, payload: icmp(8, 0, 1, hex("00")) });
    lan.expectDrops({ ipNoRoute: 1 }, () => assert.deepEqual(lan.give(far), []));
  });
});

describe("errors that the stack sends (RFC 1122, section 3.2.2)", () => {
  it("say that a port is not in use, quoting the datagram", () => {
    const lan = new Lan();
    lan.meet();
    lan.expectDrops({ udpNoPort: 1 }, () => {
      const sent = lan.give(unwanted());
      assert.equal(sent.length, 1);
      const message = sent[0]?.ip?.payload ?? new Uint8Array();
      assert.ok(icmpRight(message));
      assert.deepEqual([...message.subarray(0, 8)], [3, 3, message[2], message[3], 0, 0, 0, 0]);
      assert.equal(toHex(message.subarray(8)), toHex(unwanted().subarray(14)));
    });
    assert.equal(lan.used("buffer"), 0);
  });

  it("are never longer than 576 bytes (RFC 1812, section 4.3.2.3)", () => {
    const lan = new Lan();
    lan.meet();
    const big = fromPeer({ protocol: 99, payload: new Uint8Array(1400) });
    const sent = lan.give(big);
    assert.equal(sent[0]?.ip?.payload.length, 556);
  });

  it("are not sent about broadcasts, errors, and fragments other than the first", () => {
    const lan = new Lan();
    lan.meet();
    const datagram = udp({
      source: PEER,
      destination: "10.0.0.255",
      sourcePort: 9,
      destinationPort: 9,
      payload: hex("00"),
    });
    const broadcast = fromPeer({ protocol: 17, payload: datagram, destination: "10.0.0.255" }, BROADCAST_MAC);
    lan.expectDrops({ udpNoPort: 1 }, () => assert.deepEqual(lan.give(broadcast), []));
    const alien = fromPeer(
      { protocol: 99, payload: hex("00"), destination: "255.255.255.255" },
      BROADCAST_MAC,
    );
    lan.expectDrops({ ipProtocol: 1 }, () => assert.deepEqual(lan.give(alien), []));
    // A reassembly that times out with an ICMP error in it.
    const error = icmp(3, 1, 0, joined(quoted(), new Uint8Array(100)));
    lan.give(fromPeer({ protocol: 1, payload: error.subarray(0, 64), moreFragments: true }));
    lan.expectDrops({ fragmentTimeout: 1 }, () => assert.deepEqual(lan.wait(31_000_000), []));
  });

  it("are limited to 50 at once and 1000 a second, and withheld ones counted", () => {
    const lan = new Lan();
    lan.meet();
    let sent = 0;
    lan.expectDrops({ udpNoPort: 60, icmpRateLimited: 10 }, () => {
      for (let i = 0; i < 60; i++) sent += lan.give(unwanted(i)).length;
    });
    assert.equal(sent, 50);
    lan.host.advance(20_000n);
    sent = 0;
    for (let i = 0; i < 60; i++) sent += lan.give(unwanted(i)).length;
    assert.equal(sent, 20);
    assert.equal(lan.counter("icmpErrorsOut"), 70);
  });
});

describe("errors that the stack receives", () => {
  /** A connected socket that has sent something, in a new LAN. */
  function connected(): { lan: Lan; socket: number } {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, PORT);
    connectTo(lan, socket, PEER, 7);
    sendConnected(lan, socket, hex("00"));
    lan.sent();
    return { lan, socket };
  }

  it("reach the connected socket whose datagram they quote, with Linux's errno", () => {
    const hard: [number, number, number][] = [
      [3, 2, ENOPROTOOPT],
      [3, 3, ECONNREFUSED],
      [3, 6, ENETUNREACH],
      [3, 7, EHOSTDOWN],
      [3, 9, ENETUNREACH],
      [3, 10, EHOSTUNREACH],
      [3, 13, EHOSTUNREACH],
      [12, 0, EPROTO],
    ];
    for (const [type, code, errno] of hard) {
      const { lan, socket } = connected();
      lan.expectDrops({}, () => lan.give(errorAbout(quoted(), type, code)));
      assert.equal(sendConnected(lan, socket, hex("00")), -errno, `type ${type} code ${code}`);
      assert.equal(sendConnected(lan, socket, hex("00")), 1);
    }
  });

  it("do not disturb the socket when they are about something passing", () => {
    for (const [type, code] of [
      [3, 0],
      [3, 1],
      [3, 5],
      [3, 11],
      [3, 12],
      [11, 0],
      [11, 1],
    ] as const) {
      const { lan, socket } = connected();
      lan.expectDrops({}, () => lan.give(errorAbout(quoted(), type, code)));
      assert.equal(sendConnected(lan, socket, hex("00")), 1);
    }
  });

  it("are unrelated when no socket of ours sent that", () => {
    const { lan, socket } = connected();
    lan.expectDrops({ icmpUnrelated: 4 }, () => {
      lan.give(errorAbout(quoted({ source: "10.0.0.9" }), 3, 3));
      lan.give(errorAbout(quoted({ offset: 8 }), 3, 3));
      lan.give(errorAbout(quoted({ protocol: 99 }), 3, 3));
      lan.give(errorAbout(quoted(), 3, 99));
    });
    const other = quoted();
    other[21] = 1;
    lan.expectDrops({ icmpUnrelated: 1 }, () => lan.give(errorAbout(other, 3, 3)));
    assert.equal(sendConnected(lan, socket, hex("00")), 1);
  });

  it("are malformed when they do not quote a header and eight bytes", () => {
    const { lan } = connected();
    const long = quoted();
    long[0] = 0x4f;
    const six = quoted();
    six[0] = 0x65;
    const none = quoted();
    none[0] = 0x44;
    lan.expectDrops({ icmpMalformed: 5 }, () => {
      lan.give(errorAbout(quoted({ length: 7 }), 3, 3));
      lan.give(errorAbout(new Uint8Array(0), 3, 3));
      for (const bad of [long, six, none]) lan.give(errorAbout(bad, 3, 3));
    });
  });

  it("that tell an impossible MTU are malformed", () => {
    const { lan } = connected();
    lan.expectDrops({ icmpMalformed: 2 }, () => {
      lan.give(errorAbout(quoted(), 3, 4, 67));
      lan.give(errorAbout(quoted(), 3, 4, 1500));
    });
  });
});
