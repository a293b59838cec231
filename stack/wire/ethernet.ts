import { loadBig16, swapped16 } from "./bytes";

/** Bytes of an Ethernet II header (IEEE 802.3, clause 3). */
export const ETHERNET_HEADER: u32 = 14;
export const ETHERTYPE_IPV4: u16 = 0x0800;
export const ETHERTYPE_ARP: u16 = 0x0806;
export const ETHERTYPE_IPV6: u16 = 0x86dd;
/** The broadcast address. Hardware addresses are kept in the low 48 bits, first byte lowest. */
export const MAC_BROADCAST: u64 = 0xffffffffffff;
const MAC_MASK: u64 = 0xffffffffffff;

/** Destination address of a frame. */
export function ethernetDestination(frame: usize): u64 {
  return load<u64>(frame) & MAC_MASK;
}

/** Source address of a frame. */
export function ethernetSource(frame: usize): u64 {
  return <u64>load<u16>(frame, 6) | ((<u64>load<u32>(frame, 8)) << 16);
}

/** Changes the destination address of a frame. */
export function ethernetSetDestination(frame: usize, mac: u64): void {
  store<u32>(frame, <u32>mac);
  store<u16>(frame, <u16>(mac >> 32), 4);
}

/** Changes the source address of a frame. */
export function ethernetSetSource(frame: usize, mac: u64): void {
  store<u16>(frame, <u16>mac, 6);
  store<u32>(frame, <u32>(mac >> 16), 8);
}

/** EtherType of a frame. */
export function ethernetType(frame: usize): u16 {
  return loadBig16(frame + 12);
}

/** Broadcast or multicast: the first bit on the wire is set. */
export function isGroupMac(mac: u64): bool {
  return (mac & 1) != 0;
}

/**
 * The group address of an IPv4 multicast address (RFC 1112, section 6.4); `raw` has the first byte lowest.
 */
export function multicastMac(raw: u32): u64 {
  return 0x5e0001 | ((<u64>(raw & 0xffff7f00)) << 16);
}

/** The group address of an IPv6 multicast address whose second half is `low` (RFC 2464, section 7). */
export function multicastMac6(low: u64): u64 {
  return 0x3333 | ((low >> 32) << 16);
}

/** Writes a header. */
export function ethernetWrite(frame: usize, destination: u64, source: u64, type: u16): void {
  store<u64>(frame, destination | (source << 48));
  store<u32>(frame, <u32>(source >> 16), 8);
  store<u16>(frame, swapped16(type), 12);
}
