import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EPOLLHUP, ETIMEDOUT, IPPROTO_TCP, TCP_USER_TIMEOUT } from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

const SECOND = 1_000_000;

function near(value: number | undefined, wanted: number): void {
  assert.ok(value !== undefined && Math.abs(value - wanted) <= 3000, `${value} is not near ${wanted}`);
}

describe("TCP retransmission time-out (RFC 6298)", () => {
  it("is 200 ms at least, and doubles", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 10);
    peer.expect("PA", { seq: 1, data: 10 });
    const gaps = peer.gaps(4 * SECOND);
    for (const [i, wanted] of [200_000, 400_000, 800_000, 1_600_000].entries()) near(gaps[i], wanted);
    assert.equal(peer.counter("tcpTimeouts"), 4);
  });

  it("is one second before anything was measured", () => {
    const peer = new TcpPeer();
    peer.connectStart();
    peer.expect("S");
    near(peer.gaps(2 * SECOND)[0], SECOND);
  });

  it("is three seconds after a SYN was lost", () => {
    const peer = new TcpPeer();
    const handle = peer.connectStart();
    peer.expect("S");
    peer.wait(SECOND + 2000);
    peer.expect("S");
    peer.inject("SA", { seq: 0, ack: 1, mss: 1460 });
    peer.expect("A");
    peer.write(handle, 10);
    peer.expect("PA");
    near(peer.gaps(4 * SECOND)[0], 3 * SECOND);
  });

  it("follows the measured round trip: SRTT + 4 RTTVAR", () => {
    const peer = new TcpPeer();
    const handle = peer.connectStart();
    peer.expect("S");
    peer.wait(400_000);
    peer.inject("SA", { seq: 0, ack: 1, mss: 1460 });
    peer.expect("A");
    peer.write(handle, 10);
    peer.expect("PA");
    // First measurement R = 0.4 s: RTO = R + 4 R/2.
    near(peer.gaps(2 * SECOND)[0], 1_200_000);
  });

  it("Karn: an ACK of retransmitted data is no measurement, and the back-off ends only by progress", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 10);
    peer.expect("PA");
    peer.wait(202_000);
    peer.expect("PA", { seq: 1 });
    peer.wait(300_000);
    // 0.5 s after the first transmission: had it been taken as a sample, the RTO would be far above 200 ms.
    peer.inject("A", { seq: 1, ack: 11 });
    peer.write(handle, 10);
    peer.expect("PA", { seq: 11 });
    near(peer.gaps(300_000)[0], 200_000);
  });

  it("restarts when an ACK advances", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 2920);
    peer.take();
    peer.wait(150_000);
    peer.inject("A", { seq: 1, ack: 1461 });
    peer.wait(150_000);
    peer.expectNothing();
    peer.wait(60_000);
    peer.expect("PA", { seq: 1461 });
  });

  it("starts again with one segment, then slow start", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 14600);
    assert.equal(peer.takeData().length, 10);
    peer.wait(202_000);
    assert.deepEqual(peer.takeData(), [[1, 1460]]);
    peer.inject("A", { seq: 1, ack: 1461 });
    assert.deepEqual(peer.takeData(), [
      [1461, 1460],
      [2921, 1460],
    ]);
  });

  it("gives up after 15 tries with ETIMEDOUT", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 10);
    peer.expect("PA");
    peer.wait(1000 * SECOND, 10_000);
    assert.equal(peer.take().filter((s) => s.flags === "PA").length, 15);
    assert.equal(peer.error(handle), ETIMEDOUT);
    assert.notEqual(peer.ready(handle) & EPOLLHUP, 0);
  });

  it("gives up after the user time-out", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.option(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
    peer.write(handle, 10);
    peer.wait(2_900_000);
    assert.equal(peer.ready(handle) & EPOLLHUP, 0);
    peer.wait(4 * SECOND);
    assert.equal(peer.error(handle), ETIMEDOUT);
  });
});
