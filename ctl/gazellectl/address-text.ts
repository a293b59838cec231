/** An address as text: 16 bytes in network order, as two numbers that hold them in the machine's order. */
export function addressText(high: bigint, low: bigint): string {
  if (high === 0n && low === 0n) return "*";
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(high, 0);
  bytes.writeBigUInt64LE(low, 8);
  if (high === 0n && bytes.readUInt32BE(8) === 0xffff) {
    const ipv4 = bytes.subarray(12).join(".");
    return ipv4 === "0.0.0.0" ? "*" : ipv4;
  }
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2));
  return shortened(groups);
}

/** RFC 5952: the longest run of zeros, the first of several, becomes "::". */
function shortened(groups: readonly number[]): string {
  let [best, length] = [-1, 1];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > length) [best, length] = [start, end - start];
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (best < 0) return text(groups);
  return `${text(groups.slice(0, best))}::${text(groups.slice(best + length))}`;
}
