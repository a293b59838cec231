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

const BYTES = 16;

/** The 16 bytes of an IPv6 address without an IPv4 address at its end. */
function ipv6Bytes(text: string): Buffer {
  const [head = "", tail = ""] = text.split("::");
  const groups = (side: string) => (side === "" ? [] : side.split(":"));
  const missing = text.includes("::") ? BYTES / 2 - groups(head).length - groups(tail).length : 0;
  const all = [...groups(head), ...Array.from({ length: missing }, () => "0"), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

/** The 16 bytes of an address of either IP, as configurations have it. */
export function addressBytes(text: string): Buffer {
  return text.includes(":") ? ipv6Bytes(text) : mappedAddress(ipv4Number(text));
}

/** The text of 16 bytes: an IPv4 address as a dotted quad, an IPv6 address in the form of RFC 5952. */
export function addressText(bytes: Buffer): string {
  const ipv4 = mappedIpv4(bytes);
  if (ipv4 !== null) return ipv4Text(ipv4);
  const groups = Array.from({ length: BYTES / 2 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  // The text of a URL's host is that of an address in this form.
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** Whether an IPv6 address is a host of a network such as "2001:db8::/64": not the network's own. */
export function isHostOf(bytes: Buffer, network: string): boolean {
  const [text = "", length = ""] = network.split("/");
  const hostBits = BigInt(8 * BYTES - Number(length));
  const number = (of: Buffer) => BigInt(`0x${of.toString("hex")}`);
  const host = number(bytes) - number(addressBytes(text));
  // A network of two addresses has none of its own (RFC 6164).
  return host >= (hostBits === 1n ? 0n : 1n) && host < 1n << hostBits;
}

/** The IPv4 address in 16 bytes (::ffff:a.b.c.d), or null when it is none. */
export function mappedIpv4(bytes: Buffer): number | null {
  return bytes.subarray(0, 12).equals(MAPPED_PREFIX) ? bytes.readUInt32BE(12) : null;
}
