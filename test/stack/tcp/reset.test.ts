import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ECONNRESET, EPIPE, EPOLLERR, EPOLLHUP } from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

describe("TCP resets", () => {
  it("answers a SYN to a port where nobody listens", () => {
    const peer = new TcpPeer();
    peer.inject("S", { seq: 0 });
    peer.expect("RA", { ack: 1 });
    assert.equal(peer.counter("tcpResetsOut"), 1);
  });

  it("answers an ACK without connection with its own number, and no reset at all", () => {
    const peer = new TcpPeer();
    peer.inject("A", { seq: 5, ack: 77 });
    peer.expect("R", { seq: 77 });
    peer.inject("R", { seq: 5 });
    peer.inject("RA", { seq: 5, ack: 77 });
    peer.expectNothing();
  });

  it("counts data and FIN in the number it acknowledges", () => {
    const peer = new TcpPeer();
    peer.inject("F", { seq: 10, data: 5 });
    peer.expect("RA", { ack: 16 });
  });

  it("ends a connection by an exact reset: ECONNRESET", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("R", { seq: 1 });
    assert.notEqual(peer.ready(handle) & (EPOLLERR | EPOLLHUP), 0);
    assert.equal(peer.error(handle), ECONNRESET);
    assert.equal(peer.counter("tcpResetsIn"), 1);
    peer.close(handle);
    peer.expectNothing();
    assert.equal(peer.lan.used("tcb"), 0);
  });

  it("reports EPIPE when the peer had closed before", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("FA", { seq: 1, ack: 1 });
    peer.expect("A", { ack: 2 });
    peer.inject("R", { seq: 2 });
    assert.equal(peer.error(handle), EPIPE);
  });

  it("challenges a reset in the window that is not exact, and drops one outside (RFC 5961)", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("R", { seq: 100 });
    peer.expect("A", { seq: 1, ack: 1 });
    peer.inject("R", { seq: 0 });
    peer.inject("R", { seq: 3_000_000 });
    peer.expectNothing();
    assert.equal(peer.ready(handle) & EPOLLHUP, 0);
    assert.equal(peer.counter("tcpChallengeAcks"), 1);
  });

  it("keeps received data readable after a reset", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.injectAll(["PA", { seq: 1, ack: 1, data: 40 }], ["R", { seq: 41 }]);
    assert.equal(peer.lan.used("tcb"), 1);
    peer.close(handle);
    assert.equal(peer.lan.used("buffer"), 0);
  });

  it("resets connections that nobody accepted when the listener closes", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.inject("S", { seq: 0, mss: 1460 });
    peer.expect("SA");
    peer.inject("A", { seq: 1, ack: 1 });
    peer.close(peer.listener);
    peer.expect("RA", { seq: 1, ack: 1 });
    assert.equal(peer.lan.used("tcb"), 0);
  });
});
