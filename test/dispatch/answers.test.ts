// What dispatch says itself, and the checksums that it completes.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { complement, sumBytes } from "../../sim/wire/checksum.js";
import { dotted, ethernet, ipv4, macOf, seen, udp, write16 } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder } from "./support/forwarder.js";
import { NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "10.0.0.2", mac: macOf(2) };
const VNET = layout.PORT_FLAG_VNET_HEADER;

test("who gives no address of a host as its own gets no answer (RFC 1122, section 3.2.2)", () => {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  const v = f.open(A);
  announce(v, "done");
  f.collect();
  const datagram = (source: string) => {
    const body = {
      source,
      destination: A.ip,
      sourcePort: 1,
      destinationPort: 54,
      payload: new Uint8Array(1),
    };
    return ethernet(
      A.mac,
      PEER_MAC,
      0x0800,
      ipv4({ source, destination: A.ip, protocol: 17, payload: udp(body) }),
    );
  };
  const stray = (from: string) =>
    segment({ from, to: A.ip, toMac: A.mac, sourcePort: 1, destinationPort: 2, flags: "A" });
  f.receive([datagram("10.0.0.9"), stray("10.0.0.9")]);
  assert.equal(f.transmit().length, 2);
  for (const source of ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"]) {
    f.receive([datagram(source), stray(source)]);
    assert.deepEqual(f.transmit(), [], source);
  }
  assert.deepEqual(f.drops(), { udpUnknown: 5, tcpUnknown: 5 });
});

/** A datagram with a partial checksum behind a virtio-net header. */
function partialDatagram(payload: Uint8Array): Uint8Array {
  const ends = { source: A.ip, destination: "10.0.0.9" };
  const body = udp({ ...ends, sourcePort: 1, destinationPort: 2, payload });
  const frame = ethernet(PEER_MAC, A.mac, 0x0800, ipv4({ ...ends, protocol: 17, payload: body }));
  const pseudo = Uint8Array.from([...dotted(A.ip), ...dotted("10.0.0.9"), 0, 17, 0, body.length]);
  write16(frame, 40, ~complement(sumBytes(pseudo, 0, pseudo.length)) & 0xffff);
  const header = new DataView(new ArrayBuffer(10));
  header.setUint8(0, 1);
  header.setUint16(6, 34, true);
  header.setUint16(8, 6, true);
  return new Uint8Array(Buffer.concat([new Uint8Array(header.buffer), frame]));
}

test("a datagram's checksum of zero is sent as all ones: zero would say that there is none (RFC 768)", () => {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  const v = f.open({ ...A, flags: VNET });
  const checksum = (payload: Uint8Array) => {
    v.client.send(partialDatagram(payload));
    f.collect();
    const [frame] = f.transmit();
    assert.ok(frame !== undefined);
    assert.ok(seen(frame).ip !== undefined);
    return (frame[40] ?? 0) * 256 + (frame[41] ?? 0);
  };
  // Payload that takes the checksum of the one with zeros to zero.
  const missing = checksum(new Uint8Array(2));
  assert.equal(checksum(Uint8Array.from([missing >> 8, missing & 0xff])), 0xffff);
  assert.deepEqual(f.drops(), {});
});
