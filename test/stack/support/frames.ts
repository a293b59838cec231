import { complement, sumBytes } from "../../../sim/wire/checksum.js";
import { ETHER_ARP, ETHER_IPV4, read16, read32, write16, write32 } from "../../../sim/wire/frame.js";

/** Bytes written as hexadecimal digits; white space is free. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
}

/** Hexadecimal digits of bytes. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Puts byte arrays one behind the other. */
export function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The four bytes of a dotted address. */
export function dotted(ip: string): Uint8Array {
  return new Uint8Array(ip.split(".").map(Number));
}

/** The dotted form of the four bytes at `at`. */
export function toDotted(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join(".");
}

/** The hardware address 02:00:00:00:00:xx. */
export function macOf(last: number): Uint8Array {
  return new Uint8Array([2, 0, 0, 0, 0, last]);
}

export const BROADCAST_MAC = new Uint8Array(6).fill(0xff);

/** An Ethernet II frame. */
export function ethernet(to: Uint8Array, from: Uint8Array, type: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(14);
  header.set(to, 0);
  header.set(from, 6);
  write16(header, 12, type);
  return joined(header, payload);
}

export interface Arp {
  operation: number;
  senderMac: Uint8Array;
  sender: string;
  targetMac?: Uint8Array;
  target: string;
}

/** An ARP packet (RFC 826) in its frame, to everyone unless `to` is given. */
export function arp(packet: Arp, to: Uint8Array = BROADCAST_MAC): Uint8Array {
  const body = new Uint8Array(28);
  body.set([0, 1, 8, 0, 6, 4]);
  write16(body, 6, packet.operation);
  body.set(packet.senderMac, 8);
  body.set(dotted(packet.sender), 14);
  body.set(packet.targetMac ?? new Uint8Array(6), 18);
  body.set(dotted(packet.target), 24);
  return ethernet(to, packet.senderMac, ETHER_ARP, body);
}

export interface Ipv4Packet {
  source: string;
  destination: string;
  protocol: number;
  payload: Uint8Array;
  id?: number;
  /** Fragment offset in bytes. */
  offset?: number;
  moreFragments?: boolean;
  ttl?: number;
  options?: Uint8Array;
}

/** An IPv4 packet with its checksum (RFC 791). */
export function ipv4(packet: Ipv4Packet): Uint8Array {
  const options = packet.options ?? new Uint8Array(0);
  const header = new Uint8Array(20 + options.length);
  header[0] = 0x40 | (header.length / 4);
  write16(header, 2, header.length + packet.payload.length);
  write16(header, 4, packet.id ?? 0x1234);
  write16(header, 6, ((packet.offset ?? 0) >> 3) | (packet.moreFragments ? 0x2000 : 0));
  header[8] = packet.ttl ?? 64;
  header[9] = packet.protocol;
  header.set(dotted(packet.source), 12);
  header.set(dotted(packet.destination), 16);
  header.set(options, 20);
  write16(header, 10, complement(sumBytes(header, 0, header.length)));
  return joined(header, packet.payload);
}

/** An ICMP message with its checksum; `rest` are the four bytes behind it. */
export function icmp(type: number, code: number, rest: number, data: Uint8Array): Uint8Array {
  const message = joined(new Uint8Array(8), data);
  message[0] = type;
  message[1] = code;
  write32(message, 4, rest);
  write16(message, 2, complement(sumBytes(message, 0, message.length)));
  return message;
}

export interface UdpDatagram {
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  payload: Uint8Array;
  /** False: the sender computed none. */
  checksum?: boolean;
}

/** A UDP datagram (RFC 768), header and payload. */
export function udp(datagram: UdpDatagram): Uint8Array {
  const bytes = joined(new Uint8Array(8), datagram.payload);
  write16(bytes, 0, datagram.sourcePort);
  write16(bytes, 2, datagram.destinationPort);
  write16(bytes, 4, bytes.length);
  if (datagram.checksum === false) return bytes;
  const pseudo =
    sumBytes(dotted(datagram.source), 0, 4) +
    sumBytes(dotted(datagram.destination), 0, 4) +
    17 +
    bytes.length;
  const checksum = complement(sumBytes(bytes, 0, bytes.length, pseudo));
  write16(bytes, 6, checksum === 0 ? 0xffff : checksum);
  return bytes;
}

/** What a test wants to know of a frame that the stack sent. */
export interface Seen {
  to: string;
  from: string;
  type: number;
  /** ARP only. */
  arp?: { operation: number; senderMac: string; sender: string; targetMac: string; target: string };
  /** IPv4 only. */
  ip?: {
    source: string;
    destination: string;
    protocol: number;
    id: number;
    dontFragment: boolean;
    moreFragments: boolean;
    offset: number;
    tos: number;
    ttl: number;
    payload: Uint8Array;
  };
}

/** Takes a sent frame apart; throws when lengths or the IP header's checksum are wrong. */
export function seen(frame: Uint8Array): Seen {
  const type = read16(frame, 12);
  const result: Seen = { to: toHex(frame.subarray(0, 6)), from: toHex(frame.subarray(6, 12)), type };
  if (type === ETHER_ARP) {
    if (frame.length !== 42) throw new Error(`an ARP frame of ${frame.length} bytes`);
    if (toHex(frame.subarray(14, 20)) !== "000108000604") throw new Error("not Ethernet and IPv4");
    result.arp = {
      operation: read16(frame, 20),
      senderMac: toHex(frame.subarray(22, 28)),
      sender: toDotted(frame, 28),
      targetMac: toHex(frame.subarray(32, 38)),
      target: toDotted(frame, 38),
    };
  }
  if (type === ETHER_IPV4) {
    const total = read16(frame, 16);
    if (frame[14] !== 0x45 || total + 14 !== frame.length) throw new Error("length of a packet is wrong");
    if (complement(sumBytes(frame, 14, 20)) !== 0) throw new Error("checksum of an IP header is wrong");
    const fragment = read16(frame, 20);
    result.ip = {
      source: toDotted(frame, 26),
      destination: toDotted(frame, 30),
      protocol: frame[23] ?? 0,
      id: read16(frame, 18),
      dontFragment: (fragment & 0x4000) !== 0,
      moreFragments: (fragment & 0x2000) !== 0,
      offset: (fragment & 0x1fff) * 8,
      tos: frame[15] ?? 0,
      ttl: frame[22] ?? 0,
      payload: frame.slice(34),
    };
  }
  return result;
}

/** Whether the checksum of a whole ICMP message is right. */
export function icmpRight(message: Uint8Array): boolean {
  return complement(sumBytes(message, 0, message.length)) === 0;
}

/** Whether the checksum of a whole UDP datagram between two addresses is right. */
export function udpRight(datagram: Uint8Array, source: string, destination: string): boolean {
  const pseudo = sumBytes(dotted(source), 0, 4) + sumBytes(dotted(destination), 0, 4) + 17 + datagram.length;
  return complement(sumBytes(datagram, 0, datagram.length, pseudo)) === 0;
}

export { read16, read32, write16, write32 };
