import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TcpPeer } from "../support/tcp-peer.js";

const OFFER = { mss: 1460, ts: 5000 };
const DAY = 24 * 3600 * 1_000_000;

describe("TCP timestamps (RFC 7323)", () => {
  it("go with every segment once both sides offered them, and echo the peer's", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER);
    peer.clock = 5100;
    peer.inject("PA", { seq: 1, ack: 1, data: 10 });
    const first = peer.expect("A", { ack: 11 });
    assert.equal(first.timestamps?.[1], 5100);
    peer.write(handle, 10);
    assert.equal(peer.expect("PA", { data: 10 }).timestamps?.[1], 5100);
  });

  it("are left out when the peer did not offer them", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 10);
    assert.equal(peer.expect("PA").timestamps, undefined);
  });

  it("cost each segment twelve bytes", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER);
    peer.write(handle, 2896);
    peer.expect("A", { data: 1448 });
    peer.expect("PA", { data: 1448 });
  });

  it("rise by one in a millisecond", () => {
    const peer = new TcpPeer();
    peer.open(OFFER);
    peer.inject("PA", { seq: 1, ack: 1, data: 1 });
    const first = peer.expect("A").timestamps?.[0] ?? 0;
    peer.wait(250_000);
    peer.inject("PA", { seq: 2, ack: 1, data: 1 });
    assert.equal((peer.expect("A").timestamps?.[0] ?? 0) - first, 250);
  });

  it("PAWS refuses an old segment and acknowledges", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER);
    peer.clock = 6000;
    peer.inject("PA", { seq: 1, ack: 1, data: 10 });
    peer.expect("A", { ack: 11 });
    peer.clock = 5999;
    peer.inject("PA", { seq: 11, ack: 1, data: 10 });
    peer.expect("A", { ack: 11 });
    assert.equal(peer.counter("tcpPawsRejects"), 1);
    assert.equal(peer.read(handle, 100), 10);
    peer.clock = 6000;
    peer.inject("PA", { seq: 11, ack: 1, data: 10 });
    assert.equal(peer.read(handle, 100), 10);
  });

  it("PAWS lets an old reset pass", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER);
    peer.clock = 4000;
    peer.inject("R", { seq: 1 });
    assert.notEqual(peer.error(handle), 0);
  });

  it("PAWS forgets a timestamp after 24 days", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER);
    peer.wait(25 * DAY, 3600 * 1_000_000);
    peer.clock = 100;
    peer.inject("PA", { seq: 1, ack: 1, data: 10 });
    assert.equal(peer.read(handle, 100), 10);
  });

  it("takes the peer's timestamp anew after 24 days", () => {
    const peer = new TcpPeer();
    peer.open({ mss: 1460, ts: 5000 });
    peer.wait(25 * DAY, 3600 * 1_000_000);
    peer.clock = 100;
    peer.inject("PA", { seq: 1, ack: 1, data: 10 });
    assert.equal(peer.expect("A", { ack: 11 }).timestamps?.[1], 100);
    peer.clock = 99;
    peer.inject("PA", { seq: 11, ack: 1, data: 10 });
    assert.equal(peer.counter("tcpPawsRejects"), 1);
  });

  it("a segment without the option is dropped once it was agreed on", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER);
    peer.clock = undefined;
    peer.inject("PA", { seq: 1, ack: 1, data: 10 });
    assert.ok(peer.read(handle, 100) < 0);
  });

  it("the echo is not taken from a segment that lies ahead", () => {
    const peer = new TcpPeer();
    peer.open(OFFER);
    peer.clock = 5500;
    peer.inject("PA", { seq: 101, ack: 1, data: 10 });
    assert.equal(peer.expect("A", { ack: 1 }).timestamps?.[1], 5000);
  });

  it("offsets differ between connections", () => {
    const stamps = [40000, 40001].map((peerPort) => {
      const peer = new TcpPeer({ peerPort });
      peer.listen();
      peer.inject("S", { seq: 0, mss: 1460, ts: [5000, 0] });
      return peer.expect("SA").timestamps?.[0];
    });
    assert.notEqual(stamps[0], stamps[1]);
  });
});
