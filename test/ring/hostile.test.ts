/**
 * One end of a port against a peer that changes shared memory between any two of its loads. Every load and
 * store of the module is watched: none may leave the region and the end's own memory, and their number is
 * bounded.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import binaryen from "assemblyscript/binaryen";
import { moduleImports } from "../../sim/imports.js";
import { compileRoom, type Room } from "../support/room.js";
import { FLAGS, FRAME_MAX, frameOf, HEAD, RingPort, randomFrom, TAIL } from "./port.js";

/** Steps of each run; both ends, several seeds. */
const STEPS = Number(process.env["GAZELLE_RING_STEPS"] ?? 25_000);
/** A call copies FRAME_MAX bytes, byte by byte at worst, and looks at some descriptors and spans. */
const ACCESSES_MAX = 3 * FRAME_MAX;
const PRIVATE = 0x10000;

let binary: Uint8Array;

before(async () => {
  // Without bulk memory and vectors every copy is made of loads and stores, which can be watched.
  const features = ["--disable", "bulk-memory", "--disable", "simd"];
  const module = binaryen.readBinary(await compileRoom("test/ring/rooms/ring.room.ts", features));
  module.setFeatures(binaryen.Features.All);
  module.runPasses(["instrument-memory"]);
  binary = new Uint8Array(module.emitBinary());
  module.dispose();
});

/** The module, watched, with somebody who changes the region. */
class Watched {
  readonly room: Room;
  readonly port: RingPort;
  private accesses = 0;
  private isHostile = false;
  private readonly random: (limit: number) => number;
  /** A change happens before one load in so many. */
  private rarity = 50;
  /** Descriptor words that the call has read. */
  private readonly words = new Set<number>();

  constructor(
    seed: number,
    /** The peer keeps to the rules: no change is made. */
    private readonly isHonest = false,
  ) {
    this.random = randomFrom(seed);
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16 });
    const compiled = new WebAssembly.Module(binary as BufferSource);
    const env: Record<string, WebAssembly.ImportValue> = { ...this.imports(memory), memory };
    for (const { name, kind } of WebAssembly.Module.imports(compiled)) {
      if (kind === "function" && !(name in env)) env[name] = this.report(name);
    }
    const { exports } = new WebAssembly.Instance(compiled, { env });
    this.room = Object.assign({}, exports, { memory }) as unknown as Room;
    this.port = new RingPort(this.room, 64, 512);
  }

  /** What the module imports itself, watched too. */
  private imports(memory: WebAssembly.Memory): Record<string, WebAssembly.ImportValue> {
    const plain = moduleImports(memory) as Record<string, (...args: number[]) => number | bigint>;
    const watch = (name: string, bytes: number) => (address: number, value: number) => {
      this.check(address >>> 0, bytes, name);
      return plain[name]?.(address, value);
    };
    return {
      loadAcquire16: watch("loadAcquire16", 2),
      storeRelease16: watch("storeRelease16", 2),
      loadOnce64: watch("loadOnce64", 8),
      fullFence: () => {},
    };
  }

  /** The instrumented accesses: (id, bytes, offset, address); values pass through. */
  private report(name: string): (...values: (number | bigint)[]) => number | bigint {
    if (name !== "load_ptr" && name !== "store_ptr") return (...values) => values.at(-1) ?? 0;
    return (_id, bytes, offset, address) => {
      this.check((Number(address) >>> 0) + Number(offset), Number(bytes), name);
      return address ?? 0;
    };
  }

  private check(address: number, bytes: number, what: string): void {
    if (!this.isHostile) return;
    this.accesses += 1;
    const end = this.port.region + this.port.regionSize;
    assert.ok(address >= PRIVATE && address + bytes <= end, `${what} of ${bytes} bytes at ${address}`);
    assert.ok(this.accesses <= ACCESSES_MAX, "a call without end");
    if (this.port.isDescriptor(address)) this.readOnce(address, what);
    if (!this.isHonest && what !== "store_ptr" && this.random(this.rarity) === 0) this.change();
  }

  /** What was checked must be what is used: a descriptor's word is read once, and not by a plain load. */
  private readOnce(address: number, what: string): void {
    if (what === "loadOnce64") {
      assert.ok(!this.words.has(address), `the word at ${address} is read twice`);
      this.words.add(address);
    }
    // A hostile peer may have made a descriptor part of a frame.
    if (this.isHonest) assert.notEqual(what, "load_ptr", `a plain load of the descriptor at ${address}`);
  }

  private small(): number {
    return this.random(80) - 8;
  }

  /** Sets some shared word to something near what it is, near a limit, or to anything. */
  change(): void {
    const { port } = this;
    const ring = this.random(2) === 0 ? port.forward : port.back;
    const anything = () => (this.random(0x10000) * 0x10000 + this.random(0x10000)) >>> 0;
    switch (this.random(8)) {
      case 0: {
        const word = [FLAGS, HEAD, TAIL][this.random(3)] ?? HEAD;
        // Seldom far: a ring that dies at once shows nothing more.
        const value = this.random(20) === 0 ? anything() : port.word(ring, word) + (this.random(8) - 1);
        port.setWord(ring, word, value & 0xffff);
        return;
      }
      case 1:
        port.describe(ring, this.random(64), { flags: this.random(4) });
        return;
      case 2:
        port.describe(ring, this.random(64), { flags: 1, length: this.random(600) });
        return;
      case 3:
        port.describe(ring, this.random(64), {
          length: [0, 1, 511, 512, 513, anything()][this.random(6)] ?? 0,
        });
        return;
      case 4:
        port.describe(ring, this.random(64), {
          offset: (port.regionSize - 512 + this.small()) >>> 0,
          length: this.random(600),
        });
        return;
      case 5:
        port.describe(ring, this.random(64), { offset: anything(), length: anything() });
        return;
      case 6:
        port.describe(ring, this.random(64), { region: this.random(3) });
        return;
      default:
        // A posted buffer, or a frame's bytes, on the ring's own words.
        port.describe(ring, this.random(64), { offset: this.random(4096), length: this.random(2048) });
    }
  }

  /** Calls a door while the peer is at work. */
  attacked<T>(work: () => T): T {
    this.accesses = 0;
    this.words.clear();
    this.rarity = 5 + this.random(400);
    this.isHostile = true;
    try {
      return work();
    } finally {
      this.isHostile = false;
    }
  }
}

