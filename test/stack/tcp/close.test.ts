import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EPOLLHUP, EPOLLIN, EPOLLRDHUP } from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

const SECOND = 1_000_000;

describe("TCP close", () => {
  it("closes first: FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.close(handle);
    peer.expect("FA", { seq: 1, ack: 1 });
    peer.inject("A", { seq: 1, ack: 2 });
    peer.expectNothing();
    peer.inject("FA", { seq: 1, ack: 2 });
    peer.expect("A", { seq: 2, ack: 2 });
    assert.equal(peer.lan.used("tcb"), 1);
    peer.wait(61 * SECOND, 100_000);
    assert.equal(peer.lan.used("tcb"), 0);
  });

  it("closes second: CLOSE_WAIT, LAST_ACK, closed", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("FA", { seq: 1, ack: 1 });
    peer.expect("A", { seq: 1, ack: 2 });
    assert.equal(peer.ready(handle) & (EPOLLIN | EPOLLRDHUP | EPOLLHUP), EPOLLIN | EPOLLRDHUP);
    assert.equal(peer.read(handle, 10), 0);
    peer.close(handle);
    peer.expect("FA", { seq: 1, ack: 2 });
    peer.inject("A", { seq: 2, ack: 2 });
    peer.expectNothing();
    assert.equal(peer.lan.used("tcb"), 0);
  });

  it("closes at both ends at once: CLOSING", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.shutdown(handle);
    peer.expect("FA", { seq: 1, ack: 1 });
    peer.inject("FA", { seq: 1, ack: 1 });
    peer.expect("A", { seq: 2, ack: 2 });
    assert.equal(peer.counter("tcpSimultaneousCloses"), 1);
    peer.inject("A", { seq: 2, ack: 2 });
    assert.notEqual(peer.ready(handle) & EPOLLHUP, 0);
    peer.close(handle);
    peer.wait(61 * SECOND, 100_000);
    peer.expectNothing();
    assert.equal(peer.lan.used("tcb"), 0);
  });

  it("goes on receiving after it has shut its own side", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.shutdown(handle);
    peer.expect("FA", { seq: 1 });
    peer.inject("A", { seq: 1, ack: 2 });
    peer.inject("PA", { seq: 1, ack: 2, data: 100 });
    assert.equal(peer.read(handle, 200), 100);
    peer.inject("FA", { seq: 101, ack: 2 });
    assert.equal(peer.read(handle, 200), 0);
  });

  it("goes on sending after the peer has shut its side", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("FA", { seq: 1, ack: 1 });
    peer.expect("A", { ack: 2 });
    assert.equal(peer.write(handle, 50), 50);
    peer.expect("PA", { seq: 1, ack: 2, data: 50 });
    peer.close(handle);
    peer.expect("FA", { seq: 51, ack: 2 });
  });

  it("sends what is queued before the FIN, and repeats a lost FIN", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 100);
    peer.close(handle);
    peer.expect("FPA", { seq: 1, data: 100 });
    peer.inject("A", { seq: 1, ack: 101 });
    peer.wait(300_000);
    peer.expect("FA", { seq: 101, data: 0 });
    peer.inject("A", { seq: 1, ack: 102 });
    peer.inject("FA", { seq: 1, ack: 102 });
    peer.expect("A", { seq: 102, ack: 2 });
  });

  it("takes a FIN that came ahead of missing data in its place", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("FA", { seq: 101, ack: 1, data: 50 });
    peer.expect("A", { ack: 1 });
    assert.equal(peer.ready(handle) & EPOLLRDHUP, 0);
    peer.inject("A", { seq: 1, ack: 1, data: 100 });
    peer.expect("A", { ack: 152 });
    assert.equal(peer.read(handle, 1000), 150);
    assert.equal(peer.read(handle, 1000), 0);
  });

  it("gives an orphan in FIN_WAIT_2 up after 60 s", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.close(handle);
    peer.expect("FA");
    peer.inject("A", { seq: 1, ack: 2 });
    peer.wait(59 * SECOND, 100_000);
    assert.equal(peer.lan.used("tcb"), 1);
    peer.wait(2 * SECOND, 100_000);
    peer.expectNothing();
    assert.equal(peer.lan.used("tcb"), 0);
  });

  it("resets data that comes after the application has closed", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.close(handle);
    peer.expect("FA", { seq: 1 });
    peer.inject("PA", { seq: 1, ack: 2, data: 10 });
    peer.expect("RA");
    assert.equal(peer.lan.used("tcb"), 0);
  });

  it("resets when it is closed with unread data", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("PA", { seq: 1, ack: 1, data: 10 });
    peer.take();
    peer.close(handle);
    peer.expect("RA", { seq: 1, ack: 11 });
    assert.equal(peer.lan.used("tcb"), 0);
    assert.equal(peer.lan.used("buffer"), 0);
  });
});
