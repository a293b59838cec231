import type { Random } from "../random.js";
import {
  ETHER_ARP,
  ETHER_IPV4,
  ETHERNET_HEADER,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TcpBit,
  write16,
  write32,
} from "../wire/frame.js";

const IP_HEADER = 20;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const PAYLOAD_MAX = 1400;
const HALF = 64;

/** What an attacker knows of a connection: ports, and the numbers that the target used last. */
export interface Flow {
  /** Addresses as 32-bit numbers. */
  target: number;
  peer: number;
  targetPort: number;
  peerPort: number;
  /** The target's next sequence number, its acknowledgement, and its last timestamp. */
  sequence: number;
  acknowledgement: number;
  timestamp: number;
}

/**
 * An IPv4 packet of `length` bytes behind its header, in an Ethernet frame without addresses; checksums are
 * not computed.
 */
function packet(flow: Flow, protocol: number, length: number, random: Random): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER + IP_HEADER + length);
  write16(frame, 12, ETHER_IPV4);
  const at = ETHERNET_HEADER;
  frame[at] = 0x45;
  write16(frame, at + 2, IP_HEADER + length);
  write16(frame, at + 4, random.next() & 0xffff);
  frame[at + 8] = 64;
  frame[at + 9] = protocol;
  write32(frame, at + 12, flow.peer);
  write32(frame, at + 16, flow.target);
  return frame;
}

function fill(frame: Uint8Array, from: number, random: Random): void {
  for (let at = from; at < frame.length; at++) frame[at] = random.next();
}

function drawFlags(random: Random): number {
  const likely = [
    TcpBit.ack,
    TcpBit.ack,
    TcpBit.ack | TcpBit.psh,
    TcpBit.ack | TcpBit.psh,
    TcpBit.ack | TcpBit.fin,
    TcpBit.syn,
    TcpBit.syn | TcpBit.ack,
    TcpBit.rst,
    TcpBit.rst | TcpBit.ack,
    TcpBit.fin,
    TcpBit.ack | TcpBit.urg,
    0,
  ];
  return random.chance(0.9) ? random.pick(likely) : random.below(256);
}

function drawOptions(flow: Flow, random: Random): number[] {
  const word = (value: number) => [
    (value >>> 24) & 255,
    (value >>> 16) & 255,
    (value >>> 8) & 255,
    value & 255,
  ];
  const stamp = () =>
    word((random.next() >>> 0) % 3 === 0 ? random.next() : flow.timestamp + random.between(-2, 2000));
  const makers = [
    () => [1],
    () => [2, 4, random.below(256), random.below(256)],
    () => [3, 3, random.below(20)],
    () => [4, 2],
    () => {
      const left = flow.sequence - random.below(5000);
      return [5, 10, ...word(left), ...word(left + random.below(3000))];
    },
    () => [8, 10, ...stamp(), ...word(flow.timestamp)],
    () => [random.below(256), random.below(12)],
  ];
  const options: number[] = [];
  for (let i = random.below(4); i > 0; i--) options.push(...random.pick(makers)());
  while (options.length % 4 !== 0) options.push(random.chance(0.8) ? 1 : 0);
  return options.slice(0, 40);
}

/** A number near `value`: exactly it half of the time. */
function near(value: number, random: Random): number {
  const kind = random.unit();
  if (kind < 0.5) return value >>> 0;
  if (kind < 0.75) return (value + random.between(-3, 3)) >>> 0;
  if (kind < 0.95) return (value + random.between(-70_000, 70_000)) >>> 0;
  return random.next();
}

/** A TCP segment that could belong to the flow. */
export function forgeSegment(flow: Flow, random: Random): Uint8Array {
  const options = random.chance(0.6) ? drawOptions(flow, random) : [];
  const payload = random.chance(0.4) ? random.spread(1, PAYLOAD_MAX) : 0;
  const frame = packet(flow, PROTOCOL_TCP, TCP_HEADER + options.length + payload, random);
  const at = ETHERNET_HEADER + IP_HEADER;
  write16(frame, at, flow.peerPort);
  write16(frame, at + 2, flow.targetPort);
  write32(frame, at + 4, near(flow.acknowledgement, random));
  write32(frame, at + 8, near(flow.sequence, random));
  frame[at + 12] = ((TCP_HEADER + options.length) / 4) << 4;
  frame[at + 13] = drawFlags(random);
  write16(frame, at + 14, random.pick([0, 1, 500, 8192, 65535]));
  write16(frame, at + 18, random.below(65536));
  frame.set(options, at + TCP_HEADER);
  fill(frame, at + TCP_HEADER + options.length, random);
  return frame;
}

