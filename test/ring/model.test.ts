/**
 * Random sequences of calls on all four ends, against queues in JavaScript; one seed repeats a run exactly.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { openRoom, type Room } from "../support/room.js";
import { CHAIN_MAX, FRAME_MAX, frameOf, HEAD, RingPort, randomFrom, TAIL } from "./port.js";

const STEPS = 4_000;

let room: Room;

before(async () => {
  room = await openRoom("test/ring/rooms/ring.room.ts", 64);
});

/** What one direction should do: slots of frames sent, seen, taken and given back. */
class Direction {
  private readonly queue: { frame: Uint8Array; slots: number }[] = [];
  private sentSlots = 0;
  private freed = 0;
  private taken = 0;
  private visible = 0;
  private sent = 0;
  private given = 0;
  /** Held frames, by the place where they begin. */
  readonly held = new Map<number, { ticket: number; frame: Uint8Array; slots: number }>();

  constructor(
    private readonly slots: number,
    private readonly bufferSize: number,
  ) {}

  fits(length: number): boolean {
    return this.sentSlots + Math.ceil(length / this.bufferSize) - this.freed <= this.slots;
  }

  push(frame: Uint8Array): void {
    const slots = Math.ceil(frame.length / this.bufferSize);
    this.queue.push({ frame, slots });
    this.sentSlots += slots;
    this.sent += 1;
  }

  publish(): void {
    this.visible = this.sent;
  }

  /** The next frame that was published, with the place where it begins. */
  shift(): { frame: Uint8Array; slots: number; place: number } | undefined {
    if (this.visible === this.sent - this.queue.length) return undefined;
    const next = this.queue.shift();
    if (next === undefined) return undefined;
    const place = this.taken;
    this.taken += next.slots;
    return { ...next, place };
  }

  giveBack(): void {
    this.given = Math.min(this.taken, ...this.held.keys());
    this.freed = this.given;
  }

  get index(): number {
    return this.given & 0xffff;
  }
}

function compare(actual: Uint8Array | number, expected: Uint8Array | undefined, what: string): void {
  if (expected === undefined) assert.equal(actual, 0, what);
  else {
    assert.ok(typeof actual !== "number", `${what}: answered ${actual}`);
    assert.ok(Buffer.from(actual).equals(Buffer.from(expected)), what);
  }
}

/** One run. */
class Run {
  private readonly port: RingPort;
  private readonly forward: Direction;
  private readonly back: Direction;
  private readonly random: (limit: number) => number;
  private at = "";

  constructor(seed: number) {
    this.random = randomFrom(seed);
    const slots = 1 << (1 + this.random(8));
    const bufferSize = 64 * (1 + this.random(32));
    this.port = new RingPort(room, slots, bufferSize);
    this.forward = new Direction(slots, bufferSize);
    this.back = new Direction(slots, bufferSize);
  }

  private length(): number {
    const longest = Math.min(CHAIN_MAX * this.port.bufferSize, FRAME_MAX);
    const limit = [64, this.port.bufferSize, 3 * this.port.bufferSize, longest][this.random(4)] ?? 1;
    return 1 + this.random(Math.min(limit, longest));
  }

  private frame(): [Uint8Array, number[]] {
    const frame = frameOf(this.length(), this.random(1 << 30));
    const cuts = Array.from({ length: this.random(4) }, () => this.random(frame.length + 1));
    return [frame, cuts.sort((a, b) => a - b)];
  }

  private peek(): void {
    const expected = this.forward.shift();
    const actual = this.port.serverPeeks(this.random(300));
    compare(typeof actual === "number" ? actual : actual.frame, expected?.frame, this.at);
    if (expected === undefined || this.random(2) === 0) return;
    const ticket = this.port.call("serverHold", this.port.serverTake);
    this.forward.held.set(expected.place, { ticket, frame: expected.frame, slots: expected.slots });
  }

  private release(): void {
    const places = [...this.forward.held.keys()];
    const place = places[this.random(Math.max(1, places.length))];
    const held = place === undefined ? undefined : this.forward.held.get(place);
    if (place === undefined || held === undefined) return;
    this.port.call("serverRelease", this.port.serverTake, held.ticket);
    this.forward.held.delete(place);
  }

  step(at: string): void {
    this.at = at;
    const { port, forward, back } = this;
    const [frame, cuts] = this.frame();
    switch (this.random(10)) {
      case 0:
      case 1:
        assert.equal(port.transmit(frame, cuts), forward.fits(frame.length), at);
        if (forward.fits(frame.length)) forward.push(frame);
        break;
      case 2:
      case 3:
        assert.equal(port.put(frame, cuts), back.fits(frame.length) ? 1 : 0, at);
        if (back.fits(frame.length)) back.push(frame);
        break;
      case 4:
        compare(port.serverTakes(), forward.shift()?.frame, at);
        break;
      case 5:
        compare(port.clientTakes(), back.shift()?.frame, at);
        break;
      case 6:
        this.peek();
        break;
      case 7:
        this.release();
        break;
      case 8:
        port.call("clientTransmitPublish", port.clientTransmit);
        port.call("serverPutPublish", port.serverPut);
        forward.publish();
        back.publish();
        break;
      default:
        port.call("serverTakePublish", port.serverTake);
        port.call("clientTakePublish", port.clientReceive);
        forward.giveBack();
        back.giveBack();
        assert.equal(port.word(port.forward, TAIL), forward.index, at);
        assert.equal(port.word(port.back, HEAD), (back.index + port.slots) & 0xffff, at);
    }
  }

  end(): void {
    const { port } = this;
    for (const end of [port.clientTransmit, port.clientReceive, port.serverTake, port.serverPut]) {
      assert.equal(port.call("endFaults", end), 0);
    }
  }
}

for (let seed = 1; seed <= 20; seed++) {
  test(`${STEPS} random steps, seed ${seed}`, () => {
    const run = new Run(seed);
    for (let step = 0; step < STEPS; step++) run.step(`seed ${seed}, step ${step}`);
    run.end();
  });
}
