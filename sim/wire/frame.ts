import { complement, fold, sumBytes } from "./checksum.js";

export const ETHERNET_HEADER = 14;
export const ETHER_IPV4 = 0x0800;
export const ETHER_ARP = 0x0806;
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
const IP_HEADER_MIN = 20;

/** TCP's flag bits (RFC 9293, section 3.1). */
export const TcpBit = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const;

/** The big-endian 16-bit number at `at`; bytes that are not there count as 0. */
export function read16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** The big-endian 32-bit number at `at`. */
export function read32(bytes: Uint8Array, at: number): number {
  return ((read16(bytes, at) << 16) | read16(bytes, at + 2)) >>> 0;
}

/** Stores a big-endian 16-bit number. */
export function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Stores a big-endian 32-bit number. */
export function write32(bytes: Uint8Array, at: number, value: number): void {
  write16(bytes, at, value >>> 16);
  write16(bytes, at + 2, value & 0xffff);
}

/** Where the parts of an IPv4 packet lie in its Ethernet frame. */
export interface Ipv4 {
  /** Offset of the IP header and its length. */
  header: number;
  headerLength: number;
  /** Offset one behind the datagram's last byte, never beyond the frame. */
  end: number;
  protocol: number;
  /** Offset of the transport header, or of a fragment's data. */
  transport: number;
  /** Offset of this fragment's data in the datagram, bytes. */
  fragmentOffset: number;
  moreFragments: boolean;
}

/** The parts of an IPv4 packet, or undefined when the frame holds none that makes sense. */
export function parseIpv4(frame: Uint8Array): Ipv4 | undefined {
  if (frame.length < ETHERNET_HEADER + IP_HEADER_MIN || read16(frame, 12) !== ETHER_IPV4) return undefined;
  const header = ETHERNET_HEADER;
  const first = frame[header] ?? 0;
  const headerLength = (first & 15) * 4;
  const total = read16(frame, header + 2);
  if (first >> 4 !== 4 || headerLength < IP_HEADER_MIN || total < headerLength) return undefined;
  if (header + headerLength > frame.length) return undefined;
  const fragment = read16(frame, header + 6);
  return {
    header,
    headerLength,
    end: Math.min(frame.length, header + total),
    protocol: frame[header + 9] ?? 0,
    transport: header + headerLength,
    fragmentOffset: (fragment & 0x1fff) * 8,
    moreFragments: (fragment & 0x2000) !== 0,
  };
}

/** True when the packet is a part of a larger datagram. */
export function isFragment(ip: Ipv4): boolean {
  return ip.moreFragments || ip.fragmentOffset > 0;
}

/** The sum of the pseudo-header (RFC 9293, section 3.1) for a transport segment of `length` bytes. */
export function pseudoHeaderSum(frame: Uint8Array, ip: Ipv4, length: number): number {
  return sumBytes(frame, ip.header + 12, 8) + ip.protocol + length;
}

/** Offset of the transport checksum in its header, or undefined for protocols without one that we know. */
function checksumField(protocol: number): number | undefined {
  if (protocol === PROTOCOL_TCP) return 16;
  if (protocol === PROTOCOL_UDP) return 6;
  return protocol === PROTOCOL_ICMP ? 2 : undefined;
}

/** Computes the IP header's checksum anew. */
export function fixIpChecksum(frame: Uint8Array, ip: Ipv4): void {
  write16(frame, ip.header + 10, 0);
  write16(frame, ip.header + 10, complement(sumBytes(frame, ip.header, ip.headerLength)));
}

/** Computes the transport checksum anew, when the packet is whole and its checksum field is there. */
export function fixTransportChecksum(frame: Uint8Array, ip: Ipv4): void {
  const field = checksumField(ip.protocol);
  if (field === undefined || isFragment(ip) || ip.transport + field + 2 > ip.end) return;
  const length = ip.end - ip.transport;
  write16(frame, ip.transport + field, 0);
  const pseudo = ip.protocol === PROTOCOL_ICMP ? 0 : pseudoHeaderSum(frame, ip, length);
  const checksum = complement(sumBytes(frame, ip.transport, length, pseudo));
  const stored = checksum === 0 && ip.protocol === PROTOCOL_UDP ? 0xffff : checksum;
  write16(frame, ip.transport + field, stored);
}

/**
 * Whether IP header and TCP or UDP checksum of a whole packet are right: what a NIC with receive offload
 * checks.
 */
export function checksumsGood(frame: Uint8Array, ip: Ipv4): boolean {
  if (fold(sumBytes(frame, ip.header, ip.headerLength)) !== 0xffff) return false;
  if (isFragment(ip) || (ip.protocol !== PROTOCOL_TCP && ip.protocol !== PROTOCOL_UDP)) return false;
  if (ip.header + read16(frame, ip.header + 2) > frame.length) return false;
  const length = ip.end - ip.transport;
  return fold(sumBytes(frame, ip.transport, length, pseudoHeaderSum(frame, ip, length))) === 0xffff;
}

/**
 * Which connection or datagram flow a packet belongs to, the same text in both directions; undefined for
 * others.
 */
export function flowOf(frame: Uint8Array, ip: Ipv4): string | undefined {
  if (ip.fragmentOffset > 0 || (ip.protocol !== PROTOCOL_TCP && ip.protocol !== PROTOCOL_UDP))
    return undefined;
  const a = `${read32(frame, ip.header + 12)}:${read16(frame, ip.transport)}`;
  const b = `${read32(frame, ip.header + 16)}:${read16(frame, ip.transport + 2)}`;
  return a < b ? `${ip.protocol} ${a} ${b}` : `${ip.protocol} ${b} ${a}`;
}
