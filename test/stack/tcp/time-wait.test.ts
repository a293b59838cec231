import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TcpPeer } from "../support/tcp-peer.js";

const SECOND = 1_000_000;

/** A connection that the stack has closed first, now in TIME_WAIT. */
function waiting(ts?: number): TcpPeer {
  const peer = new TcpPeer();
  const handle = peer.open(ts === undefined ? { mss: 1460 } : { mss: 1460, ts });
  peer.close(handle);
  peer.expect("FA", { seq: 1 });
  peer.inject("FA", { seq: 1, ack: 2 });
  peer.expect("A", { seq: 2, ack: 2 });
  return peer;
}

describe("TCP TIME_WAIT", () => {
  it("lasts 60 s, and a repeated FIN is acknowledged and starts it again", () => {
    const peer = waiting();
    peer.wait(50 * SECOND, 100_000);
    peer.inject("FA", { seq: 1, ack: 2 });
    peer.expect("A", { seq: 2, ack: 2 });
    peer.wait(59 * SECOND, 100_000);
    assert.equal(peer.lan.used("tcb"), 1);
    peer.wait(2 * SECOND, 100_000);
    assert.equal(peer.lan.used("tcb"), 0);
  });

  it("is reused by a SYN with a higher sequence number", () => {
    const peer = waiting();
    peer.inject("S", { seq: 1000, mss: 1460 });
    peer.expect("SA", { ack: 1001 });
    assert.equal(peer.counter("tcpTimeWaitReuses"), 1);
  });

  it("leaves its numbers behind when it is reused (RFC 6191)", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    const first = peer.ownIsn;
    // The clock of initial numbers advances by less than the connection sends.
    for (let i = 0; i < 100; i++) {
      peer.write(handle, 60_000);
      for (const segment of peer.take()) {
        const next = ((segment.sequence - first) >>> 0) + segment.payload.length;
        peer.inject("A", { seq: 1, ack: next });
      }
    }
    peer.close(handle);
    peer.take();
    peer.inject("FA", { seq: 1, ack: 6_000_002 });
    peer.take();
    peer.inject("S", { seq: 1000, mss: 1460 });
    const answer = peer.expect("SA", { ack: 1001 });
    assert.equal((answer.sequence - first) >>> 0, 6_000_002 + 65_537);
  });

  it("is not reused by a SYN with an old sequence number", () => {
    const peer = waiting();
    peer.inject("S", { seq: -1000, mss: 1460 });
    peer.expect("A", { seq: 2, ack: 2 });
    assert.equal(peer.counter("tcpTimeWaitReuses"), 0);
  });

  it("is reused by a SYN with a newer timestamp, whatever its number (RFC 6191)", () => {
    const peer = waiting(5000);
    peer.clock = 5001;
    peer.inject("S", { seq: -1000, mss: 1460 });
    peer.expect("SA", { ack: -999 });
  });

  it("is not reused by a SYN with an older timestamp", () => {
    const peer = waiting(5000);
    peer.clock = 4999;
    peer.inject("S", { seq: 1000, mss: 1460 });
    peer.expect("A", { seq: 2, ack: 2 });
  });

  it("ends by an exact reset only", () => {
    const peer = waiting();
    peer.inject("R", { seq: 100 });
    assert.equal(peer.lan.used("tcb"), 1);
    peer.inject("R", { seq: 2 });
    assert.equal(peer.lan.used("tcb"), 0);
  });

  it("gives way, the oldest first, when control blocks run out", () => {
    const peer = new TcpPeer({ size: 4 << 20 });
    peer.listen(4096);
    const capacity = peer.lan.capacity("tcb");
    for (let i = 0; i < capacity + 20; i++) {
      const other = new Proxy(peer, {
        get: (t, name) => (name === "peerPort" ? 10_000 + i : Reflect.get(t, name)),
      });
      const handle = other.open();
      other.close(handle);
      other.take();
      other.inject("FA", { seq: 1, ack: 2 });
      other.take();
    }
    assert.ok(peer.lan.used("tcb") <= capacity);
    assert.equal(peer.counter("tcpPassiveOpens"), capacity + 20);
  });

  it("gives way though the oldest still has a socket", () => {
    const peer = new TcpPeer({ size: 4 << 20 });
    peer.listen(4096);
    const capacity = peer.lan.capacity("tcb");
    for (let i = 0; i < capacity; i++) {
      const other = new Proxy(peer, {
        get: (t, name) => (name === "peerPort" ? 10_000 + i : Reflect.get(t, name)),
      });
      const handle = other.open();
      if (i === 0) other.shutdown(handle);
      else other.close(handle);
      other.take();
      other.inject("FA", { seq: 1, ack: 2 });
      other.take();
    }
    const last = new Proxy(peer, {
      get: (t, name) => (name === "peerPort" ? 60_000 : Reflect.get(t, name)),
    });
    last.open();
    assert.equal(peer.counter("tcpCookiesSent"), 0);
  });
});
