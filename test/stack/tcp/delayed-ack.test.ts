import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IPPROTO_TCP, TCP_QUICKACK } from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

const MSS = 1460;

/** A connection whose quick ACKs at the start are used up; `at` is the next sequence number. */
function settled(): { peer: TcpPeer; handle: number; at: number } {
  const peer = new TcpPeer();
  const handle = peer.open();
  let at = 1;
  for (let i = 0; i < 20; i++) {
    peer.inject("A", { seq: at, ack: 1, data: MSS });
    at += MSS;
  }
  peer.wait(100_000);
  while (peer.read(handle, 65536) > 0);
  peer.take();
  return { peer, handle, at };
}

describe("TCP delayed ACK (RFC 9293, section 3.8.6.3)", () => {
  it("acknowledges the first segments of a connection at once", () => {
    const peer = new TcpPeer();
    peer.open();
    peer.inject("A", { seq: 1, ack: 1, data: 100 });
    peer.expect("A", { ack: 101 });
    peer.inject("A", { seq: 101, ack: 1, data: 100 });
    peer.expect("A", { ack: 201 });
  });

  it("waits 40 ms after one segment", () => {
    const { peer, at } = settled();
    peer.inject("A", { seq: at, ack: 1, data: MSS });
    peer.wait(38_000);
    peer.expectNothing();
    peer.wait(4000);
    peer.expect("A", { ack: at + MSS });
    assert.ok(peer.counter("tcpDelayedAcks") >= 1);
  });

  it("acknowledges every second full segment at once", () => {
    const { peer, at } = settled();
    peer.inject("A", { seq: at, ack: 1, data: MSS });
    peer.expectNothing();
    peer.inject("A", { seq: at + MSS, ack: 1, data: MSS });
    peer.expect("A", { ack: at + 2 * MSS });
  });

  it("counts bytes: a received super-frame is many segments", () => {
    const { peer, at } = settled();
    peer.inject("A", { seq: at, ack: 1, data: 5 * MSS });
    peer.expect("A", { ack: at + 5 * MSS });
  });

  it("lets the ACK ride on the reply", () => {
    const { peer, handle, at } = settled();
    peer.inject("PA", { seq: at, ack: 1, data: 20 });
    peer.expectNothing();
    peer.write(handle, 30);
    peer.expect("PA", { ack: at + 20, data: 30 });
    peer.wait(100_000);
    peer.expectNothing();
  });

  it("acknowledges at once what comes out of order, and what fills the gap", () => {
    const { peer, at } = settled();
    peer.inject("A", { seq: at + 100, ack: 1, data: 100 });
    peer.expect("A", { ack: at });
    peer.inject("A", { seq: at, ack: 1, data: 100 });
    peer.expect("A", { ack: at + 200 });
  });

  it("TCP_QUICKACK acknowledges everything at once", () => {
    const { peer, handle, at } = settled();
    peer.option(handle, IPPROTO_TCP, TCP_QUICKACK, 1);
    peer.inject("PA", { seq: at, ack: 1, data: 20 });
    peer.expect("A", { ack: at + 20 });
  });
});
