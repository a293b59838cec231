import { loadBig16, loadBig32, storeBig16 } from "./bytes";
import { checksumAdd, checksumFold, checksumUpdate } from "./checksum";

/** Bytes of an ICMP header (RFC 792). */
export const ICMP_HEADER: u32 = 8;
export const ICMP_ECHO_REPLY: u8 = 0;
export const ICMP_UNREACHABLE: u8 = 3;
const ICMP_SOURCE_QUENCH: u8 = 4;
const ICMP_REDIRECT: u8 = 5;
export const ICMP_ECHO_REQUEST: u8 = 8;
export const ICMP_TIME_EXCEEDED: u8 = 11;
export const ICMP_PARAMETER_PROBLEM: u8 = 12;
/** Codes of ICMP_UNREACHABLE. */
export const ICMP_PROTOCOL_UNREACHABLE: u8 = 2;
export const ICMP_PORT_UNREACHABLE: u8 = 3;
export const ICMP_FRAGMENTATION_NEEDED: u8 = 4;
/** Code of ICMP_TIME_EXCEEDED. */
export const ICMP_REASSEMBLY_TIME: u8 = 1;
/** Bytes of TCP or UDP header that every ICMP error quotes. */
export const ICMP_QUOTE: u32 = 8;
/** Precedence of errors: internetwork control (RFC 1812, section 4.3.2.5); and how far they go. */
export const ICMP_ERROR_TOS: u8 = 0xc0;
export const ICMP_ERROR_TTL: u8 = 64;

/** Type of a message. */
export function icmpType(message: usize): u8 {
  return load<u8>(message);
}

/** Code of a message. */
export function icmpCode(message: usize): u8 {
  return load<u8>(message, 1);
}

/** Next-hop MTU of "fragmentation needed" (RFC 1191, section 4); 0 from a router that does not know it. */
export function icmpMtu(message: usize): u32 {
  return <u32>loadBig16(message + 6);
}

/** Whether the checksum of a contiguous message is right. */
export function icmpChecksumRight(message: usize, length: u32): bool {
  return checksumFold(checksumAdd(0, message, length)) == 0xffff;
}

/** Whether a message of this type is about another packet that was in error. */
export function icmpIsError(type: u8): bool {
  return (
    type == ICMP_UNREACHABLE ||
    type == ICMP_SOURCE_QUENCH ||
    type == ICMP_REDIRECT ||
    type == ICMP_TIME_EXCEEDED ||
    type == ICMP_PARAMETER_PROBLEM
  );
}

/** Turns an echo request whose checksum is right into its reply. */
export function icmpMakeReply(message: usize): void {
  const before = load<u16>(message);
  store<u8>(message, ICMP_ECHO_REPLY);
  store<u8>(message, 0, 1);
  store<u16>(message, checksumUpdate(load<u16>(message, 2), before, 0), 2);
}

/** Writes the header of an error over a contiguous message of `length` bytes, and the checksum. */
export function icmpWriteError(message: usize, length: u32, type: u8, code: u8, mtu: u16): void {
  store<u16>(message, <u16>(<u32>type | ((<u32>code) << 8)));
  store<u16>(message, 0, 2);
  storeBig16(message + 4, 0);
  storeBig16(message + 6, mtu);
  store<u16>(message, ~checksumFold(checksumAdd(0, message, length)), 2);
}

/** Source port of the TCP or UDP header quoted at `quote`. */
export function quotedSourcePort(quote: usize): u16 {
  return loadBig16(quote);
}

/** Destination port of the TCP or UDP header quoted at `quote`. */
export function quotedDestinationPort(quote: usize): u16 {
  return loadBig16(quote + 2);
}

/** Sequence number of the TCP header quoted at `quote`. */
export function quotedSequence(quote: usize): u32 {
  return loadBig32(quote + 4);
}
