/** Addresses of hosts and hardware between text and bytes. */

/** "02:00:00:00:00:01" as a number: low 48 bits, first byte lowest, as the module has it. */
export function macNumber(text: string): bigint {
  const bytes = text.split(":").map((part) => Number.parseInt(part, 16));
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** The text of such a number. */
export function macText(mac: bigint | number): string {
  const bytes = Array.from({ length: 6 }, (_, index) => Number((BigInt(mac) >> BigInt(8 * index)) & 0xffn));
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** "10.0.0.1" as a number, first byte highest. */
export function ipv4Number(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The text of such a number. */
export function ipv4Text(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

const MAPPED_PREFIX = Buffer.from("00000000000000000000ffff", "hex");

/** An IPv4 address in 16 bytes (::ffff:a.b.c.d). */
export function mappedAddress(ipv4: number): Buffer {
  const bytes = Buffer.alloc(16);
  MAPPED_PREFIX.copy(bytes);
  bytes.writeUInt32BE(ipv4, 12);
  return bytes;
}

/** The IPv4 address in 16 bytes (::ffff:a.b.c.d), or null when it is none. */
export function mappedIpv4(bytes: Buffer): number | null {
  return bytes.subarray(0, 12).equals(MAPPED_PREFIX) ? bytes.readUInt32BE(12) : null;
}
