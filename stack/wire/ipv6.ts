import { loadBig16, loadBig32, storeBig16, swapped16 } from "./bytes";

/** Bytes of the fixed header (RFC 8200, section 3). */
export const IPV6_HEADER: u32 = 40;
export const PROTOCOL_ICMPV6: u8 = 58;
/** Least bytes of an extension header. */
export const IPV6_EXTENSION: u32 = 8;
/** Version 6 with no traffic class and no flow label: the first four bytes as a number. */
const VERSION_6: u32 = 0x60;

/** Headers between the fixed one and the transport's (RFC 8200, section 4; RFC 4302). */
export enum Ipv6Extension {
  hopByHop = 0,
  routing = 43,
  fragment = 44,
  authentication = 51,
  destinationOptions = 60,
}

/** Version in the first byte. */
export function ipv6Version(packet: usize): u32 {
  return <u32>load<u8>(packet) >> 4;
}

/** Bytes behind the fixed header, with extension headers; 0 in a packet above 65,575 bytes (RFC 2675). */
export function ipv6PayloadLength(packet: usize): u32 {
  return <u32>loadBig16(packet + 4);
}

/** What follows the fixed header: Ipv6Extension, or the protocol. */
export function ipv6NextHeader(packet: usize): u8 {
  return load<u8>(packet, 6);
}

/** Hop limit. */
export function ipv6HopLimit(packet: usize): u8 {
  return load<u8>(packet, 7);
}

/** First half of the source. */
export function ipv6SourceHigh(packet: usize): u64 {
  return load<u64>(packet, 8);
}

/** Second half of the source. */
export function ipv6SourceLow(packet: usize): u64 {
  return load<u64>(packet, 16);
}

/** First half of the destination. */
export function ipv6DestinationHigh(packet: usize): u64 {
  return load<u64>(packet, 24);
}

/** Second half of the destination. */
export function ipv6DestinationLow(packet: usize): u64 {
  return load<u64>(packet, 32);
}

/** Writes a fixed header with traffic class and flow label zero; `length` counts from behind it. */
export function ipv6Write(
  packet: usize,
  length: u32,
  protocol: u8,
  hopLimit: u8,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
): void {
  store<u32>(packet, VERSION_6);
  storeBig16(packet + 4, <u16>length);
  store<u16>(packet, <u16>(<u32>protocol | ((<u32>hopLimit) << 8)), 6);
  store<u64>(packet, sourceHigh, 8);
  store<u64>(packet, sourceLow, 16);
  store<u64>(packet, destinationHigh, 24);
  store<u64>(packet, destinationLow, 32);
}

/** Whether a next-header number is that of an extension header with another header behind it. */
export function ipv6IsExtension(next: u8): bool {
  return (
    next == <u8>Ipv6Extension.hopByHop ||
    next == <u8>Ipv6Extension.routing ||
    next == <u8>Ipv6Extension.fragment ||
    next == <u8>Ipv6Extension.authentication ||
    next == <u8>Ipv6Extension.destinationOptions
  );
}

/** What follows an extension header. */
export function ipv6ExtensionNext(header: usize): u8 {
  return load<u8>(header);
}

/** Bytes of an extension header of kind `next`. */
export function ipv6ExtensionLength(next: u8, header: usize): u32 {
  if (next == <u8>Ipv6Extension.fragment) return IPV6_EXTENSION;
  const length = <u32>load<u8>(header, 1);
  return next == <u8>Ipv6Extension.authentication ? (length + 2) << 2 : (length + 1) << 3;
}

/**
 * Where a fragment belongs (RFC 8200, section 4.5), in the form that IPv4 has: the offset in units of eight
 * bytes in the low 13 bits, "more fragments" above.
 */
export function ipv6FragmentPlace(header: usize): u32 {
  const place = <u32>swapped16(load<u16>(header, 2));
  return (place >> 3) | ((place & 1) << 13);
}

/** Identification of a fragment's packet. */
export function ipv6FragmentIdentification(header: usize): u32 {
  return loadBig32(header + 4);
}
