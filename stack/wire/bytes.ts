/**
 * Big-endian numbers in packets. A module of WebAssembly is little-endian, so a plain load of network-order
 * bytes has the first byte lowest.
 */

/** The two bytes in the other order. By way of 32 bits, which processors have an instruction for. */
export function swapped16(value: u16): u16 {
  return <u16>(bswap<u32>(value) >> 16);
}

/** The byte at `address`. */
export function loadByte(address: usize): u8 {
  return load<u8>(address);
}

/** The 16-bit number at `address`, network byte order. */
export function loadBig16(address: usize): u16 {
  return swapped16(load<u16>(address));
}

/** The 32-bit number at `address`, network byte order. */
export function loadBig32(address: usize): u32 {
  return bswap<u32>(load<u32>(address));
}

/** Stores a 16-bit number in network byte order. */
export function storeBig16(address: usize, value: u16): void {
  store<u16>(address, swapped16(value));
}
