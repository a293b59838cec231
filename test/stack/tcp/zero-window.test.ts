import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EPOLLHUP, ETIMEDOUT, IPPROTO_TCP, TCP_USER_TIMEOUT } from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

const SECOND = 1_000_000;

/** A connection whose peer has closed its window, with 1000 bytes waiting. */
function closed(): { peer: TcpPeer; handle: number } {
  const peer = new TcpPeer();
  const handle = peer.open();
  peer.inject("A", { seq: 1, ack: 1, win: 0 });
  peer.write(handle, 1000);
  peer.expectNothing();
  return { peer, handle };
}

describe("TCP zero window (RFC 9293, section 3.8.6.1)", () => {
  it("sends nothing into a closed window but a byte's probe after the RTO, then ever more seldom", () => {
    const { peer } = closed();
    let ack = 1;
    const gaps: number[] = [];
    let last = peer.now;
    for (let i = 0; i < 40_000 && gaps.length < 4; i++) {
      peer.wait(1000);
      for (const segment of peer.take()) {
        assert.equal(segment.payload.length, 1);
        assert.equal((segment.sequence - peer.ownIsn) | 0, 1);
        gaps.push(Number(peer.now - last) / 1000);
        last = peer.now;
        peer.inject("A", { seq: 1, ack, win: 0 });
      }
    }
    const wanted = [200, 400, 800, 1600];
    assert.ok(
      wanted.every((gap, i) => Math.abs((gaps[i] ?? 0) - gap) < 5),
      `${gaps}`,
    );
    assert.equal(peer.counter("tcpZeroWindowProbes"), 4);
    ack = 2;
    peer.inject("A", { seq: 1, ack, win: 5000 });
    peer.expect("PA", { seq: 2, data: 999 });
  });

  it("goes on when the window opens", () => {
    const { peer } = closed();
    peer.inject("A", { seq: 1, ack: 1, win: 5000 });
    peer.expect("PA", { seq: 1, data: 1000 });
    peer.wait(150_000);
    peer.expectNothing();
  });

  it("a lost window update does not end the conversation", () => {
    const { peer } = closed();
    peer.wait(SECOND);
    const probes = peer.take().length;
    assert.ok(probes >= 2 && probes <= 3, `${probes} probes`);
    peer.inject("A", { seq: 1, ack: 1, win: 2000 });
    peer.expect("PA", { seq: 1, data: 1000 });
  });

  it("never gives up while the probes are answered", () => {
    const { peer, handle } = closed();
    for (let i = 0; i < 4000; i++) {
      peer.wait(SECOND, 100_000);
      if (peer.take().length > 0) peer.inject("A", { seq: 1, ack: 1, win: 0 });
      peer.take();
    }
    assert.equal(peer.ready(handle) & EPOLLHUP, 0);
  });

  it("gives up when the user time-out ends, though the probes are answered", () => {
    const { peer, handle } = closed();
    peer.option(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
    for (let i = 0; i < 31; i++) {
      peer.wait(100_000);
      if (peer.take().length > 0) peer.inject("A", { seq: 1, ack: 1, win: 0 });
    }
    assert.equal(peer.ready(handle) & EPOLLHUP, 0);
    peer.wait(200_000);
    assert.equal(peer.error(handle), ETIMEDOUT);
  });

  it("counts the user time-out anew when the window was open", () => {
    const { peer, handle } = closed();
    peer.option(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
    peer.wait(2_500_000);
    peer.take();
    peer.inject("A", { seq: 1, ack: 1, win: 500 });
    peer.inject("A", { seq: 1, ack: 501, win: 0 });
    peer.wait(2_500_000);
    assert.equal(peer.ready(handle) & EPOLLHUP, 0);
    peer.wait(SECOND);
    assert.equal(peer.error(handle), ETIMEDOUT);
  });

  it("does not give up because of two lost answers after many that came", () => {
    const { peer, handle } = closed();
    for (let i = 0; i < 1500; i++) {
      peer.wait(SECOND, 100_000);
      if (peer.take().length > 0) peer.inject("A", { seq: 1, ack: 1, win: 0 });
      peer.take();
    }
    // Two probes are lost.
    peer.wait(130 * SECOND, 100_000);
    peer.take();
    assert.equal(peer.ready(handle) & EPOLLHUP, 0);
    peer.inject("A", { seq: 1, ack: 1, win: 5000 });
    peer.expect("PA", { seq: 1, data: 1000 });
  });

  it("gives up when nobody answers them", () => {
    const { peer, handle } = closed();
    peer.wait(1500 * SECOND, 100_000);
    assert.notEqual(peer.ready(handle) & EPOLLHUP, 0);
    peer.close(handle);
    assert.equal(peer.lan.used("buffer"), 0);
  });

  it("answers a probe of the peer while its own window is closed", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    let at = 1;
    for (let window = 65535; window > 0; ) {
      peer.inject("A", { seq: at, ack: 1, data: Math.min(window, 1460) });
      at += Math.min(window, 1460);
      peer.wait(50_000);
      const last = peer.take().pop();
      window = last === undefined ? window : ((last.acknowledgement - peer.isn) | 0) + last.window - at;
      if (at > 4_000_000) break;
    }
    peer.inject("A", { seq: at, ack: 1, data: 1 });
    peer.expect("A", { ack: at, win: 0 });
    peer.inject("A", { seq: at, ack: 1, data: 1 });
    peer.expect("A", { ack: at, win: 0 });
    while (peer.read(handle, 65536) > 0);
  });

  it("takes a FIN into its closed window, and ACKs behind it", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("A", { seq: 1, ack: 1, data: 1460 });
    let at = 1461;
    for (let window = 65535; window > 0; ) {
      peer.wait(50_000);
      const last = peer.take().pop();
      window = last === undefined ? window : ((last.acknowledgement - peer.isn) | 0) + last.window - at;
      if (window <= 0) break;
      peer.inject("A", { seq: at, ack: 1, data: Math.min(window, 1460) });
      at += Math.min(window, 1460);
    }
    peer.inject("FA", { seq: at, ack: 1 });
    peer.expect("A", { ack: at + 1, win: 0 });
    peer.write(handle, 100);
    peer.expect("PA", { seq: 1, data: 100 });
    peer.inject("A", { seq: at + 1, ack: 101 });
    peer.wait(500_000);
    peer.expectNothing();
  });

  it("does not fill a small window with silly segments", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 1460);
    peer.take();
    peer.inject("A", { seq: 1, ack: 1461, win: 100 });
    peer.write(handle, 5000);
    peer.expectNothing();
    // What fits goes when the override time-out comes.
    peer.wait(250_000);
    peer.expect("A", { seq: 1461, data: 100 });
  });

  it("takes the ACK in a segment whose data it must refuse", () => {
    const { peer, handle } = closed();
    peer.inject("A", { seq: 1, ack: 1, win: 3000 });
    peer.expect("PA", { data: 1000 });
    peer.inject("A", { seq: 1, ack: 1001, win: 3000 });
    peer.write(handle, 10);
    peer.expect("PA", { seq: 1001, data: 10 });
  });
});
