/**
 * Bytes and meaning of the TCP header (RFC 9293, section 3.1) and its options (section 3.2, RFC 7323, RFC
 * 2018).
 */

import { swapped16 } from "./bytes";

/** Bytes of a header without options. */
export const TCP_HEADER: u32 = 20;

/** Bytes of a padded timestamps option. */
export const TIMESTAMPS_BYTES: u32 = 12;

/** Control bits. */
export enum TcpFlag {
  fin = 1,
  syn = 2,
  rst = 4,
  psh = 8,
  ack = 16,
  urg = 32,
}

/** Kinds of options. */
export enum TcpOption {
  end = 0,
  noOperation = 1,
  maximumSegmentSize = 2,
  windowScale = 3,
  sackPermitted = 4,
  sack = 5,
  timestamps = 8,
}

/**
 * No-operation, no-operation, timestamps, length 10: how nearly every sender lays the option out (RFC 7323,
 * appendix A).
 */
const ALIGNED_TIMESTAMPS: u32 = 0x0a080101;

/** The port it comes from. */
export function tcpSourcePort(at: usize): u16 {
  return swapped16(load<u16>(at));
}

/** The port it goes to. */
export function tcpDestinationPort(at: usize): u16 {
  return swapped16(load<u16>(at, 2));
}

/** Sequence number of the first byte, or of the SYN. */
export function tcpSequence(at: usize): u32 {
  return bswap<u32>(load<u32>(at, 4));
}

/** The number behind the last one received; valid with TcpFlag.ack. */
export function tcpAcknowledgement(at: usize): u32 {
  return bswap<u32>(load<u32>(at, 8));
}

/** Bytes of the header, options included, as the data offset says. */
export function tcpHeaderLength(at: usize): u32 {
  return (<u32>load<u8>(at, 12) >> 4) << 2;
}

/** Bits of TcpFlag. */
export function tcpFlags(at: usize): u32 {
  return load<u8>(at, 13);
}

/** The window field, not scaled. */
export function tcpWindow(at: usize): u32 {
  return swapped16(load<u16>(at, 14));
}

/** The checksum field, in memory order. */
export function tcpChecksum(at: usize): u16 {
  return load<u16>(at, 16);
}

/** Whether the options are exactly one aligned timestamps option. */
export function tcpHasAlignedTimestamps(at: usize): bool {
  return load<u8>(at, 12) >> 4 == 8 && load<u32>(at, 20) == ALIGNED_TIMESTAMPS;
}

/** One byte of an option. */
export function tcpOptionByte(at: usize): u32 {
  return load<u8>(at);
}

/** A 16-bit number in an option. */
export function tcpOptionHalf(at: usize): u32 {
  return swapped16(load<u16>(at));
}

/** A 32-bit number in an option. */
export function tcpOptionWord(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

/**
 * Writes the fixed part, in whole words, since the checksum reads such; the checksum field is left zero,
 * ipClose fills it. `window` is the field, already scaled.
 */
export function tcpWriteHeader(
  at: usize,
  sourcePort: u16,
  destinationPort: u16,
  sequence: u32,
  acknowledgement: u32,
  headerLength: u32,
  flags: u32,
  window: u32,
): void {
  store<u32>(at, <u32>swapped16(sourcePort) | ((<u32>swapped16(destinationPort)) << 16));
  store<u32>(at, bswap<u32>(sequence), 4);
  store<u32>(at, bswap<u32>(acknowledgement), 8);
  const control = ((headerLength << 2) & 0xff) | ((flags & 0xff) << 8);
  store<u32>(at, control | ((<u32>swapped16(<u16>window)) << 16), 12);
  store<u32>(at, 0, 16);
}

/** Appends a maximum segment size option; answers the address behind it. */
export function tcpWriteMss(at: usize, mss: u32): usize {
  store<u8>(at, <u8>TcpOption.maximumSegmentSize);
  store<u8>(at, 4, 1);
  store<u16>(at, swapped16(<u16>mss), 2);
  return at + 4;
}

/** Appends a window scale option, padded in front to four bytes. */
export function tcpWriteWindowScale(at: usize, shift: u32): usize {
  store<u8>(at, <u8>TcpOption.noOperation);
  store<u8>(at, <u8>TcpOption.windowScale, 1);
  store<u8>(at, 3, 2);
  store<u8>(at, <u8>shift, 3);
  return at + 4;
}

/** Appends a SACK-permitted option, padded in front to four bytes. */
export function tcpWriteSackPermitted(at: usize): usize {
  store<u16>(at, 0x0101);
  store<u8>(at, <u8>TcpOption.sackPermitted, 2);
  store<u8>(at, 2, 3);
  return at + 4;
}

/** Appends a timestamps option, padded in front to twelve bytes. */
export function tcpWriteTimestamps(at: usize, value: u32, echo: u32): usize {
  store<u32>(at, ALIGNED_TIMESTAMPS);
  store<u32>(at, bswap<u32>(value), 4);
  store<u32>(at, bswap<u32>(echo), 8);
  return at + 12;
}

/** Appends the head of a SACK option of `blocks` blocks, padded in front to four bytes. */
export function tcpWriteSack(at: usize, blocks: u32): usize {
  store<u16>(at, 0x0101);
  store<u8>(at, <u8>TcpOption.sack, 2);
  store<u8>(at, <u8>(2 + blocks * 8), 3);
  return at + 4;
}

/** Appends one SACK block. */
export function tcpWriteSackBlock(at: usize, left: u32, right: u32): usize {
  store<u32>(at, bswap<u32>(left));
  store<u32>(at, bswap<u32>(right), 4);
  return at + 8;
}
