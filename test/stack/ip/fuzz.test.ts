import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { fixIpChecksum, fixTransportChecksum, parseIpv4 } from "../../../sim/wire/frame.js";
import { connectTo, openDatagram, receiveFrom, sendTo } from "../support/datagrams.js";
import { arp, hex, icmp, ipv4, joined, macOf, udp } from "../support/frames.js";
import { fromPeer, Lan, OWN, OWN_MAC, PEER, PEER_MAC } from "../support/lan.js";
import { Random } from "../support/random.js";

const FRAMES = 200_000;
const PORT = 5000;

/** Good frames of every kind, to be mutated. */
function samples(random: Random): Uint8Array[] {
  const datagram = (payload: Uint8Array, destinationPort = PORT) =>
    udp({ source: PEER, destination: OWN, sourcePort: 7, destinationPort, payload });
  const sentByUs = udp({
    source: OWN,
    destination: PEER,
    sourcePort: PORT,
    destinationPort: 7,
    payload: hex("00"),
  });
  const quote = ipv4({ source: OWN, destination: PEER, protocol: 17, payload: sentByUs });
  const quoteTcp = ipv4({ source: OWN, destination: PEER, protocol: 6, payload: random.bytes(20) });
  const echo = icmp(8, 0, 1, random.bytes(2000));
  const fragments = [0, 1000, 2000].map((offset) =>
    fromPeer({
      protocol: 1,
      payload: echo.subarray(offset, offset + 1000),
      offset,
      moreFragments: offset < 2000,
    }),
  );
  return [
    arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: OWN }),
    arp({ operation: 2, senderMac: PEER_MAC, sender: PEER, targetMac: OWN_MAC, target: OWN }, OWN_MAC),
    fromPeer({ protocol: 1, payload: icmp(8, 0, 1, random.bytes(56)) }),
    fromPeer({ protocol: 1, payload: icmp(3, 3, 0, quote) }),
    fromPeer({ protocol: 1, payload: icmp(3, 4, 576, quoteTcp) }),
    fromPeer({ protocol: 17, payload: datagram(random.bytes(100)) }),
    fromPeer({ protocol: 17, payload: datagram(new Uint8Array(0), 9) }),
    fromPeer({ protocol: 17, payload: datagram(hex("00")), options: hex("01010101") }),
    fromPeer({ protocol: 6, payload: hex("1f90 0050 00000001 00000000 5002 ffff 0000 0000") }),
    fromPeer({ protocol: 99, payload: random.bytes(30) }),
    ...fragments,
  ];
}

/** A few bytes changed, cut off or added; most of the time with checksums that are right again. */
function mutated(sample: Uint8Array, random: Random): Uint8Array {
  let frame: Uint8Array = sample.slice();
  // Fragments of several datagrams at a time.
  if (frame[12] === 8 && frame[13] === 0) frame[19] = random.below(32);
  for (let changes = random.below(4); changes > 0; changes--) {
    // Most fields lie in front.
    const at = random.below(random.below(2) === 0 ? Math.min(frame.length, 64) : frame.length);
    frame[at] = random.below(3) === 0 ? ([0, 1, 127, 128, 255][random.below(5)] ?? 0) : random.below(256);
  }
  const kind = random.below(20);
  if (kind === 0) frame = frame.subarray(0, random.below(frame.length + 1));
  if (kind === 1) frame = joined(frame, random.bytes(random.below(80)));
  const ip = random.below(10) === 0 ? undefined : parseIpv4(frame);
  if (ip !== undefined) {
    fixIpChecksum(frame, ip);
    fixTransportChecksum(frame, ip);
  }
  return frame;
}

describe("mutated frames", () => {
  for (const flags of [0, layout.PORT_FLAG_VNET_HEADER | layout.PORT_FLAG_TX_CHECKSUM]) {
    it(`neither trap nor leak (port flags ${flags})`, () => {
      const random = new Random(20261122 + flags);
      const lan = new Lan({ flags });
      const sockets = [openDatagram(lan, PORT), openDatagram(lan, PORT + 1)];
      connectTo(lan, sockets[1] ?? 0, PEER, 7);
      const frames = samples(random);
      let sent = 0;
      for (let done = 0; done < FRAMES / 2; done += 40) {
        const burst = Array.from({ length: 40 }, () => {
          const frame = mutated(frames[random.below(frames.length)] ?? new Uint8Array(), random);
          return lan.host.vnet > 0 ? joined(new Uint8Array(10), frame) : frame;
        });
        lan.host.receive(burst);
        if (random.below(4) === 0) sendTo(lan, sockets[0] ?? 0, `10.0.0.${random.below(256)}`, 7, hex("00"));
        sent += lan.host.transmit().length;
        for (const socket of sockets) {
          while (typeof receiveFrom(lan, socket) === "object");
        }
        lan.host.advance(BigInt(random.below(200_000)));
      }
      assert.ok(sent > 10_000);
      assert.ok(lan.counter("ipReassembled") > 100);
      assert.ok(lan.counter("udpIn") > 1000);
      assert.equal(lan.counter("rxFrames") >= FRAMES / 2, true);
      for (let i = 0; i < 200; i++) {
        lan.host.advance(1_000_000n);
        lan.host.transmit();
      }
      for (const socket of sockets) lan.host.doors.socketClose(socket, lan.host.now);
      for (const pool of ["buffer", "neighbour", "reassembly", "socket"] as const) {
        assert.equal(lan.used(pool), 0, pool);
      }
      // Still alive.
      const request = arp({ operation: 1, senderMac: macOf(5), sender: "10.0.0.5", target: OWN });
      lan.host.receive([lan.host.vnet > 0 ? joined(new Uint8Array(10), request) : request]);
      assert.equal(lan.host.transmit().length, 1);
    });
  }
});
