import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ECONNREFUSED,
  EPOLLERR,
  EPOLLHUP,
  EPOLLOUT,
  ETIMEDOUT,
} from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

const SECOND = 1_000_000;

describe("TCP handshake", () => {
  it("answers a SYN, and the ACK makes a connection", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.inject("S", { seq: 0, mss: 1460 });
    peer.expect("SA", { seq: 0, ack: 1, mss: 1460, win: 65535, sackPermitted: false });
    assert.ok(peer.accept() < 0);
    peer.inject("A", { seq: 1, ack: 1 });
    assert.ok(peer.accept() >= 0);
    assert.equal(peer.counter("tcpPassiveOpens"), 1);
  });

  it("connects: SYN, SYN-ACK, ACK", () => {
    const peer = new TcpPeer();
    const handle = peer.connectStart();
    peer.expect("S", { seq: 0, mss: 1460, scale: 7, sackPermitted: true });
    assert.equal(peer.ready(handle) & EPOLLOUT, 0);
    peer.inject("SA", { seq: 0, ack: 1, mss: 1460 });
    peer.expect("A", { seq: 1, ack: 1, data: 0 });
    assert.equal(peer.ready(handle) & (EPOLLOUT | EPOLLERR | EPOLLHUP), EPOLLOUT);
    assert.equal(peer.counter("tcpActiveOpens"), 1);
  });

  it("is refused by a reset that acknowledges its SYN, and by no other", () => {
    const peer = new TcpPeer();
    const handle = peer.connectStart();
    peer.expect("S", { seq: 0 });
    peer.inject("R", { seq: 0 });
    peer.inject("RA", { seq: 0, ack: 7 });
    peer.expectNothing();
    assert.equal(peer.ready(handle) & EPOLLERR, 0);
    peer.inject("RA", { seq: 0, ack: 1 });
    assert.notEqual(peer.ready(handle) & EPOLLERR, 0);
    assert.equal(peer.error(handle), ECONNREFUSED);
    assert.equal(peer.counter("tcpAttemptFails"), 1);
  });

  it("resets a SYN-ACK that acknowledges something else", () => {
    const peer = new TcpPeer();
    peer.connectStart();
    peer.expect("S", { seq: 0 });
    peer.inject("SA", { seq: 0, ack: 5 });
    peer.expect("R", { seq: 5 });
    peer.inject("SA", { seq: 0, ack: 1, mss: 1460 });
    peer.expect("A", { seq: 1, ack: 1 });
  });

  it("repeats its SYN six times, doubling the wait, and gives up with ETIMEDOUT", () => {
    const peer = new TcpPeer();
    const handle = peer.connectStart();
    peer.expect("S", { seq: 0 });
    const gaps = peer.gaps(70 * SECOND).map((gap) => Math.round(gap / SECOND));
    assert.deepEqual(gaps, [1, 2, 4, 8, 16, 32]);
    peer.take();
    peer.wait(61 * SECOND, 10_000);
    peer.expectNothing();
    assert.equal(peer.error(handle), ETIMEDOUT);
  });

  it("repeats a SYN-ACK until the ACK comes, then forgets the handshake", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.inject("S", { seq: 0, mss: 1460 });
    peer.expect("SA");
    peer.wait(SECOND + 2000);
    peer.expect("SA", { seq: 0, ack: 1 });
    peer.inject("S", { seq: 0, mss: 1460 });
    peer.expect("SA", { seq: 0, ack: 1 });
    peer.wait(120 * SECOND, 10_000);
    peer.take();
    assert.equal(peer.lan.used("tcb"), 0);
  });

  it("opens at both ends at once", () => {
    const peer = new TcpPeer();
    const handle = peer.connectStart();
    peer.expect("S", { seq: 0 });
    peer.inject("S", { seq: 0, mss: 1460 });
    peer.expect("SA", { seq: 0, ack: 1 });
    peer.inject("SA", { seq: 0, ack: 1, mss: 1460 });
    peer.take();
    assert.notEqual(peer.ready(handle) & EPOLLOUT, 0);
    peer.inject("PA", { seq: 1, ack: 1, data: 10 });
    assert.equal(peer.read(handle, 100), 10);
  });

  it("ignores data on a SYN without refusing the connection", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.inject("S", { seq: 0, mss: 1460, data: new Uint8Array(5) });
    peer.expect("SA", { ack: 1 });
    peer.inject("A", { seq: 1, ack: 1 });
    peer.inject("PA", { seq: 1, ack: 1, data: 20 });
    assert.equal(peer.read(peer.accept(), 100), 20);
  });

  it("takes data that comes with the last ACK of the handshake", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.inject("S", { seq: 0, mss: 1460 });
    peer.expect("SA");
    peer.inject("PA", { seq: 1, ack: 1, data: 30 });
    peer.expect("A", { ack: 31 });
    assert.equal(peer.read(peer.accept(), 100), 30);
  });

  it("returns to listening when a passive handshake is reset", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.inject("S", { seq: 0, mss: 1460 });
    peer.expect("SA");
    peer.inject("R", { seq: 1 });
    assert.equal(peer.lan.used("tcb"), 0);
    peer.inject("S", { seq: 100, mss: 1460 });
    peer.expect("SA", { ack: 101 });
  });

  it("resets an ACK in SYN_RECEIVED that acknowledges something else", () => {
    const peer = new TcpPeer();
    peer.listen();
    peer.inject("S", { seq: 0, mss: 1460 });
    peer.expect("SA");
    peer.inject("A", { seq: 1, ack: 900 });
    peer.expect("R", { seq: 900 });
    peer.inject("A", { seq: 1, ack: 1 });
    assert.ok(peer.accept() >= 0);
  });
});
