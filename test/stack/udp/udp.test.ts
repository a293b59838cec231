import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { EACCES, EAGAIN, EMSGSIZE, ENETUNREACH } from "../../../build/generated/node/system.js";
import {
  connectTo,
  openDatagram,
  receiveFrom,
  SO_BROADCAST,
  SO_RCVBUF,
  SO_REUSEPORT,
  sendTo,
  setOption,
} from "../support/datagrams.js";
import { BROADCAST_MAC, hex, joined, toHex, udp, udpRight } from "../support/frames.js";
import { fromPeer, Lan, OWN, PEER } from "../support/lan.js";
import { Random } from "../support/random.js";

const PORT = 5000;

interface Given {
  payload: Uint8Array;
  sourcePort?: number;
  source?: string;
  destination?: string;
  destinationPort?: number;
  checksum?: boolean;
}

/** A UDP datagram behind its IP header, from the peer's port 7 to our port 5000 unless said otherwise. */
function datagram(given: Given): Uint8Array {
  return udp({ source: PEER, destination: OWN, sourcePort: 7, destinationPort: PORT, ...given });
}

/** It in a frame. */
function frame(given: Given, to?: Uint8Array): Uint8Array {
  const { source = PEER, destination = OWN } = given;
  return fromPeer({ protocol: 17, payload: datagram(given), source, destination }, to);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

describe("UDP input", () => {
  it("queues datagrams whole and in order, with their source", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, PORT);
    lan.give(frame({ payload: text("one") }), frame({ payload: text(""), sourcePort: 8 }));
    lan.give(frame({ payload: text("three"), source: "10.0.0.9" }));
    assert.deepEqual(receiveFrom(lan, socket), { payload: text("one"), ip: PEER, port: 7 });
    assert.deepEqual(receiveFrom(lan, socket), { payload: text(""), ip: PEER, port: 8 });
    assert.deepEqual(receiveFrom(lan, socket), { payload: text("three"), ip: "10.0.0.9", port: 7 });
    assert.equal(receiveFrom(lan, socket), -EAGAIN);
    assert.equal(lan.used("buffer"), 0);
  });

  it("takes datagrams of 65507 bytes and sends them", () => {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, PORT);
    const payload = new Random(1).bytes(65507);
    const whole = datagram({ payload });
    for (let offset = 0; offset < whole.length; offset += 1480) {
      const part = whole.subarray(offset, offset + 1480);
      const moreFragments = offset + part.length < whole.length;
      lan.give(fromPeer({ protocol: 17, payload: part, offset, moreFragments }));
    }
    const received = receiveFrom(lan, socket);
    assert.ok(typeof received === "object");
    assert.deepEqual(received.payload, payload);
    assert.equal(sendTo(lan, socket, PEER, 7, payload), 65507);
    const sent = lan.sent();
    const back = joined(...sent.map((seen) => seen.ip?.payload ?? new Uint8Array()));
    assert.equal(sent.length, 45);
    assert.ok(udpRight(back, OWN, PEER));
    assert.equal(toHex(back.subarray(8)), toHex(payload));
    assert.equal(lan.used("buffer"), 0);
  });

  it("verifies the checksum, and takes zero for none (RFC 768)", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, PORT);
    lan.give(frame({ payload: text("unchecked"), checksum: false }));
    assert.ok(typeof receiveFrom(lan, socket) === "object");
    const bad = frame({ payload: text("bad") });
    bad[44] = 0;
    lan.expectDrops({ udpMalformed: 1 }, () => lan.give(bad));
    lan.host.receive([bad], layout.RX_FLAG_CHECKSUM_GOOD);
    assert.ok(typeof receiveFrom(lan, socket) === "object");
  });

  it("takes an unfinished checksum only on a port that says so, and counts it", () => {
    const unfinished = frame({ payload: text("abc"), checksum: false });
    // Pseudo-header: 10.0.0.2, 10.0.0.1, protocol 17, length 11; not complemented.
    unfinished.set(hex("141f"), 40);
    const strict = new Lan();
    openDatagram(strict, PORT);
    strict.expectDrops({ udpMalformed: 1 }, () => strict.give(unfinished));
    const lan = new Lan({ flags: layout.PORT_FLAG_PARTIAL_CHECKSUM });
    const socket = openDatagram(lan, PORT);
    lan.expectDrops({}, () => lan.give(unfinished));
    assert.ok(typeof receiveFrom(lan, socket) === "object");
    assert.equal(lan.counter("rxPartialChecksum"), 1);
  });

  it("refuses lengths that do not fit and port 0", () => {
    const lan = new Lan();
    openDatagram(lan, PORT);
    const long = datagram({ payload: text("abc"), checksum: false });
    long[5] = 12;
    const short = datagram({ payload: text("abc"), checksum: false });
    short[5] = 7;
    const zero = datagram({ payload: text("abc"), destinationPort: 0 });
    lan.expectDrops({ udpMalformed: 4 }, () => {
      for (const payload of [long, short, zero, hex("0007138800")]) {
        assert.deepEqual(lan.give(fromPeer({ protocol: 17, payload })), []);
      }
    });
  });

  it("cuts what its length field says off a longer packet", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, PORT);
    const padded = joined(datagram({ payload: text("abc") }), new Uint8Array(5));
    lan.give(fromPeer({ protocol: 17, payload: padded }));
    assert.deepEqual(receiveFrom(lan, socket), { payload: text("abc"), ip: PEER, port: 7 });
  });

  it("bounds a socket's queue, and buffers in use by all queues", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, PORT);
    setOption(lan, socket, SO_RCVBUF, 10_000);
    const before = lan.used("buffer");
    for (let i = 0; i < 200; i++) lan.give(frame({ payload: new Uint8Array(i % 3) }));
    assert.ok(lan.drops("udpQueueFull") > 100);
    assert.ok(lan.used("buffer") - before < 60);
    const capacity = lan.capacity("buffer");
    for (let port = 6000; lan.drops("noBuffer") === 0; port++) {
      assert.ok(port < 7000);
      const greedy = openDatagram(lan, port);
      setOption(lan, greedy, SO_RCVBUF, 1 << 20);
      for (let i = 0; i < 300; i++) lan.give(frame({ payload: hex("00"), destinationPort: port }));
    }
    assert.ok(lan.used("buffer") <= capacity - Math.floor(capacity / 16));
  });

  it("does not keep what nobody can read any more", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, PORT);
    for (let i = 0; i < 5; i++) lan.give(frame({ payload: new Uint8Array(1000) }));
    assert.equal(lan.used("buffer"), 5);
    lan.host.doors.socketShutdown(socket, 0, lan.host.now);
    lan.host.doors.socketClose(socket, lan.host.now);
    assert.equal(lan.used("buffer"), 0);
    assert.equal(lan.used("socket"), 0);
  });
});

