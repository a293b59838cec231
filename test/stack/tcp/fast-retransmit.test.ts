import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TcpPeer } from "../support/tcp-peer.js";

const MSS = 1460;

/** An open connection with `segments` full segments in flight, without SACK. */
function inFlight(segments: number): { peer: TcpPeer; handle: number } {
  const peer = new TcpPeer();
  const handle = peer.open();
  peer.write(handle, 40 * MSS);
  assert.equal(peer.takeData().length, segments);
  return { peer, handle };
}

describe("TCP fast retransmit without SACK (RFC 5681, RFC 6582)", () => {
  it("limited transmit: each of the first two duplicate ACKs releases a new segment (RFC 3042)", () => {
    const { peer } = inFlight(10);
    peer.inject("A", { seq: 1, ack: 1 });
    assert.deepEqual(peer.takeData(), [[1 + 10 * MSS, MSS]]);
    peer.inject("A", { seq: 1, ack: 1 });
    assert.deepEqual(peer.takeData(), [[1 + 11 * MSS, MSS]]);
  });

  it("the third duplicate ACK retransmits, at once", () => {
    const { peer } = inFlight(10);
    for (let i = 0; i < 2; i++) peer.inject("A", { seq: 1, ack: 1 });
    peer.take();
    peer.inject("A", { seq: 1, ack: 1 });
    assert.deepEqual(peer.takeData()[0], [1, MSS]);
    assert.equal(peer.counter("tcpFastRetransmits"), 1);
    assert.equal(peer.counter("tcpSackRecoveries"), 0);
  });

  it("an ACK with data, or with another window, is no duplicate", () => {
    const { peer } = inFlight(10);
    for (let i = 0; i < 3; i++) peer.inject("A", { seq: 1 + i * 10, ack: 1, data: 10 });
    for (let i = 0; i < 3; i++) peer.inject("A", { seq: 31, ack: 1, win: 60_000 - i });
    assert.equal(peer.counter("tcpFastRetransmits"), 0);
  });

  it("a partial ACK retransmits the next hole, and the recovery ends at the recovery point", () => {
    const { peer } = inFlight(10);
    for (let i = 0; i < 3; i++) peer.inject("A", { seq: 1, ack: 1 });
    peer.take();
    peer.inject("A", { seq: 1, ack: 1 + 4 * MSS });
    assert.deepEqual(peer.takeData()[0], [1 + 4 * MSS, MSS]);
    assert.equal(peer.counter("tcpFastRetransmits"), 1);
    // Beyond all that was sent when the loss was noticed: duplicates count afresh.
    peer.inject("A", { seq: 1, ack: 1 + 12 * MSS });
    peer.take();
    for (let i = 0; i < 3; i++) peer.inject("A", { seq: 1, ack: 1 + 12 * MSS });
    assert.equal(peer.counter("tcpFastRetransmits"), 2);
  });

  it("duplicates of what was sent before a time-out start no recovery", () => {
    const { peer } = inFlight(10);
    peer.wait(202_000);
    assert.deepEqual(peer.takeData(), [[1, MSS]]);
    for (let i = 0; i < 5; i++) peer.inject("A", { seq: 1, ack: 1 });
    assert.equal(peer.counter("tcpFastRetransmits"), 0);
  });
});
