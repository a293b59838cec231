/**
 * The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words. Sums are taken in memory order,
 * as plain little-endian loads, and accumulated in 64 bits; the folded result is stored as it is. Such a sum
 * may be formed over words of any width, because 2^16 is 1 modulo 2^16 - 1.
 */

import { swapped16 } from "./bytes";

/** From here on vectors pay for gathering their lanes. */
const VECTOR_MIN: u32 = 128;

/**
 * The sum of the 16-bit words in `length` bytes, a multiple of 64 below 65536. Words are multiplied by one
 * and added in pairs as signed numbers, so each is moved down by 2^15 first; no lane can overflow.
 */
function vectorSum(address: usize, length: u32): u64 {
  const bias = i16x8.splat(-0x8000);
  const one = i16x8.splat(1);
  let even = i32x4.splat(0);
  let odd = i32x4.splat(0);
  const end = address + length;
  for (let at = address; at < end; at += 64) {
    even = i32x4.add(even, i32x4.dot_i16x8_s(v128.xor(v128.load(at), bias), one));
    odd = i32x4.add(odd, i32x4.dot_i16x8_s(v128.xor(v128.load(at, 16), bias), one));
    even = i32x4.add(even, i32x4.dot_i16x8_s(v128.xor(v128.load(at, 32), bias), one));
    odd = i32x4.add(odd, i32x4.dot_i16x8_s(v128.xor(v128.load(at, 48), bias), one));
  }
  const pairs = i64x2.add(
    i64x2.add(i64x2.extend_low_i32x4_s(even), i64x2.extend_high_i32x4_s(even)),
    i64x2.add(i64x2.extend_low_i32x4_s(odd), i64x2.extend_high_i32x4_s(odd)),
  );
  const moved = i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1);
  return <u64>(moved + ((<i64>length / 2) << 15));
}

/**
 * Adds the 0..65535 bytes at `address` to `sum`. The first byte must be at an even distance from the start of
 * what is summed; an odd last byte is padded with zero.
 */
export function checksumAdd(sum: u64, address: usize, length: u32): u64 {
  let total = sum;
  let at = address;
  let left = length;
  if (left >= VECTOR_MIN) {
    const part = left & ~63;
    total += vectorSum(at, part);
    at += part;
    left -= part;
  }
  while (left >= 32) {
    total +=
      <u64>load<u32>(at) +
      <u64>load<u32>(at, 4) +
      <u64>load<u32>(at, 8) +
      <u64>load<u32>(at, 12) +
      <u64>load<u32>(at, 16) +
      <u64>load<u32>(at, 20) +
      <u64>load<u32>(at, 24) +
      <u64>load<u32>(at, 28);
    at += 32;
    left -= 32;
  }
  while (left >= 4) {
    total += load<u32>(at);
    at += 4;
    left -= 4;
  }
  if ((left & 2) != 0) {
    total += load<u16>(at);
    at += 2;
  }
  if ((left & 1) != 0) total += load<u8>(at);
  return total;
}

/** Folds a sum to 16 bits, in memory order, not complemented. */
export function checksumFold(sum: u64): u16 {
  let folded = (sum & 0xffffffff) + (sum >> 32);
  folded = (folded & 0xffffffff) + (folded >> 32);
  let short = (<u32>folded & 0xffff) + (<u32>folded >> 16);
  short = (short & 0xffff) + (short >> 16);
  return <u16>short;
}

/**
 * As checksumAdd for a piece that starts at `offset` bytes from the start of what is summed, even or odd (RFC
 * 1071, 2.B).
 */
export function checksumAddAt(sum: u64, address: usize, length: u32, offset: u32): u64 {
  if ((offset & 1) == 0) return checksumAdd(sum, address, length);
  return sum + <u64>swapped16(checksumFold(checksumAdd(0, address, length)));
}

/**
 * The sum of a pseudo-header (RFC 9293, section 3.1; RFC 8200, section 8.1). The prefix of an IPv4 address
 * held in 16 bytes adds 0xffff, which is zero in this arithmetic, so one form serves both versions.
 */
export function pseudoSum(
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
  protocol: u8,
  length: u32,
): u64 {
  return (
    (sourceHigh & 0xffffffff) +
    (sourceHigh >> 32) +
    (sourceLow & 0xffffffff) +
    (sourceLow >> 32) +
    (destinationHigh & 0xffffffff) +
    (destinationHigh >> 32) +
    (destinationLow & 0xffffffff) +
    (destinationLow >> 32) +
    ((<u64>protocol) << 8) +
    <u64>bswap<u32>(length)
  );
}

/**
 * The checksum field's new value when a 16-bit word of what it covers changes (RFC 1624, equation 3); memory
 * order.
 */
export function checksumUpdate(checksum: u16, from: u16, to: u16): u16 {
  return ~checksumFold(<u64>~checksum + <u64>~from + <u64>to);
}

/**
 * The sum of a pseudo-header over IPv4; addresses with the first byte lowest, as they stand in the header.
 */
export function ipv4PseudoSum(source: u32, destination: u32, protocol: u8, length: u32): u64 {
  return <u64>source + <u64>destination + ((<u64>protocol) << 8) + <u64>bswap<u32>(length);
}

/** Stores a checksum field; `value` in memory order. */
export function storeChecksum(address: usize, value: u16): void {
  store<u16>(address, value);
}
