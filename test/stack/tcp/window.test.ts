import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SO_RCVBUF, SOL_SOCKET } from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

const MSS = 1460;

describe("TCP windows", () => {
  it("announces the MSS of its link and keeps to the peer's", () => {
    const peer = new TcpPeer({ mtu: 1000 });
    const handle = peer.connectStart();
    peer.expect("S", { mss: 960 });
    peer.inject("SA", { seq: 0, ack: 1, mss: 500 });
    peer.expect("A");
    peer.write(handle, 1000);
    peer.expect("A", { seq: 1, data: 500 });
    peer.expect("PA", { seq: 501, data: 500 });
  });

  it("takes 536 for a peer that announces none", () => {
    const peer = new TcpPeer();
    const handle = peer.open({});
    peer.write(handle, 536);
    peer.expect("PA", { seq: 1, data: 536 });
    const other = new TcpPeer();
    const second = other.open({});
    other.write(second, 1000);
    other.expect("A", { seq: 1, data: 536 });
  });

  it("scales the peer's window when both sides offered it", () => {
    const peer = new TcpPeer();
    const handle = peer.open({ mss: MSS, scale: 4 }, 100);
    peer.write(handle, 10_000);
    const sent = peer.takeData().reduce((sum, [, length]) => sum + length, 0);
    // 100 << 4 is room for one full segment; what is left is not worth a small one.
    assert.equal(sent, 1460);
  });

  it("does not scale without the peer's option", () => {
    const peer = new TcpPeer();
    const handle = peer.open({ mss: MSS }, 3000);
    peer.write(handle, 10_000);
    assert.deepEqual(
      peer.takeData().reduce((sum, [, length]) => sum + length, 0),
      2920,
    );
  });

  it("scales its own window by 7", () => {
    const peer = new TcpPeer();
    const handle = peer.open({ mss: MSS, scale: 0 });
    peer.inject("PA", { seq: 1, ack: 1, data: 100 });
    const { window } = peer.expect("A", { ack: 101 });
    assert.ok(window << 7 > 65535 && window << 7 <= 1 << 20, `a window of ${window} << 7`);
    assert.equal(peer.read(handle, 1000), 100);
  });

  it("never moves the right edge of its window back", () => {
    const peer = new TcpPeer();
    const handle = peer.open({ mss: MSS, scale: 0 });
    let edge = 0;
    for (let i = 0; i < 200; i++) {
      peer.inject("A", { seq: 1 + i * 333, ack: 1, data: 333 });
      for (const segment of peer.take()) {
        const now = ((segment.acknowledgement - peer.isn) >>> 0) + (segment.window << 7);
        assert.ok(now >= edge, `edge went from ${edge} to ${now}`);
        edge = now;
      }
      if (i % 7 === 0) peer.read(handle, 1000);
    }
  });

  it("closes the window when nobody reads, and tells when it opens again", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.option(peer.listener, SOL_SOCKET, SO_RCVBUF, 8192);
    const handle = peer.open({ mss: MSS });
    let at = 1;
    let window = 65535;
    while (window > 0 && at < 100_000) {
      const length = Math.min(window, MSS);
      peer.inject("A", { seq: at, ack: 1, data: length });
      at += length;
      peer.wait(50_000);
      for (const segment of peer.take()) {
        window = at + segment.window - (segment.acknowledgement - peer.isn);
        window -= at - (segment.acknowledgement - peer.isn);
      }
    }
    assert.equal(window, 0);
    while (peer.read(handle, 4096) > 0);
    const update = peer.expect("A", { ack: at });
    assert.ok(update.window >= 2 * MSS, `opened by ${update.window}`);
  });

  it("does not announce a window that opened by less than a segment", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.option(peer.listener, SOL_SOCKET, SO_RCVBUF, 16384);
    const handle = peer.open({ mss: MSS });
    let at = 1;
    for (let i = 0; i < 40; i++) {
      peer.inject("A", { seq: at, ack: 1, data: MSS });
      at += MSS;
      peer.wait(50_000);
    }
    const last = peer.take().pop();
    assert.equal(last?.window, 0);
    assert.equal(peer.read(handle, 200), 200);
    peer.expectNothing();
    peer.inject("A", { seq: (last?.acknowledgement ?? 0) - peer.isn, ack: 1, data: 1 });
    peer.expect("A", { win: 0 });
  });

  it("drops what lies outside the window and answers with an ACK", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("A", { seq: 5_000_000, ack: 1, data: 100 });
    peer.expect("A", { ack: 1 });
    peer.inject("A", { seq: -500, ack: 1, data: 100 });
    peer.expect("A", { ack: 1 });
    assert.ok(peer.read(handle, 100) < 0);
  });

  it("cuts off what it has, and what is beyond the window", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("A", { seq: 1, ack: 1, data: 100 });
    peer.inject("A", { seq: 51, ack: 1, data: 100 });
    peer.take();
    assert.equal(peer.read(handle, 1000), 150);
  });
});
