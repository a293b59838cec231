// Packets of IPv6 as tests write and read them.
import { complement, sumBytes } from "../../../sim/wire/checksum.js";
import { dotted, ethernet, joined, read16, toHex, write16, write32 } from "./frames.js";

export const ETHER_IPV6 = 0x86dd;

/** The sixteen bytes of an address; at most one "::". */
export function ipv6Address(text: string): Uint8Array {
  const sides = text.split("::").map((side) => (side === "" ? [] : side.split(":")));
  const [head = [], tail = []] = sides;
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  const groups = [...head, ...(sides.length > 1 ? zeros : []), ...tail].map((group) =>
    Number.parseInt(group, 16),
  );
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/** The bytes of an address of either IP: four or sixteen. */
export function addressBytes(text: string): Uint8Array {
  return text.includes(":") ? ipv6Address(text) : dotted(text);
}

/** The text of the sixteen bytes at `at`, all groups in full. */
export function ipv6Text(bytes: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => read16(bytes, at + 2 * i).toString(16));
  return groups.join(":");
}

/** The same for a text in another form. */
export function ipv6Full(text: string): string {
  return ipv6Text(ipv6Address(text), 0);
}

/** The address of the group in which who has an address hears solicitations (RFC 4291, section 2.7.1). */
export function solicitedNode(address: string): string {
  const bytes = joined(ipv6Address("ff02::1:ff00:0").subarray(0, 13), ipv6Address(address).subarray(13));
  return ipv6Text(bytes, 0);
}

/** The hardware address of a group (RFC 2464, section 7). */
export function groupMac(group: string): Uint8Array {
  return joined(Uint8Array.of(0x33, 0x33), ipv6Address(group).subarray(12));
}

export interface Ipv6Packet {
  source: string;
  destination: string;
  protocol: number;
  payload: Uint8Array;
  hopLimit?: number;
  /** Extension headers: kind and bytes, whose first, what follows, is filled in. */
  extensions?: readonly (readonly [number, Uint8Array])[];
}

/** An IPv6 packet (RFC 8200). */
export function ipv6(packet: Ipv6Packet): Uint8Array {
  const chain = [...(packet.extensions ?? [])];
  const following = [...chain.map(([kind]) => kind), packet.protocol];
  const extensions = chain.map(([, bytes], i) =>
    joined(Uint8Array.of(following[i + 1] ?? 59), bytes.subarray(1)),
  );
  const body = joined(...extensions, packet.payload);
  const header = new Uint8Array(40);
  header[0] = 0x60;
  write16(header, 4, body.length);
  header[6] = following[0] ?? 59;
  header[7] = packet.hopLimit ?? 64;
  header.set(ipv6Address(packet.source), 8);
  header.set(ipv6Address(packet.destination), 24);
  return joined(header, body);
}

/** A fragment header: offset in bytes. */
export function fragmentHeader(id: number, offset: number, more: boolean): readonly [number, Uint8Array] {
  const bytes = new Uint8Array(8);
  write16(bytes, 2, offset | (more ? 1 : 0));
  write32(bytes, 4, id);
  return [44, bytes];
}

/** An options header of so many bytes, filled with padding (RFC 8200, section 4.2). */
export function optionsHeader(kind: number, length: number): readonly [number, Uint8Array] {
  const bytes = new Uint8Array(length);
  bytes[1] = length / 8 - 1;
  if (length > 2) {
    bytes[2] = 1;
    bytes[3] = length - 4;
  }
  return [kind, bytes];
}

function pseudo(source: string, destination: string, protocol: number, length: number): number {
  const ends = joined(ipv6Address(source), ipv6Address(destination));
  return sumBytes(ends, 0, ends.length, protocol + length);
}

/** A message of ICMPv6 with its checksum; `rest` are the four bytes behind that. */
export function icmpv6(
  ends: { source: string; destination: string },
  type: number,
  rest: number,
  data: Uint8Array,
  code = 0,
): Uint8Array {
  const message = joined(new Uint8Array(8), data);
  message[0] = type;
  message[1] = code;
  write32(message, 4, rest);
  const sum = pseudo(ends.source, ends.destination, 58, message.length);
  write16(message, 2, complement(sumBytes(message, 0, message.length, sum)));
  return message;
}

