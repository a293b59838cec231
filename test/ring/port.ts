/**
 * One ring port in the memory of one module: a client and a server, each with its ends, and what tests ask.
 */
import assert from "node:assert/strict";
import type { Room } from "../support/room.js";

const CLIENT_TRANSMIT = 0x10000;
const CLIENT_RECEIVE = 0x10200;
const SERVER_TAKE = 0x10400;
const SERVER_PUT = 0x10600;
const SPANS = 0x10800;
const PEEKED = 0x10c00;
const MARKS = 0x12000;
const SOURCE = 0x20000;
const TARGET = 0x40000;
const REGION = 0x60000;

/** Offsets in a ring (memif version 2). */
export const FLAGS = 4;
export const HEAD = 6;
export const TAIL = 64;
const DESCRIPTORS = 128;

/** RingFault of ring/end.ts. */
export const Fault = { none: 0, index: 1, buffer: 2, header: 3, region: 4, bounds: 5, length: 6, chain: 7 };
/** RingRole of ring/end.ts. */
export const Role = { clientTransmit: 0, clientReceive: 1, serverTake: 2, serverPut: 3 };
export const FRAME_MAX = 65567;
export const CHAIN_MAX = 34;

/** A descriptor, field by field. */
export interface Descriptor {
  flags: number;
  region: number;
  length: number;
  offset: number;
}

export class RingPort {
  readonly clientTransmit = CLIENT_TRANSMIT;
  readonly clientReceive = CLIENT_RECEIVE;
  readonly serverTake = SERVER_TAKE;
  readonly serverPut = SERVER_PUT;
  readonly region = REGION;
  readonly regionSize: number;
  /** Addresses of the rings. */
  readonly forward = REGION;
  readonly back: number;
  readonly target = TARGET;

  constructor(
    readonly room: Room,
    readonly slots = 16,
    readonly bufferSize = 2048,
  ) {
    new Uint8Array(room.memory.buffer).fill(0, 0x10000);
    this.regionSize = this.call("regionSize", slots, bufferSize);
    this.back = REGION + this.call("receiveRingAt", slots);
    assert.equal(this.call("regionLayOut", REGION, slots, bufferSize, CLIENT_TRANSMIT, CLIENT_RECEIVE), 1);
    assert.equal(this.attach(), 1);
  }

  /** The server attaches, or attaches anew. */
  attach(): number {
    const { regionSize, slots, bufferSize } = this;
    const ends = [SERVER_TAKE, SERVER_PUT, MARKS];
    return this.call("regionAttach", REGION, regionSize, slots, bufferSize, ...ends);
  }

  call(name: string, ...args: number[]): number {
    const door = this.room[name];
    assert.ok(door, `no function ${name}`);
    return Number(door(...args));
  }

  get view(): DataView {
    return new DataView(this.room.memory.buffer);
  }

  /** Puts a frame at SOURCE and lists it as spans that end at `cuts`. */
  private list(frame: Uint8Array, cuts: readonly number[]): number {
    new Uint8Array(this.room.memory.buffer).set(frame, SOURCE);
    const ends = [...cuts, frame.length];
    let from = 0;
    ends.forEach((end, index) => {
      this.view.setUint32(SPANS + 8 * index, SOURCE + from, true);
      this.view.setUint32(SPANS + 8 * index + 4, end - from, true);
      from = end;
    });
    return ends.length;
  }

  /** The client transmits without publishing. */
  transmit(frame: Uint8Array, cuts: readonly number[] = []): boolean {
    return this.call("clientTransmit", CLIENT_TRANSMIT, SPANS, this.list(frame, cuts)) === 1;
  }

  /** The server puts without publishing. */
  put(frame: Uint8Array, cuts: readonly number[] = []): number {
    return this.call("serverPut", SERVER_PUT, SPANS, this.list(frame, cuts));
  }

  private taken(length: number): Uint8Array | number {
    return length <= 0 ? length : new Uint8Array(this.room.memory.buffer).slice(TARGET, TARGET + length);
  }

