import { decimal, hexadecimal } from "./text";

/** The IPv4 address of a dotted quad without leading zeros, in host byte order; -1 if the text is none. */
export function parseIpv4(text: string): i64 {
  const parts = text.split(".");
  if (parts.length != 4) return -1;
  let address: i64 = 0;
  for (let i = 0; i < 4; i++) {
    const part = parts[i];
    const value = part.length > 1 && part.charAt(0) == "0" ? -1 : decimal(part);
    if (value < 0 || value > 255) return -1;
    address = address * 256 + value;
  }
  return address;
}

/** Dotted quad of an address in host byte order. */
export function showIpv4(address: u32): string {
  return `${address >> 24}.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}`;
}

/** The IPv4-mapped form of an address, ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
export function storeMapped(address: u32, bytes: StaticArray<u8>): void {
  for (let i = 0; i < 10; i++) bytes[i] = 0;
  bytes[10] = 0xff;
  bytes[11] = 0xff;
  for (let i = 0; i < 4; i++) bytes[12 + i] = <u8>(address >> (24 - 8 * i));
}

/** Number of leading ones of a contiguous mask of at least one bit; -1 for any other mask. */
export function maskLength(mask: u32): i32 {
  const host = ~mask;
  return mask == 0 || (host & (host + 1)) != 0 ? -1 : 32 - popcnt<u32>(host);
}

/** Why an IPv4 address cannot be a host's; an empty string if it can. */
export function notHost(address: u32): string {
  const first = address >> 24;
  if (first == 0) return 'not of "this network" (0.0.0.0/8)';
  if (first == 127) return "not a loopback address, which stays with the kernel";
  if (first >= 224 && first < 240) return "not a multicast address";
  if (first >= 240) return "not a reserved or broadcast address";
  return "";
}

/** Appends the 16-bit groups of one side of "::" and returns whether they are well-formed. */
function parseGroups(text: string, mayEndInIpv4: bool, groups: i32[]): bool {
  if (text.length == 0) return true;
  const parts = text.split(":");
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (mayEndInIpv4 && i == parts.length - 1 && part.includes(".")) {
      const address = parseIpv4(part);
      if (address < 0) return false;
      groups.push(<i32>(address >> 16));
      groups.push(<i32>(address & 0xffff));
    } else {
      const value = part.length > 4 ? -1 : hexadecimal(part);
      if (value < 0) return false;
      groups.push(<i32>value);
    }
  }
  return true;
}

/**
 * Writes the 16 bytes of an IPv6 address in the forms of RFC 4291, section 2.2; false if the text is none.
 */
export function parseIpv6(text: string, bytes: StaticArray<u8>): bool {
  const sides = text.split("::");
  if (sides.length > 2) return false;
  const head: i32[] = [];
  const tail: i32[] = [];
  if (!parseGroups(sides[0], sides.length == 1, head)) return false;
  if (sides.length == 2 && !parseGroups(sides[1], true, tail)) return false;
  const count = head.length + tail.length;
  if (sides.length == 1 ? count != 8 : count > 7) return false;
  for (let i = 0; i < 8; i++) {
    const fromTail = i - (8 - tail.length);
    const group = i < head.length ? head[i] : fromTail >= 0 ? tail[fromTail] : 0;
    bytes[2 * i] = <u8>(group >> 8);
    bytes[2 * i + 1] = <u8>group;
  }
  return true;
}

/** Where the longest run of groups of zeros begins, the first of several; -1: none is of two or more. */
function longestZeros(groups: i32[]): i32 {
  let best = -1;
  let length = 1;
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (end < groups.length && groups[end] == 0) end++;
    if (end - i <= length) continue;
    best = i;
    length = end - i;
  }
  return best;
}

const HEX_DIGITS = "0123456789abcdef";

/** A group without leading zeros. */
function inHexadecimal(group: i32): string {
  let text = "";
  for (let shift = 12; shift >= 0; shift -= 4) {
    const digit = (group >> shift) & 15;
    if (digit != 0 || text.length > 0 || shift == 0) text += HEX_DIGITS.charAt(digit);
  }
  return text;
}

/** The text of an IPv6 address in the form of RFC 5952, section 4. */
export function showIpv6(bytes: StaticArray<u8>): string {
  const groups: i32[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((<i32>bytes[i]) << 8) | <i32>bytes[i + 1]);
  const zeros = longestZeros(groups);
  let text = "";
  let i = 0;
  while (i < 8) {
    if (i == zeros) {
      text += "::";
      while (i < 8 && groups[i] == 0) i++;
    } else {
      text += (text.length == 0 || text.endsWith(":") ? "" : ":") + inHexadecimal(groups[i]);
      i++;
    }
  }
  return text;
}

/** Whether the first `length` bits of two IPv6 addresses are the same. */
export function isSamePrefix(a: StaticArray<u8>, b: StaticArray<u8>, length: i32): bool {
  for (let i = 0; i < 16; i++) {
    const bits = length - 8 * i;
    if (bits <= 0) return true;
    const mask = bits >= 8 ? 0xff : (0xff00 >> bits) & 0xff;
    if (((<i32>a[i] ^ <i32>b[i]) & mask) != 0) return false;
  }
  return true;
}

/** A host's address of either IP in the form in which it is shown; empty if the text is none. */
export function hostText(text: string): string {
  const ipv4 = parseIpv4(text);
  if (ipv4 >= 0) return notHost(<u32>ipv4).length > 0 ? "" : text;
  const bytes = new StaticArray<u8>(16);
  return parseIpv6(text, bytes) && notHost6(bytes).length == 0 ? showIpv6(bytes) : "";
}

/** Why an IPv6 address cannot be a host's; an empty string if it can. */
export function notHost6(bytes: StaticArray<u8>): string {
  if (bytes[0] == 0xff) return "not a multicast address";
  for (let i = 0; i < 15; i++) {
    if (bytes[i] != 0) return "";
  }
  return bytes[15] <= 1 ? "neither the unspecified nor the loopback address" : "";
}
