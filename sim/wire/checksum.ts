/**
 * The ones' complement sum (RFC 1071) of `length` bytes at `offset`, added to `sum`; not folded, not
 * complemented.
 */
export function sumBytes(bytes: Uint8Array, offset: number, length: number, sum = 0): number {
  let total = sum;
  const end = offset + length;
  let at = offset;
  for (; at + 1 < end; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (at < end) total += (bytes[at] ?? 0) << 8;
  return total;
}

/** Folds a sum to 16 bits. */
export function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return folded;
}

/** The checksum of a sum: folded and complemented. */
export function complement(sum: number): number {
  return ~fold(sum) & 0xffff;
}
