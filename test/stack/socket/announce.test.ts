import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { SOCK_DGRAM, SOCK_STREAM } from "../../../build/generated/node/system.js";
import { StackHost } from "../../../sim/host.js";
import { POOL } from "../support/lan.js";
import { RingPeer, SLOTS } from "../support/ring-peer.js";

const ANY = "0.0.0.0";

describe("what ltran is told of sockets", () => {
  let peer: RingPeer;

  function opened(type: number, port: number, ip = ANY): number {
    const handle = peer.host.doors.socketOpen(4, type);
    peer.host.setEndpoint({ ip, port });
    assert.equal(peer.host.doors.socketBind(handle), 0);
    return handle;
  }

  function listening(port: number, ip = ANY): number {
    const handle = opened(SOCK_STREAM, port, ip);
    assert.equal(peer.host.doors.socketListen(handle, 16), 0);
    return handle;
  }

  function closed(handle: number): void {
    assert.equal(peer.host.doors.socketClose(handle, peer.host.now), 0);
  }

  beforeEach(async () => {
    peer = await RingPeer.open({ size: 64 << 20 });
  });

  it("all that listened or was bound before, then that this is all", () => {
    listening(80);
    listening(81, "10.0.0.1");
    opened(SOCK_DGRAM, 53);
    opened(SOCK_STREAM, 99);
    closed(listening(82));
    peer.connect();
    assert.deepEqual(peer.announced(), [`listen ${ANY}:80`, "listen 10.0.0.1:81", `bind ${ANY}:53`, "done"]);
  });

  it("each change, once", () => {
    peer.connect();
    assert.deepEqual(peer.announced(), ["done"]);
    const listener = listening(80);
    assert.deepEqual(peer.announced(), [`listen ${ANY}:80`]);
    assert.equal(peer.host.doors.socketListen(listener, 16), 0);
    assert.deepEqual(peer.announced(), [], "nothing has changed");
    assert.equal(peer.host.doors.socketListen(listener, 32), 0);
    assert.deepEqual(peer.announced(), [`backlog 32 ${ANY}:80`]);
    closed(listener);
    assert.deepEqual(peer.announced(), [`unlisten ${ANY}:80`]);
    const datagrams = opened(SOCK_DGRAM, 53);
    peer.host.setEndpoint({ ip: "10.0.0.2", port: 9 });
    assert.equal(peer.host.doors.socketConnect(datagrams, peer.host.now), 0);
    assert.deepEqual(peer.announced(), ["bind 10.0.0.1:53"]);
    closed(datagrams);
    assert.deepEqual(peer.announced(), ["unbind 10.0.0.1:53"]);
    closed(listening(81));
    assert.deepEqual(peer.announced(), [], "nobody heard of it");
    assert.equal(peer.host.poolUsed(POOL.socket), 0);
  });

  it("each of the listeners that share an endpoint", () => {
    peer.connect();
    peer.taken();
    const handles = [1, 2].map(() => {
      const handle = peer.host.doors.socketOpen(4, SOCK_STREAM);
      // SO_REUSEPORT of SOL_SOCKET.
      peer.host.view().setInt32(peer.optionAt, 1, true);
      assert.equal(peer.host.doors.socketOptionSet(handle, 1, 15, 4, peer.host.now), 0);
      peer.host.setEndpoint({ ip: ANY, port: 80 });
      assert.equal(peer.host.doors.socketBind(handle), 0);
      assert.equal(peer.host.doors.socketListen(handle, 4), 0);
      return handle;
    });
    assert.deepEqual(peer.announced(), [`listen ${ANY}:80`, `listen ${ANY}:80`]);
    for (const handle of handles) {
      closed(handle);
      assert.deepEqual(peer.announced(), [`unlisten ${ANY}:80`]);
    }
  });

  it("everything in the end, however long the rings were full", () => {
    peer.connect();
    peer.taken();
    // More than the ring and the port's own of 256 slots hold together.
    const count = SLOTS + 500;
    const datagrams = Array.from({ length: count }, (_, i) => opened(SOCK_DGRAM, 2000 + i));
    peer.transmit();
    for (const handle of datagrams) closed(handle);
    peer.transmit();
    assert.ok(peer.host.poolUsed(POOL.socket) > 0, "sockets that were told of are remembered");
    const known = new Set<string>();
    for (const text of peer.announced()) {
      const [kind, endpoint] = text.split(" ") as [string, string];
      if (kind === "bind") known.add(endpoint);
      else assert.ok(known.delete(endpoint), text);
    }
    assert.deepEqual(known, new Set());
    assert.equal(peer.host.poolUsed(POOL.socket), 0);
  });

  it("nothing more once ltran is gone, and everything again when there is another", () => {
    peer.connect();
    peer.taken();
    const gone = Array.from({ length: 800 }, (_, i) => opened(SOCK_DGRAM, 2000 + i));
    peer.transmit();
    for (const handle of gone.slice(1)) closed(handle);
    peer.detach();
    assert.equal(peer.host.poolUsed(POOL.socket), 1, "nothing is kept for an ltran that is gone");
    listening(80);
    peer.host.bytes(peer.region, 64).fill(0);
    peer.connect();
    assert.deepEqual(peer.announced(), [`bind ${ANY}:2000`, `listen ${ANY}:80`, "done"]);
  });
});

