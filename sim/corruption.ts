import type { Random } from "./random.js";
import { ETHERNET_HEADER, type Ipv4, PROTOCOL_UDP, parseIpv4 } from "./wire/frame.js";

/**
 * How a link damages frames. `detectable`: one bit, or a burst below 16 bits, inside an IP packet: the
 * Internet checksum must catch every such error, so the data must still arrive. `arbitrary`: any bytes of any
 * frame.
 */
export type CorruptionKind = "none" | "detectable" | "arbitrary";

const BURST_BITS_MAX = 15;
const ARBITRARY_BYTES_MAX = 20;

function flip(frame: Uint8Array, bit: number): void {
  const at = bit >> 3;
  frame[at] = (frame[at] ?? 0) ^ (0x80 >> (bit & 7));
}

/**
 * Two errors in one datagram can cancel out in its checksum. A frame crosses one damaging link only (see
 * drawNetwork), and of a datagram in fragments only the first one is damaged.
 */
function isLaterFragment(ip: Ipv4): boolean {
  return ip.fragmentOffset > 0;
}

/**
 * True when a burst touches UDP's checksum field: it could turn it into 0, which means that there is none.
 */
function touchesUdpChecksum(frame: Uint8Array, firstBit: number, lastBit: number): boolean {
  const ip = parseIpv4(frame);
  if (ip === undefined || ip.protocol !== PROTOCOL_UDP || ip.fragmentOffset > 0) return false;
  const field = ip.transport + 6;
  return lastBit >> 3 >= field && firstBit >> 3 <= field + 1;
}

function corruptDetectably(frame: Uint8Array, random: Random): Uint8Array | undefined {
  const ip = parseIpv4(frame);
  // ARP has no checksum of its own, and Ethernet's has been taken off: only IP packets are damaged.
  if (ip === undefined || isLaterFragment(ip)) return undefined;
  const bits = random.chance(0.5) ? 1 : random.between(2, BURST_BITS_MAX);
  const first = random.between(ETHERNET_HEADER * 8, ip.end * 8 - bits);
  const last = first + bits - 1;
  if (touchesUdpChecksum(frame, first, last)) return undefined;
  const damaged = frame.slice();
  flip(damaged, first);
  if (bits > 1) flip(damaged, last);
  for (let bit = first + 1; bit < last; bit++) if (random.chance(0.5)) flip(damaged, bit);
  return damaged;
}

function corruptArbitrarily(frame: Uint8Array, random: Random): Uint8Array {
  const damaged = frame.slice(0, random.chance(0.1) ? random.between(1, frame.length) : frame.length);
  const count = random.between(1, ARBITRARY_BYTES_MAX);
  for (let i = 0; i < count; i++) damaged[random.below(damaged.length)] = random.below(256);
  return damaged;
}

/** A damaged copy of a frame, or undefined when this one is left as it is. */
export function corrupt(frame: Uint8Array, kind: CorruptionKind, random: Random): Uint8Array | undefined {
  if (kind === "none") return undefined;
  return kind === "detectable" ? corruptDetectably(frame, random) : corruptArbitrarily(frame, random);
}