/** Everything outside the region and the ends' own areas, to see that it stays. */
function digest(port: RingPort): Buffer {
  const bytes = Buffer.from(port.room.memory.buffer);
  return Buffer.concat([bytes.subarray(0, PRIVATE), bytes.subarray(port.region + port.regionSize)]);
}

function guard(port: RingPort): Buffer {
  new Uint8Array(port.room.memory.buffer).fill(0xa5, port.region + port.regionSize);
  return digest(port);
}

interface Tally {
  frames: number;
  faults: number;
  deaths: number;
}

/** One call on a random end of one side; its answer where that is a frame's length, 0 or -1. */
function attackedCall(
  watched: Watched,
  side: "server" | "client",
  random: (limit: number) => number,
): number {
  const { port } = watched;
  const frame = frameOf(1 + random([64, 600, 9000, 17408][random(4)] ?? 1), random(1 << 20));
  const [take, send] =
    side === "server" ? [port.serverTake, port.serverPut] : [port.clientReceive, port.clientTransmit];
  const limit = [60, 1514, FRAME_MAX][random(3)] ?? FRAME_MAX;
  const lengthOf = (taken: Uint8Array | number) => (typeof taken === "number" ? taken : taken.length);
  switch (random(9)) {
    case 0:
    case 1:
      if (side === "client") return watched.attacked(() => (port.transmit(frame) ? frame.length : 0));
      return watched.attacked(() => port.put(frame, [frame.length >> 1]));
    case 2:
      return watched.attacked(() => {
        return lengthOf(side === "server" ? port.serverTakes(limit) : port.clientTakes(limit));
      });
    case 3:
    case 4: {
      if (side === "client") return watched.attacked(() => lengthOf(port.clientTakes(limit)));
      const peeked = watched.attacked(() => port.serverPeeks(random(300)));
      if (typeof peeked === "number") return peeked;
      if (random(2) === 0) {
        const ticket = port.call("serverHold", take);
        if (random(16) !== 0) port.call("serverRelease", take, ticket);
      }
      return peeked.frame.length;
    }
    case 5:
      watched.attacked(() => port.call(`${side}TakePublish`, take));
      return 0;
    case 6:
      watched.attacked(() =>
        port.call(side === "server" ? "serverPutPublish" : "clientTransmitPublish", send),
      );
      return 0;
    case 7:
      watched.attacked(() => port.call("ringSleep", take));
      watched.attacked(() => port.call("ringPending", take));
      watched.attacked(() => port.call("ringAwake", take));
      return 0;
    default:
      watched.attacked(() => port.call("ringWantsKick", send));
      watched.attacked(() => port.call("ringHasRoom", send, random(70)));
      watched.attacked(() => port.call("ringWantsRoomKick", take));
      return 0;
  }
}

function attack(side: "server" | "client", seed: number, isHonest = false): Tally {
  const watched = new Watched(seed, isHonest);
  const random = randomFrom(seed + 1_000);
  let { port } = watched;
  let before = guard(port);
  const tally = { frames: 0, faults: 0, deaths: 0 };
  for (let step = 0; step < STEPS; step++) {
    const answer = attackedCall(watched, side, random);
    assert.ok(Number.isInteger(answer) && answer >= -1 && answer <= FRAME_MAX, `step ${step}: ${answer}`);
    if (answer > 0) tally.frames += 1;
    if (answer < 0) tally.faults += 1;
    // The other end goes on as if nothing were: an honest peer whose memory somebody writes.
    if (random(3) === 0) {
      if (side === "server") port.transmit(frameOf(1 + random(2000), step));
      else port.put(frameOf(1 + random(2000), step));
      port.publishAll();
    }
    if (!isHonest && random(50) === 0) watched.change();
    const ends = [port.serverTake, port.serverPut, port.clientReceive, port.clientTransmit];
    if (ends.some((end) => port.call("endBroken", end) !== 0) || random(400) === 0) {
      tally.deaths += 1;
      assert.ok(digest(port).equals(before), `step ${step}: memory outside the region changed`);
      port = new RingPort(watched.room, 64, 512);
      Object.assign(watched, { port });
      before = guard(port);
    }
  }
  assert.ok(digest(port).equals(before), "memory outside the region changed");
  return tally;
}

for (const side of ["server", "client"] as const) {
  for (const seed of [1, 2]) {
    test(`a hostile peer of the ${side}, ${STEPS} steps, seed ${seed}`, (context) => {
      const tally = attack(side, seed);
      context.diagnostic(JSON.stringify(tally));
      // It was an attack, and not on a dead ring all the time.
      assert.ok(tally.frames > STEPS / 40 && tally.deaths > STEPS / 1000, JSON.stringify(tally));
      if (side === "server") assert.ok(tally.faults > STEPS / 200, JSON.stringify(tally));
    });
  }
}

test("descriptors are read once, with an honest peer too", (context) => {
  for (const side of ["server", "client"] as const) {
    const tally = attack(side, 3, true);
    context.diagnostic(JSON.stringify(tally));
    assert.ok(tally.frames > STEPS / 20);
  }
});
