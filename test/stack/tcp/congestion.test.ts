import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { IPPROTO_TCP, TCP_CONGESTION } from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

const MSS = 1000;
/** A window that never limits. */
const OFFER = { mss: MSS, scale: 7, sackPermitted: true };
const WIN = 60_000;

/** Sends and acknowledges whole windows; answers how many segments each round trip carried. */
function rounds(peer: TcpPeer, handle: number, count: number, start = 1): number[] {
  const sizes: number[] = [];
  let ack = start;
  for (let round = 0; round < count; round++) {
    peer.write(handle, 400_000);
    const data = peer.takeData();
    sizes.push(data.length);
    peer.wait(100_000);
    for (const [seq, length] of data) {
      ack = seq + length;
      peer.lan.host.receive([peer.frame("A", { seq: 1, ack, win: WIN })]);
    }
    peer.flush();
  }
  return sizes;
}

function control(peer: TcpPeer, handle: number, name: string): void {
  const bytes = Buffer.from(name);
  peer.lan.host.bytes(layout.CALL_OPTION, bytes.length).set(bytes);
  const { doors } = peer.lan.host;
  assert.equal(doors.socketOptionSet(handle, IPPROTO_TCP, TCP_CONGESTION, bytes.length, peer.now), 0);
}

/** Makes one loss, noticed by SACK, and recovers from it. */
function loseOne(peer: TcpPeer, handle: number): { flight: number; next: number } {
  peer.write(handle, 400_000);
  const data = peer.takeData();
  const first = data[0]?.[0] ?? 0;
  peer.inject("A", { seq: 1, ack: first, win: WIN, sack: [[first + MSS, first + 4 * MSS]] });
  const more = peer.takeData();
  const end = Math.max(...[...data, ...more].map(([seq, length]) => seq + length));
  peer.inject("A", { seq: 1, ack: end, win: WIN });
  return { flight: (end - first) / MSS, next: end };
}

describe("TCP congestion control", () => {
  it("starts with ten segments (RFC 6928)", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER, WIN);
    peer.write(handle, 100_000);
    assert.equal(peer.takeData().length, 10);
  });

  it("starts with 14,600 bytes for large segments, with one segment after a lost SYN", () => {
    const big = new TcpPeer({ mtu: 9000 });
    const handle = big.open({ mss: 8960, scale: 7 }, WIN);
    big.write(handle, 100_000);
    assert.equal(big.takeData().length, 2);
    const lost = new TcpPeer();
    const socket = lost.connectStart();
    lost.expect("S");
    lost.wait(1_002_000);
    lost.expect("S");
    lost.inject("SA", { seq: 0, ack: 1, mss: MSS });
    lost.expect("A");
    lost.write(socket, 100_000);
    assert.equal(lost.takeData().length, 1);
  });

  it("doubles its window each round trip in slow start", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER, WIN);
    assert.deepEqual(rounds(peer, handle, 4), [10, 20, 40, 80]);
  });

  it("does not grow a window that the application leaves unused", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER, WIN);
    for (let i = 0; i < 30; i++) {
      peer.write(handle, 100);
      peer.take();
      peer.inject("A", { seq: 1, ack: 1 + 100 * (i + 1), win: WIN });
    }
    peer.write(handle, 100_000);
    assert.equal(peer.takeData().length, 10);
  });

  it("NewReno halves the window after a loss, then adds a segment each round trip (RFC 5681)", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER, WIN);
    control(peer, handle, "reno");
    rounds(peer, handle, 2);
    const { flight, next } = loseOne(peer, handle);
    const sizes = rounds(peer, handle, 6, next);
    assert.ok(Math.abs((sizes[1] ?? 0) - flight / 2) <= 4, `${flight} in flight, then ${sizes}`);
    for (let i = 2; i < sizes.length; i++) {
      const growth = (sizes[i] ?? 0) - (sizes[i - 1] ?? 0);
      assert.ok(growth >= 0 && growth <= 2, `${sizes}`);
    }
  });

  it("CUBIC keeps seven tenths, and grows back to the plateau in K seconds (RFC 9438)", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER, WIN);
    control(peer, handle, "cubic");
    rounds(peer, handle, 3);
    const { flight, next } = loseOne(peer, handle);
    const sizes = rounds(peer, handle, 60, next);
    assert.ok(Math.abs((sizes[1] ?? 0) - flight * 0.7) <= 6, `${flight} in flight, then ${sizes[1]}`);
    // K = cbrt(0.3 W / 0.4) seconds of ten round trips: near the old maximum then, above it later.
    const k = Math.cbrt((0.3 * flight) / 0.4) * 10;
    const plateau = sizes[Math.round(k)] ?? 0;
    assert.ok(Math.abs(plateau - flight) <= 6, `${plateau} at K = ${k} round trips: ${sizes}`);
    assert.ok((sizes.at(-1) ?? 0) > plateau, `${sizes}`);
  });

  it("starts anew after an idle time", () => {
    const peer = new TcpPeer();
    const handle = peer.open(OFFER, WIN);
    let next = 1;
    for (const size of rounds(peer, handle, 3)) next += size * MSS;
    const rest = peer.takeData();
    if (rest.length > 0) next = Math.max(...rest.map(([seq, length]) => seq + length));
    for (let i = 0; i < 40; i++) {
      peer.inject("A", { seq: 1, ack: next, win: WIN });
      const data = peer.takeData();
      if (data.length === 0) break;
      next = Math.max(...data.map(([seq, length]) => seq + length));
    }
    peer.wait(2_000_000);
    peer.take();
    peer.write(handle, 100_000);
    assert.equal(peer.takeData().length, 10);
  });
});
