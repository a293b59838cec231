import { loadBig16, swapped16 } from "./bytes";
import { checksumFold } from "./checksum";

/** Bytes of a header without options (RFC 791, section 3.1). */
export const IPV4_HEADER: u32 = 20;
/** Largest datagram, header included. */
export const IPV4_MAX: u32 = 65535;
export const PROTOCOL_ICMP: u8 = 1;
export const PROTOCOL_TCP: u8 = 6;
export const PROTOCOL_UDP: u8 = 17;
/** "Don't fragment", in the flags-and-offset field. */
export const IPV4_DONT_FRAGMENT: u16 = 0x4000;
/** "More fragments", in the flags-and-offset field. */
export const IPV4_MORE_FRAGMENTS: u16 = 0x2000;
/** The offset's bits in the flags-and-offset field, in units of eight bytes. */
export const IPV4_OFFSET_MASK: u16 = 0x1fff;

/** Version and header length; 0x45 is IPv4 without options. */
export function ipv4VersionLength(packet: usize): u8 {
  return load<u8>(packet);
}

/** Bytes of the header, options included. */
export function ipv4HeaderLength(packet: usize): u32 {
  return (<u32>load<u8>(packet) & 15) << 2;
}

/** Type of service. */
export function ipv4Tos(packet: usize): u8 {
  return load<u8>(packet, 1);
}

/** Bytes of the whole packet. */
export function ipv4TotalLength(packet: usize): u32 {
  return <u32>loadBig16(packet + 2);
}

/** Identification. */
export function ipv4Identification(packet: usize): u16 {
  return loadBig16(packet + 4);
}

/** Flags and fragment offset. */
export function ipv4Fragment(packet: usize): u16 {
  return loadBig16(packet + 6);
}

/** Time to live. */
export function ipv4Ttl(packet: usize): u8 {
  return load<u8>(packet, 8);
}

/** Protocol. */
export function ipv4Protocol(packet: usize): u8 {
  return load<u8>(packet, 9);
}

/** Source, first byte lowest. */
export function ipv4Source(packet: usize): u32 {
  return load<u32>(packet, 12);
}

/** Destination, first byte lowest. */
export function ipv4Destination(packet: usize): u32 {
  return load<u32>(packet, 16);
}

/**
 * The folded sum over the 20 fixed bytes; 0xffff when they are all of the header and its checksum is right.
 */
export function ipv4FixedSum(packet: usize): u16 {
  return checksumFold(
    <u64>load<u32>(packet) +
      <u64>load<u32>(packet, 4) +
      <u64>load<u32>(packet, 8) +
      <u64>load<u32>(packet, 12) +
      <u64>load<u32>(packet, 16),
  );
}

/** Writes what is known when a packet is begun; ipv4Finish() writes the rest. */
export function ipv4Begin(
  packet: usize,
  tos: u8,
  ttl: u8,
  protocol: u8,
  source: u32,
  destination: u32,
): void {
  store<u32>(packet, 0x45 | ((<u32>tos) << 8));
  store<u32>(packet, <u32>ttl | ((<u32>protocol) << 8), 8);
  store<u32>(packet, source, 12);
  store<u32>(packet, destination, 16);
}

/**
 * Writes length, identification, flags with fragment offset, and the checksum. In whole words: a processor
 * cannot forward a word to a load while it was stored in parts.
 */
export function ipv4Finish(packet: usize, totalLength: u32, identification: u16, fragment: u16): void {
  const length = (load<u32>(packet) & 0xffff) | ((<u32>swapped16(<u16>totalLength)) << 16);
  const place = <u32>swapped16(identification) | ((<u32>swapped16(fragment)) << 16);
  const life = load<u32>(packet, 8) & 0xffff;
  const addresses = <u64>load<u32>(packet, 12) + <u64>load<u32>(packet, 16);
  const checksum = ~checksumFold(addresses + length + place + life);
  store<u32>(packet, length);
  store<u32>(packet, place, 4);
  store<u32>(packet, life | ((<u32>checksum) << 16), 8);
}

/**
 * Copies the fixed part of the header at `from` and makes it a header without options (to be quoted in an
 * ICMP error).
 */
export function ipv4CopyFixed(to: usize, from: usize): void {
  memory.copy(to, from, IPV4_HEADER);
  store<u8>(to, 0x45);
  store<u16>(to, 0, 10);
  store<u16>(to, ~ipv4FixedSum(to), 10);
}

/** Makes a first fragment's header that of the whole datagram of `totalLength` bytes. */
export function ipv4SetWhole(packet: usize, totalLength: u32): void {
  ipv4Finish(packet, totalLength, ipv4Identification(packet), 0);
}