/** A stack on a plain port, and one behind a ring port, on one wire. */
class Wire {
  readonly client = new StackHost({ ip: "10.0.0.2", mac: 9, seed: [5n, 6n, 7n, 8n] });
  listener = -1;

  private constructor(readonly peer: RingPeer) {}

  static async open(): Promise<Wire> {
    const peer = await RingPeer.open();
    const wire = new Wire(peer);
    wire.listener = peer.host.doors.socketOpen(4, SOCK_STREAM);
    peer.host.setEndpoint({ ip: ANY, port: 80 });
    assert.equal(peer.host.doors.socketBind(wire.listener), 0);
    assert.equal(peer.host.doors.socketListen(wire.listener, 64), 0);
    return wire;
  }

  /** Lets frames pass and time go by; answers the announcements in the order in which they came. */
  run(steps: number, microseconds = 1000n): string[] {
    const heard: string[] = [];
    for (let i = 0; i < steps; i++) {
      for (const { bytes, announcement } of this.peer.taken()) {
        if (announcement === undefined) this.client.receive([bytes]);
        else heard.push(announcement.kind);
      }
      for (const frame of this.client.transmit()) this.peer.give(frame.bytes);
      this.client.advance(microseconds);
      this.peer.host.advance(microseconds);
    }
    return heard;
  }

  /** A connection: the handles of the client and of the server. */
  connection(): [number, number] {
    const handle = this.client.doors.socketOpen(4, SOCK_STREAM);
    this.client.setEndpoint({ ip: "10.0.0.1", port: 80 });
    this.client.doors.socketConnect(handle, this.client.now);
    this.run(5);
    const accepted = this.peer.host.doors.socketAccept(this.listener, this.peer.host.now);
    assert.ok(accepted >= 0, `accept: ${accepted}`);
    return [handle, accepted];
  }
}

function text(bytes: Uint8Array | number): string {
  return typeof bytes === "number" ? String(bytes) : Buffer.from(bytes).toString();
}

describe("the end of a connection", () => {
  it("is told of when the peer resets it: ltran cannot know whether the reset was taken", async () => {
    const wire = await Wire.open();
    const { peer, client } = wire;
    peer.connect();
    const [ours, theirs] = wire.connection();
    peer.host.send(theirs, Buffer.from("not read"));
    wire.run(3);
    // Data is still unread, so that this is no FIN (RFC 2525, section 2.17).
    client.doors.socketClose(ours, client.now);
    assert.deepEqual(wire.run(3), ["flowGone"]);
    assert.equal(text(peer.host.recv(theirs, 100)), "-104");
  });

  it("is not told of when segments show it", async () => {
    const wire = await Wire.open();
    const { peer, client } = wire;
    peer.connect();
    const [ours, theirs] = wire.connection();
    wire.run(3);
    client.doors.socketClose(ours, client.now);
    wire.run(3);
    peer.host.doors.socketClose(theirs, peer.host.now);
    assert.deepEqual(wire.run(10), []);
  });
});

