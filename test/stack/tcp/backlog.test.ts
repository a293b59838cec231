import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TcpPeer } from "../support/tcp-peer.js";

/** The same stack with a peer on another port. */
function from(peer: TcpPeer, peerPort: number): TcpPeer {
  const other = Object.create(peer) as TcpPeer;
  Object.defineProperty(other, "peerPort", { value: peerPort });
  Object.defineProperty(other, "ownIsn", { value: 0, writable: true });
  Object.defineProperty(other, "clock", { value: undefined, writable: true });
  return other;
}

/** Fills the SYN queue with handshakes that never go on. */
function flood(peer: TcpPeer, count: number): void {
  for (let i = 0; i < count; i++) from(peer, 1000 + i).inject("S", { seq: 0, mss: 1460 });
  peer.take();
}

describe("TCP listen backlog", () => {
  it("queues no more connections for accept than the backlog, plus one; the others wait", () => {
    const peer = new TcpPeer();
    peer.listen(2);
    const others = [1, 2, 3, 4].map((i) => from(peer, 2000 + i));
    for (const other of others) {
      other.inject("S", { seq: 0, mss: 1460 });
      other.expect("SA");
    }
    for (const other of others) other.inject("A", { seq: 1, ack: 1 });
    const accepted = [peer.accept(), peer.accept(), peer.accept()];
    assert.ok(accepted.every((handle) => handle >= 0));
    assert.ok(peer.accept() < 0);
    // Now that there is room, the fourth one is asked for its ACK again.
    const last = others[3] as TcpPeer;
    last.expect("SA", { seq: 0, ack: 1 });
    last.inject("A", { seq: 1, ack: 1 });
    assert.ok(peer.accept() >= 0);
  });

  it("drops a SYN while the accept queue is full", () => {
    const peer = new TcpPeer();
    peer.listen(0);
    const first = from(peer, 2001);
    first.inject("S", { seq: 0, mss: 1460 });
    first.expect("SA");
    first.inject("A", { seq: 1, ack: 1 });
    from(peer, 2002).inject("S", { seq: 0, mss: 1460 });
    peer.expectNothing();
    assert.equal(peer.lan.drops("tcpBacklogFull"), 1);
  });

  it("answers with a cookie when the SYN queue is full, and makes the connection from it", () => {
    const peer = new TcpPeer();
    peer.listen(16);
    flood(peer, 16);
    const used = peer.lan.used("tcb");
    const client = from(peer, 50_000);
    client.inject("S", { seq: 0, mss: 1300 });
    assert.equal(client.expect("SA", { ack: 1, mss: 1460 }).windowScale, undefined);
    assert.equal(peer.lan.used("tcb"), used);
    assert.equal(peer.counter("tcpCookiesSent"), 1);
    client.inject("PA", { seq: 1, ack: 1, data: 30 });
    assert.equal(peer.counter("tcpCookiesAccepted"), 1);
    const handle = peer.accept();
    assert.equal(peer.read(handle, 100), 30);
    peer.take();
    peer.write(handle, 1400);
    assert.equal(client.expect("A").payload.length, 1300);
  });

  it("a cookie remembers window scale and SACK in the timestamp", () => {
    const peer = new TcpPeer();
    peer.listen(16);
    flood(peer, 16);
    const client = from(peer, 50_000);
    client.clock = 7000;
    client.inject("S", { seq: 0, mss: 1460, scale: 5, sackPermitted: true });
    const answer = client.expect("SA", { sackPermitted: true, scale: 7 });
    client.inject("A", { seq: 1, ack: 1, win: 100, ts: [7001, answer.timestamps?.[0] ?? 0] });
    const handle = peer.accept();
    peer.write(handle, 10_000);
    const sent = peer.take();
    // 100 << 5 bytes of window: two full segments.
    assert.equal(
      sent.reduce((sum, s) => sum + s.payload.length, 0),
      2 * 1448,
    );
    assert.equal(sent[0]?.timestamps?.[1], 7001);
    client.inject("A", { seq: 101, ack: 1, win: 100, data: 10, ts: [7002, answer.timestamps?.[0] ?? 0] });
    assert.equal(peer.take().pop()?.sack?.length, 1);
  });

  it("refuses a forged cookie and an old one", () => {
    const peer = new TcpPeer();
    peer.listen(16);
    flood(peer, 16);
    const client = from(peer, 50_000);
    client.inject("S", { seq: 0, mss: 1460 });
    client.expect("SA");
    client.inject("A", { seq: 1, ack: 0x1234567 });
    client.expect("R");
    peer.wait(250_000_000, 1_000_000);
    peer.lan.meet();
    peer.take();
    client.inject("A", { seq: 1, ack: 1 });
    client.expect("R");
    assert.equal(peer.counter("tcpCookiesAccepted"), 0);
  });

  it("drops a later segment of a cookie's peer instead of losing what came before", () => {
    const peer = new TcpPeer();
    peer.listen(16);
    flood(peer, 16);
    const client = from(peer, 50_000);
    client.inject("S", { seq: 0, mss: 1460 });
    client.expect("SA");
    client.inject("PA", { seq: 31, ack: 1, data: 30 });
    client.expectNothing();
    client.inject("PA", { seq: 1, ack: 1, data: 30 });
    assert.equal(peer.read(peer.accept(), 100), 30);
  });

  it("takes no ACK for a cookie's when none was sent lately", () => {
    const peer = new TcpPeer();
    peer.listen(16);
    peer.inject("A", { seq: 1, ack: 1 });
    peer.expect("R");
  });
});