describe("choosing a socket", () => {
  it("prefers a bound address to none, and a peer to both", () => {
    const lan = new Lan();
    const any = openDatagram(lan, PORT, "0.0.0.0", [SO_REUSEPORT]);
    const bound = openDatagram(lan, PORT, OWN, [SO_REUSEPORT]);
    const peer = openDatagram(lan, PORT, OWN, [SO_REUSEPORT]);
    connectTo(lan, peer, PEER, 7);
    lan.give(frame({ payload: text("p") }), frame({ payload: text("b"), sourcePort: 8 }));
    lan.give(frame({ payload: text("a"), destination: "10.0.0.255" }, BROADCAST_MAC));
    const first = receiveFrom(lan, peer);
    assert.ok(typeof first === "object" && first.payload[0] === 0x70);
    assert.equal(receiveFrom(lan, peer), -EAGAIN);
    const second = receiveFrom(lan, bound);
    assert.ok(typeof second === "object" && second.payload[0] === 0x62);
    assert.equal(receiveFrom(lan, bound), -EAGAIN);
    const third = receiveFrom(lan, any);
    assert.ok(typeof third === "object" && third.payload[0] === 0x61);
    assert.equal(receiveFrom(lan, any), -EAGAIN);
  });

  it("gives a connected socket datagrams of its peer only", () => {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, PORT);
    connectTo(lan, socket, PEER, 7);
    lan.expectDrops({ udpNoPort: 2 }, () => {
      lan.give(
        frame({ payload: text("x"), sourcePort: 8 }),
        frame({ payload: text("x"), source: "10.0.0.9" }),
      );
    });
    lan.give(frame({ payload: text("ok") }));
    assert.ok(typeof receiveFrom(lan, socket) === "object");
  });

  it("spreads flows over a SO_REUSEPORT group, each flow to one socket", () => {
    const lan = new Lan();
    const sockets = [0, 1, 2, 3].map(() => openDatagram(lan, PORT, "0.0.0.0", [SO_REUSEPORT]));
    const counts = [0, 0, 0, 0];
    for (let sourcePort = 1000; sourcePort < 1400; sourcePort++) {
      const owners = new Set<number>();
      for (let repeat = 0; repeat < 3; repeat++) {
        lan.give(frame({ payload: text("f"), sourcePort }));
        const owner = sockets.findIndex((socket) => typeof receiveFrom(lan, socket) === "object");
        assert.ok(owner >= 0);
        owners.add(owner);
      }
      assert.equal(owners.size, 1);
      for (const owner of owners) counts[owner] = (counts[owner] ?? 0) + 1;
    }
    for (const count of counts) assert.ok(count > 60 && count < 140, counts.join(" "));
  });

  it("gives a broadcast to every socket that fits", () => {
    const lan = new Lan();
    const sockets = [0, 1, 2].map(() => openDatagram(lan, PORT, "0.0.0.0", [SO_REUSEPORT]));
    lan.give(frame({ payload: text("all"), destination: "255.255.255.255" }, BROADCAST_MAC));
    for (const socket of sockets) assert.ok(typeof receiveFrom(lan, socket) === "object");
  });
});

