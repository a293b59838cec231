import type { Random } from "../random.js";
import {
  ETHERNET_HEADER,
  fixIpChecksum,
  fixTransportChecksum,
  type Ipv4,
  PROTOCOL_TCP,
  parseIpv4,
  read32,
  write16,
  write32,
} from "../wire/frame.js";

const LENGTH_MAX = 1514;
const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

type Mutation = (frame: Uint8Array, ip: Ipv4 | undefined, random: Random) => Uint8Array;

/** A place of the frame, headers more often than payload. */
function place(frame: Uint8Array, random: Random): number {
  return random.below(random.chance(0.8) ? Math.min(frame.length, 80) : frame.length);
}

function flipBits(frame: Uint8Array, _ip: Ipv4 | undefined, random: Random): Uint8Array {
  for (let i = random.between(1, 4); i > 0; i--) {
    const at = place(frame, random);
    frame[at] = (frame[at] ?? 0) ^ (1 << random.below(8));
  }
  return frame;
}

function setBytes(frame: Uint8Array, _ip: Ipv4 | undefined, random: Random): Uint8Array {
  const at = place(frame, random);
  const value = random.chance(0.5) ? random.pick(INTERESTING) : random.next();
  const size = random.pick([1, 2, 4]);
  if (size === 1) frame[at] = value;
  else if (size === 2) write16(frame, at, value & 0xffff);
  else write32(frame, at, value >>> 0);
  return frame;
}

function cutOff(frame: Uint8Array, _ip: Ipv4 | undefined, random: Random): Uint8Array {
  return frame.slice(0, random.between(1, frame.length));
}

function extend(frame: Uint8Array, ip: Ipv4 | undefined, random: Random): Uint8Array {
  const longer = new Uint8Array(Math.min(LENGTH_MAX, frame.length + random.spread(1, 1400)));
  longer.set(frame.subarray(0, longer.length));
  for (let at = frame.length; at < longer.length; at++) longer[at] = random.next();
  if (ip !== undefined && random.chance(0.7)) write16(longer, ip.header + 2, longer.length - ip.header);
  return longer;
}

function ipField(frame: Uint8Array, ip: Ipv4 | undefined, random: Random): Uint8Array {
  if (ip === undefined) return frame;
  const at = ip.header;
  const kind = random.below(7);
  if (kind === 0) frame[at] = random.next();
  else if (kind === 1) write16(frame, at + 2, random.chance(0.5) ? random.below(1600) : random.below(65536));
  else if (kind === 2) write16(frame, at + 6, random.next() & 0xffff);
  else if (kind === 3) frame[at + 9] = random.pick([0, 1, 2, 6, 17, 41, 255]);
  else if (kind === 4) frame[at + 8] = random.pick([0, 1, 255]);
  else if (kind === 5)
    write32(frame, at + 12, random.pick([0, 0x7f000001, 0xffffffff, 0xe0000001, 0x0a000001]));
  else frame[at + 1] = random.next();
  return frame;
}

/** Changes one field of a TCP header by a little, by a lot, or to a value at an edge. */
function tcpField(frame: Uint8Array, ip: Ipv4 | undefined, random: Random): Uint8Array {
  if (ip === undefined || ip.protocol !== PROTOCOL_TCP || ip.transport + 20 > frame.length) return frame;
  const at = ip.transport;
  const near = random.chance(0.7) ? random.between(-3, 3) : random.between(-70_000, 70_000);
  const kind = random.below(8);
  if (kind <= 1) write32(frame, at + 4, (read32(frame, at + 4) + near) >>> 0);
  else if (kind <= 3) write32(frame, at + 8, (read32(frame, at + 8) + near) >>> 0);
  else if (kind === 4) frame[at + 13] = random.next();
  else if (kind === 5) frame[at + 13] = (frame[at + 13] ?? 0) ^ (1 << random.below(6));
  else if (kind === 6) write16(frame, at + 14, random.pick([0, 1, 100, 0xffff]));
  else frame[at + 12] = (random.next() & 0xf0) | ((frame[at + 12] ?? 0) & 15);
  return frame;
}

function tcpOption(frame: Uint8Array, ip: Ipv4 | undefined, random: Random): Uint8Array {
  if (ip === undefined || ip.protocol !== PROTOCOL_TCP) return frame;
  const start = ip.transport + 20;
  const end = Math.min(frame.length, ip.transport + ((frame[ip.transport + 12] ?? 0) >> 4) * 4);
  if (end <= start) return frame;
  const at = random.between(start, end - 1);
  frame[at] = random.chance(0.5) ? random.pick([0, 1, 2, 3, 4, 5, 8, 34]) : random.next();
  return frame;
}

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  setBytes,
  cutOff,
  extend,
  ipField,
  tcpField,
  tcpField,
  tcpField,
  tcpOption,
];

/** A changed copy of a frame. */
export function mutate(frame: Uint8Array, random: Random): Uint8Array {
  let changed: Uint8Array = frame.slice();
  for (let i = random.pick([1, 1, 1, 2, 3]); i > 0; i--) {
    changed = random.pick(MUTATIONS)(changed, parseIpv4(changed), random);
  }
  return changed;
}

/** The front of one frame with the back of another. */
export function splice(front: Uint8Array, back: Uint8Array, random: Random): Uint8Array {
  const at = random.below(Math.min(front.length, back.length));
  const joined = back.slice();
  joined.set(front.subarray(0, at));
  return joined;
}

/** Makes every checksum right; false when the frame is no IPv4 packet that could have one. */
export function recomputeChecksums(frame: Uint8Array): boolean {
  const ip = parseIpv4(frame);
  if (ip === undefined) return false;
  fixIpChecksum(frame, ip);
  fixTransportChecksum(frame, ip);
  return true;
}

/** Sends the frame's Ethernet header to where the attacker wants it. */
export function address(frame: Uint8Array, destination: Uint8Array, source: Uint8Array): void {
  frame.set(destination.subarray(0, Math.min(6, frame.length)), 0);
  if (frame.length >= ETHERNET_HEADER) frame.set(source, 6);
}
