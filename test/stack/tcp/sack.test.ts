import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TcpPeer } from "../support/tcp-peer.js";

const MSS = 1460;
const OFFER = { mss: MSS, sackPermitted: true };

function at(segment: number): number {
  return 1 + segment * MSS;
}

function inFlight(segments: number): { peer: TcpPeer; handle: number } {
  const peer = new TcpPeer();
  const handle = peer.open(OFFER);
  peer.write(handle, 40 * MSS);
  assert.equal(peer.takeData().length, segments);
  return { peer, handle };
}

describe("TCP SACK, receiver (RFC 2018)", () => {
  it("reports what came out of order, the latest block first, up to four", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER);
    peer.inject("A", { seq: 101, ack: 1, data: 100 });
    peer.expect("A", { ack: 1, sack: [[101, 201]] });
    peer.inject("A", { seq: 301, ack: 1, data: 100 });
    peer.expect("A", {
      ack: 1,
      sack: [
        [301, 401],
        [101, 201],
      ],
    });
    peer.inject("A", { seq: 201, ack: 1, data: 50 });
    peer.expect("A", {
      ack: 1,
      sack: [
        [101, 251],
        [301, 401],
      ],
    });
    peer.inject("A", { seq: 251, ack: 1, data: 50 });
    peer.expect("A", { ack: 1, sack: [[101, 401]] });
    peer.inject("A", { seq: 1, ack: 1, data: 100 });
    peer.expect("A", { ack: 401, sack: [] });
    assert.equal(peer.read(handle, 1000), 400);
  });

  it("leaves room for three beside timestamps", () => {
    const peer = new TcpPeer();
    peer.open({ ...OFFER, ts: 1000 });
    for (let i = 1; i <= 5; i++) peer.inject("A", { seq: 1 + 200 * i, ack: 1, data: 100 });
    const last = peer.take().pop();
    assert.equal(last?.sack?.length, 3);
    assert.equal((last?.sack?.[0]?.[0] ?? 0) - peer.isn, 1001);
  });

  it("does not report to a peer that did not permit it", () => {
    const peer = new TcpPeer();
    peer.open({ mss: MSS });
    peer.inject("A", { seq: 101, ack: 1, data: 100 });
    peer.expect("A", { ack: 1, sack: [] });
  });

  it("sends a duplicate ACK for every segment out of order of one burst", () => {
    const peer = new TcpPeer();
    peer.open({ mss: MSS });
    peer.injectAll(
      ["A", { seq: 101, ack: 1, data: 100 }],
      ["A", { seq: 201, ack: 1, data: 100 }],
      ["A", { seq: 301, ack: 1, data: 100 }],
    );
    for (let i = 0; i < 3; i++) peer.expect("A", { ack: 1, data: 0 });
    peer.expectNothing();
  });

  it("holds a bounded number of runs, and gives everything back", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER);
    for (let i = 1; i <= 300; i++) peer.inject("A", { seq: 1 + 20 * i, ack: 1, data: 10 });
    assert.ok(peer.lan.used("buffer") < 120, `${peer.lan.used("buffer")} buffers`);
    peer.close(handle);
    peer.inject("R", { seq: 1 });
    assert.equal(peer.lan.used("buffer"), 0);
  });
});

describe("TCP SACK, sender (RFC 6675)", () => {
  it("retransmits exactly the holes", () => {
    const { peer } = inFlight(10);
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(1), at(2)]] });
    peer.inject("A", {
      seq: 1,
      ack: 1,
      sack: [
        [at(3), at(4)],
        [at(1), at(2)],
      ],
    });
    peer.take();
    peer.inject("A", {
      seq: 1,
      ack: 1,
      sack: [
        [at(5), at(10)],
        [at(3), at(4)],
        [at(1), at(2)],
      ],
    });
    const data = peer.takeData();
    assert.deepEqual(data.slice(0, 3), [
      [at(0), MSS],
      [at(2), MSS],
      [at(4), MSS],
    ]);
    assert.equal(peer.counter("tcpSackRecoveries"), 1);
    // Nothing that the peer has reported goes again.
    for (const [seq] of data.slice(3)) assert.ok(seq >= at(10), `${seq} again`);
  });

  it("starts a recovery when more than two segments' bytes are reported above a hole", () => {
    const { peer } = inFlight(10);
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(1), at(4)]] });
    assert.deepEqual(peer.takeData()[0], [1, MSS]);
    assert.equal(peer.counter("tcpSackRecoveries"), 1);
  });

  it("an ACK that reports nothing new is no duplicate", () => {
    const { peer } = inFlight(10);
    for (let i = 0; i < 6; i++) peer.inject("A", { seq: 1, ack: 1, sack: [[at(1), at(2)]] });
    assert.equal(peer.counter("tcpSackRecoveries"), 0);
  });

  it("sends no more than the halved window allows while it recovers", () => {
    const { peer } = inFlight(10);
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(1), at(4)]] });
    // CUBIC leaves 7 of 10 segments; 6 are neither reported nor lost, 1 was sent again: pipe is 7.
    assert.deepEqual(peer.takeData(), [[1, MSS]]);
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(1), at(5)]] });
    assert.deepEqual(peer.takeData(), [[at(10), MSS]]);
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(1), at(8)]] });
    assert.deepEqual(
      peer.takeData().map(([seq]) => seq),
      [at(11), at(12), at(13)],
    );
  });

  it("sends the rescue segment when everything else is done (rule 4)", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER);
    peer.write(handle, 10 * MSS);
    assert.equal(peer.takeData().length, 10);
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(1), at(8)]] });
    const data = peer.takeData();
    assert.deepEqual(data, [
      [at(0), MSS],
      [at(9), MSS],
    ]);
  });

  it("ignores reports of what was never sent, or lies below the ACK", () => {
    const { peer } = inFlight(10);
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(20), at(30)]] });
    peer.inject("A", { seq: 1, ack: 1, sack: [[-5000, -1000]] });
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(4), at(2)]] });
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(0) - 500, at(3)]] });
    assert.equal(peer.counter("tcpSackRecoveries"), 0);
    assert.deepEqual(peer.takeData(), []);
  });

  it("after a time-out sends again only what was not reported", () => {
    const { peer } = inFlight(10);
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(1), at(3)]] });
    peer.take();
    peer.wait(210_000);
    assert.deepEqual(peer.takeData(), [[at(0), MSS]]);
    peer.inject("A", { seq: 1, ack: at(3), sack: [] });
    assert.deepEqual(
      peer.takeData().map(([seq]) => seq),
      [at(3), at(4)],
    );
  });

  it("forgets its scoreboard when the peer takes reports back", () => {
    const { peer } = inFlight(10);
    peer.inject("A", { seq: 1, ack: 1, sack: [[at(1), at(3)]] });
    peer.inject("A", { seq: 1, ack: at(1) });
    peer.take();
    peer.wait(400_000);
    assert.deepEqual(peer.takeData()[0], [at(1), MSS]);
  });
});
