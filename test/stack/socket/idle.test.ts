// What an event loop costs must not grow with connections that have nothing to say. Counted, not timed.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { EPOLLIN, SOCK_STREAM } from "../../../build/generated/node/system.js";
import type { StackHost } from "../../../sim/host.js";
import { fromPeer, Lan, OWN, PEER } from "../support/lan.js";
import { MemoryAccesses } from "../support/memory-accesses.js";
import { parseTcp, type Segment, tcp } from "../support/tcp-segment.js";

const PORT = 80;
const ACTIVE_PORT = 9999;
const MESSAGE = new Uint8Array(64).fill(42);
const TURNS = 20;
const IDLE = 1000;

/** A connection as its peer knows it. */
interface Connection {
  handle: number;
  port: number;
  /** Sequence numbers of the next byte, theirs and ours. */
  next: number;
  expected: number;
}

/** A server of many connections, in an event loop. */
class Server {
  readonly accesses = new MemoryAccesses();
  private readonly lan = new Lan({ size: 64 << 20, module: this.accesses.module });
  private readonly host: StackHost = this.lan.host;
  private readonly listener: number;
  private readonly set: number;
  readonly active: Connection;

  constructor(idle: number) {
    this.lan.meet();
    const { doors } = this.host;
    this.listener = doors.socketOpen(4, SOCK_STREAM);
    this.host.setEndpoint({ ip: "0.0.0.0", port: PORT });
    assert.equal(doors.socketBind(this.listener), 0);
    assert.equal(doors.socketListen(this.listener, 16), 0);
    this.set = doors.waitSetOpen();
    this.active = this.open(ACTIVE_PORT);
    for (let i = 0; i < idle; i++) this.open(10_000 + i);
  }

  /** A segment of the peer, and what the stack answers. */
  private inject(port: number, flags: string, sequence: number, acknowledgement: number, payload = MESSAGE) {
    const segment: Segment = {
      sourcePort: port,
      destinationPort: PORT,
      sequence,
      acknowledgement,
      flags,
      window: 65535,
      payload: flags.includes("P") ? payload : new Uint8Array(0),
    };
    const sent = this.lan.give(fromPeer({ protocol: 6, payload: tcp(segment, PEER, OWN) }));
    return sent.flatMap(({ ip }) => (ip ? [parseTcp(ip.payload, ip.source, ip.destination)] : []));
  }

  private open(port: number): Connection {
    const [answer] = this.inject(port, "S", 1000, 0);
    assert.equal(answer?.flags, "SA");
    const expected = (answer.sequence + 1) >>> 0;
    this.inject(port, "A", 1001, expected);
    const handle = this.host.doors.socketAccept(this.listener, this.host.now);
    assert.ok(handle >= 0);
    assert.equal(this.host.doors.interestAdd(this.set, handle, port, EPOLLIN, BigInt(port)), 0);
    return { handle, port, next: 1001, expected };
  }

  /** The peer asks. */
  ask(connection: Connection): void {
    const { port, next, expected } = connection;
    this.inject(port, "PA", next, expected);
    connection.next = (next + MESSAGE.length) >>> 0;
  }

  /** epoll_wait(). */
  harvest(): number {
    return this.host.doors.waitSetHarvest(this.set, 64);
  }

  /** Reads the question and answers it. */
  answer(connection: Connection): void {
    const got = this.host.recv(connection.handle, 1000);
    assert.ok(typeof got !== "number" && got.length === MESSAGE.length);
    assert.equal(this.host.send(connection.handle, MESSAGE), MESSAGE.length);
    const [segment] = this.lan.sent().flatMap(({ ip }) => (ip ? [ip.payload] : []));
    assert.ok(segment !== undefined && segment.length >= MESSAGE.length);
    connection.expected = (connection.expected + MESSAGE.length) >>> 0;
  }

  /** Accesses of epoll_wait, and of whole turns with input and output, in some turns of the event loop. */
  turns(): { waits: number; all: number } {
    let waits = 0;
    const all = this.accesses.during(() => {
      for (let i = 0; i < TURNS; i++) {
        this.ask(this.active);
        waits += this.accesses.during(() => assert.equal(this.harvest(), 1));
        assert.equal(this.host.view().getUint32(layout.CALL_EVENT + layout.EVENT_DATA, true), ACTIVE_PORT);
        this.answer(this.active);
        waits += this.accesses.during(() => assert.equal(this.harvest(), 0));
      }
    });
    return { waits, all };
  }
}

describe("idle connections", () => {
  it(`cost nothing: ${IDLE} beside an active one make epoll_wait do the same work as none`, () => {
    const alone = new Server(0).turns();
    const crowded = new Server(IDLE).turns();
    assert.ok(alone.waits > TURNS * 10, `${alone.waits} accesses of epoll_wait`);
    assert.equal(crowded.waits, alone.waits);
    const ratio = crowded.all / alone.all;
    assert.ok(Math.abs(ratio - 1) < 0.02, `whole turns: ${crowded.all} against ${alone.all} accesses`);
  });

  it("cost as soon as they are ready: the count sees work", () => {
    const server = new Server(0);
    const one = server.accesses.during(() => server.harvest());
    server.ask(server.active);
    const ready = server.accesses.during(() => assert.equal(server.harvest(), 1));
    assert.ok(ready > one);
  });
});
