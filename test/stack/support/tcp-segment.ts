import { complement, sumBytes } from "../../../sim/wire/checksum.js";
import { joined, read16, read32, write16, write32 } from "./frames.js";
import { addressBytes } from "./ipv6.js";

/** A TCP segment as tests speak of it. Sequence numbers are absolute here. */
export interface Segment {
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgement: number;
  /** Letters of S F R P A U. */
  flags: string;
  /** The field, not scaled. */
  window: number;
  payload: Uint8Array;
  mss?: number;
  windowScale?: number;
  sackPermitted?: boolean;
  /** Value and echo. */
  timestamps?: [number, number];
  /** Left and right edges. */
  sack?: [number, number][];
  /** Options as they are, in place of those above. */
  rawOptions?: Uint8Array;
}

const FLAGS = "FSRPAU";

function flagBits(flags: string): number {
  return [...flags].reduce((bits, letter) => bits | (1 << FLAGS.indexOf(letter)), 0);
}

function flagLetters(bits: number): string {
  return [..."SFRPAU"].filter((letter) => bits & (1 << FLAGS.indexOf(letter))).join("");
}

function word(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function optionBytes(segment: Segment): Uint8Array {
  if (segment.rawOptions !== undefined) return segment.rawOptions;
  const bytes: number[] = [];
  if (segment.mss !== undefined) bytes.push(2, 4, segment.mss >> 8, segment.mss & 255);
  if (segment.sackPermitted) bytes.push(1, 1, 4, 2);
  if (segment.windowScale !== undefined) bytes.push(1, 3, 3, segment.windowScale);
  if (segment.timestamps) bytes.push(1, 1, 8, 10, ...segment.timestamps.flatMap(word));
  if (segment.sack) bytes.push(1, 1, 5, 2 + 8 * segment.sack.length, ...segment.sack.flat().flatMap(word));
  return Uint8Array.from(bytes);
}

function checksumOf(bytes: Uint8Array, source: string, destination: string): number {
  const ends = joined(addressBytes(source), addressBytes(destination));
  const pseudo = sumBytes(ends, 0, ends.length) + 6 + bytes.length;
  return complement(sumBytes(bytes, 0, bytes.length, pseudo));
}

/** Header, options and payload with the checksum between two addresses. */
export function tcp(segment: Segment, source: string, destination: string): Uint8Array {
  const options = optionBytes(segment);
  if (options.length % 4 !== 0) throw new Error("options must fill words");
  const headerLength = 20 + options.length;
  const bytes = new Uint8Array(headerLength + segment.payload.length);
  write16(bytes, 0, segment.sourcePort);
  write16(bytes, 2, segment.destinationPort);
  write32(bytes, 4, segment.sequence >>> 0);
  write32(bytes, 8, segment.acknowledgement >>> 0);
  bytes[12] = (headerLength / 4) << 4;
  bytes[13] = flagBits(segment.flags);
  write16(bytes, 14, segment.window);
  bytes.set(options, 20);
  bytes.set(segment.payload, headerLength);
  write16(bytes, 16, checksumOf(bytes, source, destination));
  return bytes;
}

function takeOption(segment: Segment, bytes: Uint8Array, at: number): void {
  const kind = bytes[at];
  if (kind === 2) segment.mss = read16(bytes, at + 2);
  if (kind === 3) segment.windowScale = bytes[at + 2] ?? 0;
  if (kind === 4) segment.sackPermitted = true;
  if (kind === 8) segment.timestamps = [read32(bytes, at + 2), read32(bytes, at + 6)];
  if (kind === 5) {
    const count = ((bytes[at + 1] ?? 2) - 2) / 8;
    segment.sack = Array.from({ length: count }, (_, i) => [
      read32(bytes, at + 2 + 8 * i),
      read32(bytes, at + 6 + 8 * i),
    ]);
  }
}

/** Takes a segment apart; throws when its checksum or its options are wrong. */
export function parseTcp(bytes: Uint8Array, source: string, destination: string): Segment {
  if (checksumOf(bytes, source, destination) !== 0) throw new Error("checksum of a TCP segment is wrong");
  const headerLength = ((bytes[12] ?? 0) >> 4) * 4;
  const segment: Segment = {
    sourcePort: read16(bytes, 0),
    destinationPort: read16(bytes, 2),
    sequence: read32(bytes, 4),
    acknowledgement: read32(bytes, 8),
    flags: flagLetters(bytes[13] ?? 0),
    window: read16(bytes, 14),
    payload: bytes.slice(headerLength),
  };
  let at = 20;
  while (at < headerLength && bytes[at] !== 0) {
    if (bytes[at] === 1) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > headerLength) throw new Error("an option does not fit");
    takeOption(segment, bytes, at);
    at += length;
  }
  return segment;
}