describe("UDP output", () => {
  it("sends a literal datagram", () => {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, PORT);
    assert.equal(sendTo(lan, socket, PEER, 7, text("abc")), 3);
    const [sent] = lan.host.transmit();
    const bytes = sent?.bytes ?? new Uint8Array();
    assert.equal(toHex(bytes.subarray(0, 18)), "02000000000202000000000108004500001f");
    assert.equal(toHex(bytes.subarray(20, 24)), "00004011");
    // 141f + 1388 + 0007 + 000b + 6162 + 6300 = ec1b; its complement is 13e4.
    assert.equal(toHex(bytes.subarray(26)), "0a0000010a00000213880007000b13e4616263");
  });

  it("sends every size with a right checksum, and none of zero", () => {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, PORT);
    const random = new Random(2);
    for (let size = 0; size < 3000; size += 1 + random.below(60)) {
      assert.equal(sendTo(lan, socket, PEER, 7, random.bytes(size)), size);
      const sent = lan.sent();
      const whole = joined(...sent.map((seen) => seen.ip?.payload ?? new Uint8Array()));
      assert.ok(udpRight(whole, OWN, PEER));
    }
    // These two bytes make the sum zero, which is sent as all ones.
    sendTo(lan, socket, PEER, 7, hex("d848"));
    const [sent] = lan.sent();
    assert.equal(toHex(sent?.ip?.payload ?? new Uint8Array()), "13880007000affffd848");
  });

  it("leaves the checksum to a port that can", () => {
    const flags = layout.PORT_FLAG_TX_CHECKSUM | layout.PORT_FLAG_VNET_HEADER;
    const lan = new Lan({ flags });
    const socket = openDatagram(lan, PORT);
    sendTo(lan, socket, "255.255.255.255", 7, text("abc"));
    setOption(lan, socket, SO_BROADCAST, 1);
    sendTo(lan, socket, "10.0.0.255", 7, text("abc"));
    const [sent] = lan.host.transmit();
    assert.ok(sent);
    assert.equal(toHex(sent.bytes.subarray(0, 10)), "01000000000022000600");
    // 10.0.0.1, 10.0.0.255, 17, 11: the uncomplemented sum of the pseudo-header.
    assert.equal(toHex(sent.bytes.subarray(44, 52)), "13880007000b151c");
  });

  it("gives identifications that do not follow one another", () => {
    const lan = new Lan();
    lan.meet();
    lan.meet(3);
    const socket = openDatagram(lan, PORT);
    const ids = { [PEER]: [] as number[], "10.0.0.3": [] as number[] };
    for (let i = 0; i < 200; i++) {
      for (const to of [PEER, "10.0.0.3"] as const) {
        sendTo(lan, socket, to, 7, hex("00"));
        ids[to]?.push(lan.sent()[0]?.ip?.id ?? -1);
      }
    }
    for (const list of Object.values(ids)) {
      assert.equal(new Set(list).size, 200);
      const steps = new Set(list.slice(1).map((id, i) => (id - (list[i] ?? 0) + 65536) % 65536));
      assert.ok(steps.size > 1);
    }
  });

  it("needs SO_BROADCAST, a route, and a payload that fits", () => {
    const lan = new Lan();
    const socket = openDatagram(lan, PORT);
    assert.equal(sendTo(lan, socket, "10.0.0.255", 7, hex("00")), -EACCES);
    assert.equal(sendTo(lan, socket, "255.255.255.255", 7, hex("00")), -EACCES);
    lan.expectDrops({ ipNoRoute: 1 }, () => {
      assert.equal(sendTo(lan, socket, "192.0.2.1", 7, hex("00")), -ENETUNREACH);
    });
    assert.equal(sendTo(lan, socket, PEER, 7, new Uint8Array(65508)), -EMSGSIZE);
    setOption(lan, socket, SO_BROADCAST, 1);
    assert.equal(sendTo(lan, socket, "10.0.0.255", 7, hex("00")), 1);
    assert.equal(lan.sent()[0]?.to, "ffffffffffff");
    assert.equal(lan.used("buffer"), 0);
  });

  it("sends to a group with its hardware address and a time to live of one (RFC 1112)", () => {
    const lan = new Lan({ gateway: "10.0.0.254" });
    const socket = openDatagram(lan, PORT);
    assert.equal(sendTo(lan, socket, "239.129.2.3", 7, hex("00")), 1);
    const [sent] = lan.sent();
    assert.equal(sent?.to, "01005e010203");
    assert.equal(sent?.ip?.ttl, 1);
  });

  it("says that the ring is full, and loses no buffer", () => {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, PORT);
    for (let i = 0; i < layout.TX_RING; i++) assert.equal(sendTo(lan, socket, PEER, 7, hex("00")), 1);
    assert.equal(sendTo(lan, socket, PEER, 7, hex("00")), -EAGAIN);
    lan.expectDrops({ txRingFull: 1 }, () => {
      assert.ok(sendTo(lan, socket, PEER, 7, new Uint8Array(3000)) < 0);
    });
    assert.equal(lan.sent().length, layout.TX_RING);
    assert.equal(lan.used("buffer"), 0);
  });
});
