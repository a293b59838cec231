import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ECONNREFUSED, EHOSTUNREACH, EPOLLERR, ETIMEDOUT } from "../../../build/generated/node/system.js";
import { icmp, ipv4, joined, write16 } from "../support/frames.js";
import { fromPeer, OWN, PEER } from "../support/lan.js";
import { TcpPeer } from "../support/tcp-peer.js";
import { tcp } from "../support/tcp-segment.js";

/**
 * An ICMP unreachable of `code` about a segment of the stack with sequence number `seq`; `mtu` for code 4.
 */
function unreachable(peer: TcpPeer, code: number, seq: number, mtu = 0): void {
  const segment = tcp(
    {
      sourcePort: peer.ownPort,
      destinationPort: peer.peerPort,
      sequence: (peer.ownIsn + seq) >>> 0,
      acknowledgement: 0,
      flags: "A",
      window: 0,
      payload: new Uint8Array(1460),
    },
    OWN,
    PEER,
  );
  const quoted = ipv4({ source: OWN, destination: PEER, protocol: 6, payload: segment });
  const message = icmp(3, code, mtu, quoted.slice(0, 28));
  write16(message, 0, (3 << 8) | code);
  peer.lan.host.receive([fromPeer({ protocol: 1, payload: joined(message) })]);
  peer.flush();
}

describe("TCP and ICMP errors (RFC 5927, RFC 5461)", () => {
  it("a hard error ends a connect", () => {
    const peer = new TcpPeer();
    const handle = peer.connectStart();
    peer.expect("S");
    unreachable(peer, 3, 0);
    assert.equal(peer.error(handle), ECONNREFUSED);
  });

  it("an error that quotes a number not in flight is ignored", () => {
    const peer = new TcpPeer();
    const handle = peer.connectStart();
    peer.expect("S");
    unreachable(peer, 3, 500);
    assert.equal(peer.ready(handle) & EPOLLERR, 0);
  });

  it("an error met during the handshake is not the accepted connection's", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.inject("S", { seq: 0, mss: 1460 });
    peer.expect("SA", { ack: 1 });
    unreachable(peer, 1, 0);
    peer.inject("PA", { seq: 1, ack: 1, data: 10 });
    const handle = peer.accept();
    assert.equal(peer.read(handle, 100), 10);
    assert.equal(peer.error(handle), 0);
  });

  it("an open connection takes a hard error as soft, and reports it when it gives up", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 100);
    peer.expect("PA");
    unreachable(peer, 1, 1);
    assert.equal(peer.ready(handle) & EPOLLERR, 0);
    peer.wait(1000_000_000, 100_000);
    const error = peer.error(handle);
    assert.ok(error === EHOSTUNREACH, `${error} (${ETIMEDOUT} would say nothing)`);
  });

  it("fragmentation needed makes segments smaller and sends the lost one again (RFC 1191)", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 1460);
    peer.expect("PA", { data: 1460 });
    unreachable(peer, 4, 1, 1000);
    peer.expect("A", { seq: 1, data: 960 });
    // A narrower path than any link may have is not believed.
    unreachable(peer, 4, 1, 100);
    peer.inject("A", { seq: 1, ack: 961 });
    peer.take();
    peer.inject("A", { seq: 1, ack: 1461 });
    peer.write(handle, 960);
    assert.equal(peer.take().pop()?.payload.length, 960);
  });
});
