import * as layout from "../../../build/generated/node/layout.js";

/** Bytes of a buffer, and from one to the next. */
const BUFFER = 2048;
/** memif version 2: offsets in a ring. */
const COOKIE = 0x3e31f20;
const FLAGS = 4;
const HEAD = 6;
const TAIL = 64;
const DESCRIPTORS = 128;
const MASK_INTERRUPT = 1;

/** A client's end of a ring port, written against the format and not against ring/: a second opinion. */
export class RingClient {
  /** Offsets of both rings in the region, and its size. */
  readonly takeRing = 0;
  readonly putRing: number;
  readonly size: number;
  private readonly buffers: number;
  private sent = 0;
  private read = 0;

  constructor(
    readonly memory: WebAssembly.Memory,
    readonly base: number,
    readonly slots: number,
  ) {
    this.putRing = DESCRIPTORS + slots * 16;
    this.buffers = Math.ceil((2 * this.putRing) / 4096) * 4096;
    this.size = this.buffers + 2 * slots * BUFFER;
    new Uint8Array(memory.buffer, base, this.buffers).fill(0);
    for (const ring of [this.takeRing, this.putRing]) {
      this.view().setUint32(base + ring, COOKIE, true);
      this.view().setUint16(base + ring + FLAGS, MASK_INTERRUPT, true);
    }
    for (let i = 0; i < slots; i++) this.describe(this.putRing, i, BUFFER, 0);
    this.view().setUint16(base + this.putRing + HEAD, slots, true);
  }

  view(): DataView {
    return new DataView(this.memory.buffer);
  }

  private bufferOf(ring: number, index: number): number {
    const at = index & (this.slots - 1);
    return this.buffers + (ring === this.putRing ? this.slots + at : at) * BUFFER;
  }

  /** Writes the descriptor that index `index` falls into. */
  describe(ring: number, index: number, length: number, flags: number): void {
    const at = this.base + ring + DESCRIPTORS + (index & (this.slots - 1)) * 16;
    this.view().setUint16(at, flags, true);
    this.view().setUint16(at + 2, 0, true);
    this.view().setUint32(at + 4, length, true);
    this.view().setUint32(at + 8, this.bufferOf(ring, index), true);
  }

  /** Slots that the server has not given back. */
  used(): number {
    return (this.sent - this.view().getUint16(this.base + this.takeRing + TAIL, true)) & 0xffff;
  }

  /** Publishes a frame; false when the ring has no room. */
  send(frame: Uint8Array): boolean {
    const count = Math.ceil(frame.length / BUFFER);
    if (this.used() + count > this.slots) return false;
    for (let i = 0; i < count; i++) {
      const part = frame.subarray(i * BUFFER, (i + 1) * BUFFER);
      const index = this.sent + i;
      new Uint8Array(this.memory.buffer).set(part, this.base + this.bufferOf(this.takeRing, index));
      this.describe(this.takeRing, index, part.length, i + 1 < count ? 1 : 0);
    }
    this.sent = (this.sent + count) & 0xffff;
    this.view().setUint16(this.base + this.takeRing + HEAD, this.sent, true);
    return true;
  }

  /** Overwrites what was published and not yet given back: what a hostile client would do. */
  scribble(value: number): void {
    const start = this.base + this.buffers;
    new Uint8Array(this.memory.buffer, start, this.slots * BUFFER).fill(value);
  }

  /** Every frame that the server has put, and posts their buffers again. */
  received(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    const tail = this.view().getUint16(this.base + this.putRing + TAIL, true);
    let parts: Uint8Array[] = [];
    while (this.read !== tail) {
      const at = this.base + this.putRing + DESCRIPTORS + (this.read & (this.slots - 1)) * 16;
      const length = this.view().getUint32(at + 4, true);
      const start = this.base + this.bufferOf(this.putRing, this.read);
      parts.push(new Uint8Array(this.memory.buffer).slice(start, start + length));
      if ((this.view().getUint16(at, true) & 1) === 0) {
        frames.push(new Uint8Array(Buffer.concat(parts)));
        parts = [];
      }
      this.describe(this.putRing, this.read, BUFFER, 0);
      this.read = (this.read + 1) & 0xffff;
    }
    this.view().setUint16(this.base + this.putRing + HEAD, (this.read + this.slots) & 0xffff, true);
    return frames;
  }

  /** As consumer: asks for kicks, or not. */
  sleeps(sleeping: boolean): void {
    this.view().setUint16(this.base + this.putRing + FLAGS, sleeping ? 0 : MASK_INTERRUPT, true);
  }

  /** Whether the server asks for kicks. */
  serverSleeps(): boolean {
    return (this.view().getUint16(this.base + this.takeRing + FLAGS, true) & MASK_INTERRUPT) === 0;
  }

  /** Sets the index that the client writes of a ring to anything. */
  setHead(ring: number, value: number): void {
    this.view().setUint16(this.base + ring + HEAD, value, true);
  }
}

/** Header size of virtio-net, when a port's flags ask for one. */
export function virtioSize(flags: number): number {
  return (flags & layout.PORT_FLAG_VNET_HEADER) !== 0 ? 10 : 0;
}
