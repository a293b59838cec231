import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { IPPROTO_TCP, MSG_MORE, TCP_CORK, TCP_NODELAY } from "../../../build/generated/node/system.js";
import { TcpPeer } from "../support/tcp-peer.js";

const MSS = 1460;
/** Of Ethernet, IPv4 and TCP without options. */
const HEADERS = 54;

describe("TCP Nagle, TCP_NODELAY, TCP_CORK (RFC 9293, section 3.7.4)", () => {
  it("holds a second small segment until the first one is acknowledged", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 10);
    peer.expect("PA", { seq: 1, data: 10 });
    peer.write(handle, 10);
    peer.write(handle, 10);
    peer.expectNothing();
    peer.inject("A", { seq: 1, ack: 11 });
    peer.expect("PA", { seq: 11, data: 20 });
  });

  it("sends full segments whatever is in flight", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 10);
    peer.expect("PA", { data: 10 });
    peer.write(handle, MSS + 5);
    peer.expect("A", { seq: 11, data: MSS });
    peer.expectNothing();
  });

  it("sends the tail of a large write when only full segments are in flight (Minshall)", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, MSS + 5);
    peer.expect("A", { seq: 1, data: MSS });
    peer.expect("PA", { seq: 1 + MSS, data: 5 });
  });

  it("sends the tail of a large write also after two gigabytes without any (Minshall)", () => {
    const peer = new TcpPeer({
      flags: layout.PORT_FLAG_SEGMENTATION,
      segmentationMax: 65000,
    });
    const handle = peer.open({ mss: 1460, scale: 10 });
    const { host } = peer.lan;
    let at = 1;
    /** Writes, answers all that comes, and answers how many bytes came. */
    const write = (length: number): number => {
      const end = at + host.send(handle, new Uint8Array(length), 0);
      const start = at;
      for (let frames = host.transmit(); frames.length > 0; frames = host.transmit()) {
        for (const frame of frames) at += frame.bytes.length - HEADERS;
        host.receive([peer.frame("A", { seq: 1, ack: at })]);
      }
      assert.ok(at <= end);
      return at - start;
    };
    assert.equal(write(10), 10);
    while (at < 2 ** 31 + 1_000_000) assert.equal(write(1460 * 20), 1460 * 20);
    assert.equal(write(10), 10);
  });

  it("TCP_NODELAY sends at once", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.option(handle, IPPROTO_TCP, TCP_NODELAY, 1);
    for (let i = 0; i < 3; i++) {
      peer.write(handle, 10);
      peer.expect("PA", { seq: 1 + 10 * i, data: 10 });
    }
  });

  it("setting TCP_NODELAY lets go what waits", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 10);
    peer.expect("PA");
    peer.write(handle, 10);
    peer.expectNothing();
    peer.option(handle, IPPROTO_TCP, TCP_NODELAY, 1);
    peer.expect("PA", { seq: 11, data: 10 });
  });

  it("TCP_CORK holds a partial segment until it is taken off, or 200 ms have passed", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.option(handle, IPPROTO_TCP, TCP_CORK, 1);
    peer.write(handle, 100);
    peer.expectNothing();
    peer.write(handle, MSS);
    peer.expect("A", { seq: 1, data: MSS });
    peer.option(handle, IPPROTO_TCP, TCP_CORK, 0);
    peer.expect("PA", { seq: 1 + MSS, data: 100 });
    peer.inject("A", { seq: 1, ack: 101 + MSS });
    peer.option(handle, IPPROTO_TCP, TCP_CORK, 1);
    peer.write(handle, 50);
    peer.wait(198_000);
    peer.expectNothing();
    peer.wait(4000);
    peer.expect("PA", { data: 50 });
  });

  it("MSG_MORE holds a partial segment until a send without it", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 100, MSG_MORE);
    peer.expectNothing();
    peer.write(handle, 100);
    peer.expect("PA", { seq: 1, data: 200 });
  });

  it("small writes of one turn become one segment", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    for (let i = 0; i < 16; i++) peer.lan.host.send(handle, new Uint8Array(7));
    peer.expect("PA", { seq: 1, data: 112 });
  });
});