  /** What the client takes: a frame, 0 or -1. */
  clientTakes(limit = FRAME_MAX): Uint8Array | number {
    return this.taken(this.call("clientTake", CLIENT_RECEIVE, TARGET, limit));
  }

  /** What the server takes: a frame, 0 or -1. */
  serverTakes(limit = FRAME_MAX): Uint8Array | number {
    return this.taken(this.call("serverTake", SERVER_TAKE, TARGET, limit));
  }

  /** What the server peeks: the frame put together from head and spans, with the number of these. */
  serverPeeks(headLimit: number): { frame: Uint8Array; spans: number } | number {
    const length = this.call("serverPeek", SERVER_TAKE, TARGET, headLimit, PEEKED);
    if (length <= 0) return length;
    const spans = this.call("endSpanCount", SERVER_TAKE);
    return { frame: this.together(length, headLimit, spans), spans };
  }

  private together(length: number, headLimit: number, spans: number): Uint8Array {
    const bytes = new Uint8Array(this.room.memory.buffer);
    const frame = new Uint8Array(length);
    let at = Math.min(length, headLimit);
    frame.set(bytes.subarray(TARGET, TARGET + at));
    for (const { address, length: part } of this.peekedSpans(spans)) {
      frame.set(bytes.subarray(address, address + part), at);
      at += part;
    }
    assert.equal(at, length);
    return frame;
  }

  /** The spans of the last peek: all inside the region. */
  peekedSpans(count: number): { address: number; length: number }[] {
    assert.ok(count <= CHAIN_MAX);
    return Array.from({ length: count }, (_, index) => {
      const address = this.view.getUint32(PEEKED + 8 * index, true);
      const length = this.view.getUint32(PEEKED + 8 * index + 4, true);
      assert.ok(address >= REGION && address + length <= REGION + this.regionSize, "a span in the region");
      return { address, length };
    });
  }

  publishAll(): void {
    this.call("clientTransmitPublish", CLIENT_TRANSMIT);
    this.call("clientTakePublish", CLIENT_RECEIVE);
    this.call("serverPutPublish", SERVER_PUT);
    this.call("serverTakePublish", SERVER_TAKE);
  }

  word(ring: number, offset: number): number {
    return this.view.getUint16(ring + offset, true);
  }

  setWord(ring: number, offset: number, value: number): void {
    this.view.setUint16(ring + offset, value, true);
  }

  /** Whether an address lies in a descriptor. */
  isDescriptor(address: number): boolean {
    return [this.forward, this.back].some((ring) => {
      return address >= ring + DESCRIPTORS && address < ring + DESCRIPTORS + 16 * this.slots;
    });
  }

  private descriptorAt(ring: number, index: number): number {
    return ring + DESCRIPTORS + 16 * (index % this.slots);
  }

  descriptor(ring: number, index: number): Descriptor {
    const at = this.descriptorAt(ring, index);
    const { view } = this;
    return {
      flags: view.getUint16(at, true),
      region: view.getUint16(at + 2, true),
      length: view.getUint32(at + 4, true),
      offset: view.getUint32(at + 8, true),
    };
  }

  /** Changes some fields of a descriptor, as a hostile peer would. */
  describe(ring: number, index: number, change: Partial<Descriptor>): void {
    const at = this.descriptorAt(ring, index);
    const { view } = this;
    const all = { ...this.descriptor(ring, index), ...change };
    view.setUint16(at, all.flags, true);
    view.setUint16(at + 2, all.region, true);
    view.setUint32(at + 4, all.length, true);
    view.setUint32(at + 8, all.offset, true);
  }
}

/** A frame whose bytes follow from `seed`. */
export function frameOf(length: number, seed: number): Uint8Array {
  const frame = new Uint8Array(length);
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    frame[i] = state >>> 24;
  }
  return frame;
}

/** Numbers from a seed: the same ones each time. */
export function randomFrom(seed: number): (limit: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}
