import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SOCK_STREAM } from "../../../build/generated/node/system.js";
import { Lan, PEER } from "../support/lan.js";
import { TcpPeer } from "../support/tcp-peer.js";
import { parseTcp } from "../support/tcp-segment.js";

function isnOf(peerPort: number, seed: [bigint, bigint, bigint, bigint] = [1n, 2n, 3n, 4n]): number {
  const peer = new TcpPeer({ peerPort, seed });
  peer.listen();
  peer.inject("S", { seq: 0, mss: 1460 });
  return peer.expect("SA").sequence;
}

/** Source ports of `count` connects to one endpoint. */
function ports(count: number, seed: [bigint, bigint, bigint, bigint], port = 80): number[] {
  const lan = new Lan({ seed });
  lan.meet();
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const handle = lan.host.doors.socketOpen(4, SOCK_STREAM);
    lan.host.setEndpoint({ ip: PEER, port });
    lan.host.doors.socketConnect(handle, lan.host.now);
    for (const { ip } of lan.sent()) {
      if (ip?.protocol === 6) found.push(parseTcp(ip.payload, ip.source, ip.destination).sourcePort);
    }
  }
  return found;
}

describe("TCP sequence numbers and ports", () => {
  it("initial sequence numbers depend on four-tuple and key (RFC 6528)", () => {
    const numbers = new Set([isnOf(40000), isnOf(40001), isnOf(40000, [5n, 6n, 7n, 8n])]);
    assert.equal(numbers.size, 3);
    assert.equal(isnOf(40000), isnOf(40000));
  });

  it("initial sequence numbers of one four-tuple rise by one in 4 us", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.inject("S", { seq: 0, mss: 1460 });
    const first = peer.expect("SA").sequence;
    peer.inject("R", { seq: 1 });
    peer.wait(1_000_000);
    peer.inject("S", { seq: 0, mss: 1460 });
    assert.equal((peer.expect("SA").sequence - first) >>> 0, 250_000);
  });

  it("sequence numbers wrap around within a connection", () => {
    const peer = new TcpPeer({ isn: 0xffff_ff00 });
    const handle = peer.open();
    for (let i = 0; i < 8; i++) peer.inject("A", { seq: 1 + 100 * i, ack: 1, data: 100 });
    peer.inject("A", { seq: 901, ack: 1, data: 100 });
    peer.inject("A", { seq: 801, ack: 1, data: 100 });
    assert.equal(peer.read(handle, 2000), 1000);
  });

  it("ephemeral ports differ, and cannot be foretold from another destination (RFC 6056)", () => {
    const some = ports(50, [1n, 2n, 3n, 4n]);
    assert.equal(new Set(some).size, 50);
    for (const port of some) assert.ok(port >= 32768 && port <= 60999);
    const offsets = [80, 81, 82, 83].map((port) => ports(1, [1n, 2n, 3n, 4n], port)[0] ?? 0);
    assert.ok(new Set(offsets).size === 4 && offsets.some((p, i) => Math.abs(p - (offsets[0] ?? 0)) > i + 8));
    assert.notDeepEqual(ports(5, [9n, 9n, 9n, 9n]), some.slice(0, 5));
  });
});
