import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { icmp, ipv4 } from "../support/frames.js";
import { fromPeer, OWN, PEER } from "../support/lan.js";
import { TcpPeer } from "../support/tcp-peer.js";
import { tcp } from "../support/tcp-segment.js";

/** "Fragmentation needed" from a router that tells no MTU, about a packet of `length` bytes of the stack. */
function tooBig(peer: TcpPeer, length: number): void {
  const segment = {
    sourcePort: peer.ownPort,
    destinationPort: peer.peerPort,
    sequence: (peer.ownIsn + 1) >>> 0,
    acknowledgement: 0,
    flags: "A",
    window: 0,
    payload: new Uint8Array(length - 40),
  };
  const packet = ipv4({ source: OWN, destination: PEER, protocol: 6, payload: tcp(segment, OWN, PEER) });
  peer.lan.host.receive([fromPeer({ protocol: 1, payload: icmp(3, 4, 0, packet.slice(0, 28)) })]);
}

describe("path MTU", () => {
  it("TCP segments may not be fragmented, and so have no identification (RFC 6864)", () => {
    const peer = new TcpPeer();
    peer.write(peer.open(), 3000);
    const packets = peer.lan.host.transmit().map(({ bytes }) => bytes.subarray(14));
    assert.ok(packets.length >= 2);
    for (const packet of packets) assert.deepEqual([...packet.subarray(4, 8)], [0, 0, 0x40, 0]);
  });

  it("takes the next plateau below the dropped packet's size when a router tells no MTU (RFC 1191)", () => {
    const plateaus = [
      [1500, 1492],
      [1492, 1006],
      [1007, 1006],
    ] as const;
    for (const [length, plateau] of plateaus) {
      const peer = new TcpPeer();
      const handle = peer.open();
      peer.write(handle, 1460);
      peer.expect("PA", { data: 1460 });
      tooBig(peer, length);
      assert.equal(peer.expect("A", { seq: 1 }).payload.length, plateau - 40, `${length} bytes`);
    }
  });
});
