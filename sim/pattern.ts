import type { Random } from "./random.js";

/** A prime, so that no segment or buffer size divides the period. */
const PERIOD = 65521;
const SLICE_MAX = 65536;
const SAMPLE = 12;

/**
 * Bytes that depend on their position: a piece that is missing, repeated or misplaced by anything but a
 * multiple of the period does not match.
 */
export class Pattern {
  private readonly table: Buffer;

  constructor(random: Random) {
    this.table = Buffer.alloc(PERIOD + SLICE_MAX);
    for (let i = 0; i < PERIOD; i++) this.table[i] = random.next() & 0xff;
    for (let i = PERIOD; i < this.table.length; i++) this.table[i] = this.table[i - PERIOD] ?? 0;
  }

  /** The `length` (at most 64 KiB) bytes at `position` of a stream. */
  slice(position: number, length: number): Uint8Array {
    const start = position % PERIOD;
    return this.table.subarray(start, start + Math.min(length, SLICE_MAX));
  }

  /** Whether `bytes` (of any length) are those at `position`. */
  matches(position: number, bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at += SLICE_MAX) {
      const part = bytes.subarray(at, at + SLICE_MAX);
      if (Buffer.compare(part, this.slice(position + at, part.length)) !== 0) return false;
    }
    return true;
  }

  /**
   * How bytes differ from those at `position`: where they do first, and which part of the pattern is there
   * instead.
   */
  describeDifference(position: number, bytes: Uint8Array): string {
    const expected = (at: number) => this.slice(position + at, 1)[0];
    const at = bytes.findIndex((byte, i) => byte !== expected(i));
    if (at < 0) return "no difference";
    const sample = bytes.subarray(at, at + SAMPLE);
    const found = sample.length < SAMPLE ? -1 : this.table.indexOf(sample);
    if (found < 0) return `from byte ${at} on they are from elsewhere`;
    const distance = (found - ((position + at) % PERIOD) + PERIOD) % PERIOD;
    return `from byte ${at} on they are ${distance} (or ${distance - PERIOD}) bytes ahead`;
  }
}