describe("a restart of ltran", () => {
  it("is survived by connections, which are announced before the listener and go on at once", async () => {
    const wire = await Wire.open();
    const { peer, client } = wire;
    peer.connect();
    const pairs = [1, 2, 3].map(() => wire.connection());
    const [first] = pairs as [[number, number]];
    client.send(first[0], Buffer.from("before"));
    wire.run(3);
    assert.equal(text(peer.host.recv(first[1], 100)), "before");
    peer.detach();
    peer.host.send(first[1], Buffer.from("while it was away"));
    for (let i = 0; i < 20; i++) {
      peer.transmit();
      peer.host.advance(100_000n);
      client.advance(100_000n);
      client.transmit();
    }
    assert.equal(text(client.recv(first[0], 100)), "-11");
    peer.connect();
    const heard = wire.run(3);
    assert.deepEqual(heard, ["flow", "flow", "flow", "listen", "done"]);
    assert.equal(text(client.recv(first[0], 100)), "while it was away", "within 3 ms");
    for (const [ours, theirs] of pairs) {
      client.send(ours, Buffer.from("after"));
      wire.run(3);
      assert.equal(text(peer.host.recv(theirs, 100)), "after");
    }
  });

  it("is told of the end of connections that had closed before: no segment will show that", async () => {
    const wire = await Wire.open();
    const { peer, client } = wire;
    peer.connect();
    const [ours, theirs] = wire.connection();
    peer.host.doors.socketClose(theirs, peer.host.now);
    wire.run(3);
    client.doors.socketClose(ours, client.now);
    assert.deepEqual(wire.run(3), []);
    peer.detach();
    peer.connect();
    assert.deepEqual(wire.run(3), ["flow", "listen", "done"]);
    assert.deepEqual(wire.run(7, 10_000_000n), ["flowGone"]);
  });

  it("announces more flows than rings hold, the endpoints and sequence numbers right", async () => {
    const peer = await RingPeer.open({ size: 64 << 20 });
    peer.connect();
    peer.taken();
    const count = 3000;
    for (let i = 0; i < count; i++) {
      const handle = peer.host.doors.socketOpen(4, SOCK_STREAM);
      peer.host.setEndpoint({ ip: "10.0.0.2", port: 1000 + i });
      peer.host.doors.socketConnect(handle, peer.host.now);
    }
    peer.detach();
    peer.connect();
    const flows = peer.taken().flatMap(({ announcement }) => announcement ?? []);
    assert.equal(flows.pop()?.kind, "done");
    assert.equal(new Set(flows.map(({ remote }) => remote)).size, count);
    for (const { kind, protocol, local, sndNxt, rcvNxt } of flows) {
      assert.deepEqual([kind, protocol, rcvNxt], ["flow", 6, 0]);
      assert.match(local, /^10\.0\.0\.1:\d+$/);
      assert.notEqual(sndNxt, 0);
    }
  });

  it("is told when a connection ends unseen", async () => {
    const peer = await RingPeer.open();
    peer.connect();
    peer.taken();
    const handle = peer.host.doors.socketOpen(4, SOCK_STREAM);
    peer.host.setEndpoint({ ip: "10.0.0.2", port: 80 });
    peer.host.doors.socketConnect(handle, peer.host.now);
    peer.host.doors.socketClose(handle, peer.host.now);
    const [gone] = peer.announced();
    assert.match(gone ?? "", /^flowGone 10\.0\.0\.1:\d+ 10\.0\.0\.2:80$/);
  });
});
