import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ETIMEDOUT,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
} from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

const SECOND = 1_000_000;

function kept(): { peer: TcpPeer; handle: number } {
  const peer = new TcpPeer();
  const handle = peer.open();
  peer.option(handle, IPPROTO_TCP, TCP_KEEPIDLE, 10);
  peer.option(handle, IPPROTO_TCP, TCP_KEEPINTVL, 2);
  peer.option(handle, IPPROTO_TCP, TCP_KEEPCNT, 3);
  peer.option(handle, SOL_SOCKET, SO_KEEPALIVE, 1);
  return { peer, handle };
}

describe("TCP keep-alive (RFC 9293, section 3.8.4)", () => {
  it("is off unless asked for", () => {
    const peer = new TcpPeer();
    peer.open();
    peer.wait(8000 * SECOND, SECOND);
    peer.expectNothing();
  });

  it("probes after the idle time with a number the peer must answer, and is content with the answer", () => {
    const { peer } = kept();
    peer.wait(10 * SECOND - 2000);
    peer.expectNothing();
    peer.wait(4000);
    peer.expect("A", { seq: 0, data: 0 });
    peer.inject("A", { seq: 1, ack: 1 });
    peer.wait(9 * SECOND);
    peer.expectNothing();
  });

  it("ends a connection whose peer is silent", () => {
    const { peer, handle } = kept();
    peer.wait(17 * SECOND);
    const sent = peer.take();
    assert.equal(sent.filter((s) => s.flags === "A").length, 3);
    assert.equal(sent.at(-1)?.flags, "RA");
    assert.equal(peer.error(handle), ETIMEDOUT);
  });

  it("starts anew with everything that arrives", () => {
    const { peer, handle } = kept();
    peer.wait(9 * SECOND);
    peer.inject("PA", { seq: 1, ack: 1, data: 5 });
    peer.take();
    peer.wait(9 * SECOND);
    peer.take();
    assert.equal(peer.counter("tcpKeepAliveProbes"), 0);
    assert.equal(peer.read(handle, 10), 5);
  });

  it("answers the peer's probes", () => {
    const peer = new TcpPeer();
    peer.open();
    peer.inject("A", { seq: 0, ack: 1 });
    peer.expect("A", { seq: 1, ack: 1 });
    peer.wait(SECOND);
    peer.inject("A", { seq: 0, ack: 1, data: new Uint8Array(1) });
    peer.expect("A", { seq: 1, ack: 1 });
  });
});
