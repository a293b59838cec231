import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { EAGAIN, SOCK_DGRAM, SOCK_STREAM } from "../../../build/generated/node/system.js";
import { StackHost } from "../../../sim/host.js";
import { Random } from "../support/random.js";

const FRAME_FLAGS = layout.PORTS + layout.PORT_RX + layout.RX_FRAME_FLAGS;
const SERVER = { ip: "10.0.0.1", port: 80 };
const CLIENT = { ip: "10.0.0.2", port: 90 };
const STEP_US = 500n;
const STEPS_MOST = 20_000;

/**
 * A process of several stacks and one ordinary stack on a wire; each frame for the process arrives in a queue
 * that chance chooses, as on devices whose queues nobody can predict.
 */
class Wire {
  readonly stacks: StackHost[];
  readonly peer = new StackHost({ ip: CLIENT.ip, mac: 2, seed: [9n, 8n, 7n, 6n] });
  private readonly random: Random;

  constructor(seed: number, count: number) {
    this.random = new Random(seed);
    this.stacks = Array.from({ length: count }, (_, index) => {
      const host = new StackHost({ ip: SERVER.ip, seed: [BigInt(seed), BigInt(index + 1), 3n, 4n] });
      host.doors.stackPlace(index, count);
      return host;
    });
  }

  private deliver(frame: Uint8Array): void {
    let flags = 0;
    for (let index = this.random.below(this.stacks.length); ; index++) {
      const host = this.stacks[index % this.stacks.length] ?? assert.fail();
      host.receive([frame], flags);
      flags = host.view().getUint32(FRAME_FLAGS, true);
      if (flags >> layout.RX_SEEN_SHIFT === 0) return;
    }
  }

  step(): void {
    for (const frame of this.peer.transmit()) this.deliver(frame.bytes);
    for (const host of this.stacks) for (const frame of host.transmit()) this.peer.receive([frame.bytes]);
    for (const host of [...this.stacks, this.peer]) host.advance(STEP_US);
  }

  /** Steps until `done` answers something. */
  until<T>(what: string, done: () => T | undefined): T {
    for (let i = 0; i < STEPS_MOST; i++) {
      const result = done();
      if (result !== undefined) return result;
      this.step();
    }
    return assert.fail(`${what} does not happen`);
  }

  accepted(host: StackHost, listener: number): number {
    return this.until("accept", () => {
      const handle = host.doors.socketAccept(listener, host.now);
      return handle === -EAGAIN ? undefined : handle;
    });
  }

  received(host: StackHost, handle: number, length: number): Uint8Array {
    const parts: Uint8Array[] = [];
    return this.until(`${length} bytes`, () => {
      const part = host.recv(handle, length);
      if (typeof part !== "number") parts.push(part);
      else assert.equal(part, -EAGAIN);
      const all = Buffer.concat(parts);
      return all.length < length ? undefined : new Uint8Array(all);
    });
  }
}

function listening(host: StackHost, address: { ip: string; port: number }): number {
  const handle = host.doors.socketOpen(4, SOCK_STREAM);
  host.setEndpoint(address);
  assert.equal(host.doors.socketBind(handle), 0);
  assert.equal(host.doors.socketListen(handle, 64), 0);
  return handle;
}

function connecting(host: StackHost, address: { ip: string; port: number }): number {
  const handle = host.doors.socketOpen(4, SOCK_STREAM);
  host.setEndpoint(address);
  host.doors.socketConnect(handle, host.now);
  return handle;
}

/** Carries data both ways over one connection and compares it. */
function exchange(wire: Wire, from: StackHost, fromHandle: number, to: StackHost, toHandle: number): void {
  for (const [source, sending, target, receiving] of [
    [from, fromHandle, to, toHandle],
    [to, toHandle, from, fromHandle],
  ] as const) {
    const data = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);
    assert.equal(source.send(sending, data), data.length);
    assert.deepEqual(wire.received(target, receiving, data.length), data);
  }
}

for (const count of [2, 3, 5]) {
  describe(`${count} stacks with one address, and queues that chance chooses`, () => {
    it("accept in the stack that listens", () => {
      const wire = new Wire(count, count);
      const owner = wire.stacks[count - 1] ?? assert.fail();
      const listener = listening(owner, SERVER);
      for (let i = 0; i < 5; i++) {
        const client = connecting(wire.peer, SERVER);
        exchange(wire, wire.peer, client, owner, wire.accepted(owner, listener));
      }
    });

    it("connect from every one", () => {
      const wire = new Wire(10 + count, count);
      const listener = listening(wire.peer, CLIENT);
      for (const host of wire.stacks) {
        const handle = connecting(host, CLIENT);
        const accepted = wire.accepted(wire.peer, listener);
        const port = wire.peer.endpoint().port;
        assert.equal(port % count, wire.stacks.indexOf(host), "the port says which stack");
        exchange(wire, host, handle, wire.peer, accepted);
      }
    });

    it("receive datagrams, whole and in fragments, once", () => {
      const wire = new Wire(20 + count, count);
      wire.stacks.forEach((host, index) => {
        const to = { ip: SERVER.ip, port: 500 + index };
        const bound = host.doors.socketOpen(4, SOCK_DGRAM);
        host.setEndpoint(to);
        assert.equal(host.doors.socketBind(bound), 0);
        for (const length of [10, 1_400, 4_000, 9_000]) {
          const sender = wire.peer.doors.socketOpen(4, SOCK_DGRAM);
          wire.peer.setEndpoint(to);
          assert.equal(wire.peer.send(sender, new Uint8Array(length).fill(length & 255)), length);
          const data = wire.until(`a datagram of ${length} bytes`, () => {
            const part = host.recv(bound, 16_000);
            return typeof part === "number" ? undefined : part;
          });
          assert.deepEqual(data, new Uint8Array(length).fill(length & 255));
          for (let i = 0; i < 4; i++) wire.step();
          assert.equal(host.recv(bound, 16_000), -EAGAIN, "no second one");
        }
      });
    });
  });
}
