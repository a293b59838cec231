import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EPOLLHUP } from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

describe("TCP challenge ACKs (RFC 5961)", () => {
  it("challenges a SYN on an open connection, whatever its number", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("S", { seq: 500, mss: 1460 });
    peer.expect("A", { seq: 1, ack: 1 });
    peer.inject("S", { seq: 5_000_000, mss: 1460 });
    peer.expect("A", { seq: 1, ack: 1 });
    assert.equal(peer.ready(handle) & EPOLLHUP, 0);
    assert.equal(peer.counter("tcpChallengeAcks"), 2);
  });

  it("challenges an ACK of something never sent, and does not take its data", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("PA", { seq: 1, ack: 1000, data: 10 });
    peer.expect("A", { seq: 1, ack: 1 });
    assert.ok(peer.read(handle, 10) < 0);
  });

  it("challenges an ACK older than any window it ever had", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("PA", { seq: 1, ack: 1 - 70_000, data: 10 });
    peer.expect("A", { seq: 1, ack: 1 });
    assert.ok(peer.read(handle, 10) < 0);
    peer.inject("PA", { seq: 1, ack: 1 - 60_000, data: 10 });
    assert.equal(peer.read(handle, 10), 10);
  });

  it("sends no more than a random number of them in a second", () => {
    const peer = new TcpPeer();
    peer.open();
    for (let i = 0; i < 2000; i++) peer.inject("S", { seq: 500, mss: 1460 });
    const sent = peer.take().length;
    assert.ok(sent >= 500 && sent < 1500, `${sent} challenge ACKs`);
    assert.equal(peer.counter("tcpChallengeAcks"), sent);
    peer.wait(1_000_000);
    peer.inject("S", { seq: 500, mss: 1460 });
    peer.expect("A");
    const other = new TcpPeer({ seed: [9n, 8n, 7n, 6n] });
    other.open();
    for (let i = 0; i < 2000; i++) other.inject("S", { seq: 500, mss: 1460 });
    assert.notEqual(other.take().length, sent);
  });
});