/** A UDP datagram to one of `ports`, or to nobody; its length field is right most of the time. */
export function forgeDatagram(flow: Flow, ports: readonly number[], random: Random): Uint8Array {
  const payload = random.below(PAYLOAD_MAX);
  const frame = packet(flow, PROTOCOL_UDP, UDP_HEADER + payload, random);
  const at = ETHERNET_HEADER + IP_HEADER;
  write16(frame, at, random.below(65536));
  write16(frame, at + 2, random.chance(0.8) ? random.pick(ports) : random.below(65536));
  write16(frame, at + 4, random.chance(0.8) ? UDP_HEADER + payload : random.below(3000));
  fill(frame, at + UDP_HEADER, random);
  return frame;
}

/** An ICMP message: an echo, or an error that quotes a frame which the target sent. */
export function forgeIcmp(flow: Flow, quoted: Uint8Array | undefined, random: Random): Uint8Array {
  const quote = quoted?.subarray(ETHERNET_HEADER, ETHERNET_HEADER + random.between(8, 60));
  const body = quote ?? new Uint8Array(random.below(PAYLOAD_MAX)).map(() => random.next());
  const frame = packet(flow, PROTOCOL_ICMP, 8 + body.length, random);
  const at = ETHERNET_HEADER + IP_HEADER;
  frame[at] =
    quote === undefined
      ? random.pick([8, 0, 13, 17, random.below(256)])
      : random.pick([3, 3, 3, 11, 12, 4, 5]);
  frame[at + 1] = random.below(16);
  write16(frame, at + 6, random.pick([0, 68, 576, 1400, random.below(65536)]));
  frame.set(body, at + 8);
  return frame;
}

/** Half of a datagram of two fragments of 64 bytes; both halves turn up often enough to meet. */
function forgeHalf(flow: Flow, random: Random): Uint8Array {
  const frame = packet(flow, PROTOCOL_UDP, HALF, random);
  const at = ETHERNET_HEADER;
  const second = random.chance(0.5);
  write16(frame, at + 4, 100 + random.below(4));
  write16(frame, at + 6, second ? HALF / 8 : 0x2000);
  fill(frame, at + IP_HEADER, random);
  if (!second) write16(frame, at + IP_HEADER + 4, 2 * HALF);
  return frame;
}

/** A fragment of a datagram of one of a few identifications, so that some of them meet. */
export function forgeFragment(flow: Flow, random: Random): Uint8Array {
  if (random.chance(0.3)) return forgeHalf(flow, random);
  const length = random.chance(0.8) ? random.between(1, 100) * 8 : random.below(PAYLOAD_MAX);
  const frame = packet(flow, random.pick([PROTOCOL_UDP, PROTOCOL_TCP, PROTOCOL_ICMP]), length, random);
  const at = ETHERNET_HEADER;
  write16(frame, at + 4, random.below(8));
  const offset = random.chance(0.7) ? random.below(200) : random.below(8192);
  write16(frame, at + 6, (random.chance(0.7) ? 0x2000 : 0) | offset);
  fill(frame, at + IP_HEADER, random);
  return frame;
}

/** An ARP packet about the attacked peer or about nobody. */
export function forgeArp(flow: Flow, random: Random): Uint8Array {
  const frame = new Uint8Array(42);
  write16(frame, 12, ETHER_ARP);
  frame.set([0, 1, 8, 0, 6, 4, 0, random.pick([1, 2, random.below(256)])], 14);
  fill(frame, 22, random);
  write32(frame, 28, random.chance(0.5) ? flow.peer : random.next());
  write32(frame, 38, random.chance(0.7) ? flow.target : random.next());
  return frame;
}

/** Bytes without any meaning. */
export function forgeNoise(random: Random): Uint8Array {
  const frame = new Uint8Array(random.spread(1, 1514));
  fill(frame, 0, random);
  return frame;
}
