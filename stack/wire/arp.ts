import { loadBig16, storeBig16 } from "./bytes";

/** Bytes of an ARP packet for Ethernet and IPv4 (RFC 826). */
export const ARP_LENGTH: u32 = 28;
export const ARP_REQUEST: u16 = 1;
export const ARP_REPLY: u16 = 2;
/**
 * Hardware Ethernet, protocol IPv4, address lengths 6 and 4: the first six bytes as a number, first byte
 * lowest.
 */
const ETHERNET_IPV4: u64 = 0x040600080100;

/** Whether the packet is about Ethernet and IPv4. */
export function arpIsEthernetIpv4(packet: usize): bool {
  return (load<u64>(packet) & 0xffffffffffff) == ETHERNET_IPV4;
}

/** Request or reply. */
export function arpOperation(packet: usize): u16 {
  return loadBig16(packet + 6);
}

/** Hardware address of the sender. */
export function arpSenderMac(packet: usize): u64 {
  return load<u64>(packet, 8) & 0xffffffffffff;
}

/** Changes the hardware address of the sender. */
export function arpSetSenderMac(packet: usize, mac: u64): void {
  store<u32>(packet, <u32>mac, 8);
  store<u16>(packet, <u16>(mac >> 32), 12);
}

/** IPv4 address of the sender, first byte lowest. */
export function arpSenderAddress(packet: usize): u32 {
  return load<u32>(packet, 14);
}

/** IPv4 address asked for, first byte lowest. */
export function arpTargetAddress(packet: usize): u32 {
  return load<u32>(packet, 24);
}

/** Writes a packet. */
export function arpWrite(
  packet: usize,
  operation: u16,
  senderMac: u64,
  senderAddress: u32,
  targetMac: u64,
  targetAddress: u32,
): void {
  store<u64>(packet, ETHERNET_IPV4);
  storeBig16(packet + 6, operation);
  store<u64>(packet, senderMac, 8);
  store<u32>(packet, senderAddress, 14);
  store<u64>(packet, targetMac, 18);
  store<u32>(packet, targetAddress, 24);
}