/** Whether the checksum of a TCP segment, a UDP datagram or an ICMPv6 message is right. */
export function isRight(payload: Uint8Array, source: string, destination: string, protocol: number): boolean {
  const sum = pseudo(source, destination, protocol, payload.length);
  return complement(sumBytes(payload, 0, payload.length, sum)) === 0;
}

/** A UDP datagram, header and payload. */
export function udp6(
  ends: { source: string; destination: string },
  sourcePort: number,
  destinationPort: number,
  payload: Uint8Array,
): Uint8Array {
  const bytes = joined(new Uint8Array(8), payload);
  write16(bytes, 0, sourcePort);
  write16(bytes, 2, destinationPort);
  write16(bytes, 4, bytes.length);
  const sum = pseudo(ends.source, ends.destination, 17, bytes.length);
  write16(bytes, 6, complement(sumBytes(bytes, 0, bytes.length, sum)) || 0xffff);
  return bytes;
}

/** A message of neighbour discovery. */
export interface Neighbour {
  source: string;
  destination?: string;
  target: string;
  /** Hardware address in the option. */
  mac?: Uint8Array | undefined;
  flags?: number;
  hopLimit?: number;
  extensions?: Ipv6Packet["extensions"];
}

function neighbourPacket(type: number, kind: number, message: Neighbour, destination: string): Uint8Array {
  const option = message.mac === undefined ? new Uint8Array(0) : joined(Uint8Array.of(kind, 1), message.mac);
  const ends = { source: message.source, destination };
  const flags = (message.flags ?? 0) * 2 ** 24;
  const payload = icmpv6(ends, type, flags, joined(ipv6Address(message.target), option));
  const { hopLimit = 255, extensions = [] } = message;
  return ipv6({ ...ends, protocol: 58, payload, hopLimit, extensions });
}

/** A solicitation in its frame: to the group of its target unless said otherwise. */
export function solicitation(message: Neighbour, from: Uint8Array, to?: Uint8Array): Uint8Array {
  const destination = message.destination ?? solicitedNode(message.target);
  return ethernet(
    to ?? groupMac(destination),
    from,
    ETHER_IPV6,
    neighbourPacket(135, 1, message, destination),
  );
}

/** An advertisement in its frame: to all nodes unless said otherwise. */
export function advertisement(message: Neighbour, from: Uint8Array, to?: Uint8Array): Uint8Array {
  const destination = message.destination ?? "ff02::1";
  return ethernet(
    to ?? groupMac(destination),
    from,
    ETHER_IPV6,
    neighbourPacket(136, 2, message, destination),
  );
}

/** What a test wants to know of a packet without extension headers. */
export interface Seen6 {
  to: string;
  from: string;
  source: string;
  destination: string;
  protocol: number;
  hopLimit: number;
  payload: Uint8Array;
}

/** Takes a sent frame apart; throws when its length, or the checksum of what it carries, is wrong. */
export function seen6(frame: Uint8Array): Seen6 {
  if (read16(frame, 12) !== ETHER_IPV6 || (frame[14] ?? 0) >> 4 !== 6) throw new Error("not IPv6");
  if (read16(frame, 18) + 54 !== frame.length) throw new Error("length of a packet is wrong");
  const [source, destination] = [ipv6Text(frame, 22), ipv6Text(frame, 38)];
  const protocol = frame[20] ?? 0;
  const payload = frame.slice(54);
  const hasChecksum = [6, 17, 58].includes(protocol);
  if (hasChecksum && !isRight(payload, source, destination, protocol)) throw new Error("a checksum is wrong");
  const [to, from] = [toHex(frame.subarray(0, 6)), toHex(frame.subarray(6, 12))];
  return { to, from, source, destination, protocol, hopLimit: frame[21] ?? 0, payload };
}
