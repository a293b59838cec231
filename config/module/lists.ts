// Options whose value is one string that lists things. Each function answers the parts in one form, or null
// if the text is not such a list.
import { hostText } from "./address";
import { isInterfaceName, notDevice, parseMac } from "./device";
import { hexadecimal, wholeNumber } from "./text";

/** Ports that one mask can name: its bits. */
const MOST_MASK: i64 = 0xff;
/** The greatest number of a user or group; the one above means "none". */
const MOST_ID: u64 = 0xfffffffe;
const HEX_DIGITS = "0123456789abcdef";

/** Words between blanks and tabs. */
export function parseWords(text: string): string[] {
  const words: string[] = [];
  const parts = text.split("\t").join(" ").split(" ");
  for (let i = 0; i < parts.length; i++) {
    if (parts[i].length > 0) words.push(parts[i]);
  }
  return words;
}

/** Names of interfaces, each once. */
export function parseInterfaces(text: string): string[] | null {
  const names: string[] = [];
  const parts = text.split(",");
  for (let i = 0; i < parts.length; i++) {
    const name = parts[i].trim();
    if (!isInterfaceName(name) || names.includes(name)) return null;
    names.push(name);
  }
  return names;
}

/** MAC addresses that a device can have, each once; in lower case with two digits a byte. */
export function parseMacs(text: string): string[] | null {
  const macs: string[] = [];
  const parts = text.split(",");
  const bytes = new StaticArray<u8>(6);
  for (let i = 0; i < parts.length; i++) {
    if (!parseMac(parts[i].trim(), bytes) || notDevice(bytes).length > 0) return null;
    let mac = "";
    for (let j = 0; j < 6; j++) {
      if (j > 0) mac += ":";
      mac += HEX_DIGITS.charAt(bytes[j] >> 4) + HEX_DIGITS.charAt(bytes[j] & 15);
    }
    if (macs.includes(mac)) return null;
    macs.push(mac);
  }
  return macs;
}

/** Masks after 0x, as decimal numbers. */
export function parseMasks(text: string): string[] | null {
  const masks: string[] = [];
  const parts = text.split(",");
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i].trim();
    if (!part.startsWith("0x") && !part.startsWith("0X")) return null;
    const mask = hexadecimal(part.substring(2));
    if (mask < 1 || mask > MOST_MASK) return null;
    masks.push(`${mask}`);
  }
  return masks;
}

/** A decimal number of a user or group; more than any if the text is none. */
function parseId(text: string): u64 {
  const digits = text.trim();
  return digits.length > 0 ? wholeNumber(digits, 10) : u64.MAX_VALUE;
}

/** A number or two as a range "first-last"; empty if it is none. */
function parseRange(text: string): string {
  const ends = text.split("-");
  if (ends.length > 2) return "";
  const first = parseId(ends[0]);
  const last = ends.length == 2 ? parseId(ends[1]) : first;
  return last < first || last > MOST_ID ? "" : `${first}-${last}`;
}

/** Numbers of users or groups, as ranges "first-last"; an empty text lists none. */
export function parseIds(text: string): string[] | null {
  const ranges: string[] = [];
  if (text.trim().length == 0) return ranges;
  const parts = text.split(",");
  for (let i = 0; i < parts.length; i++) {
    const range = parseRange(parts[i]);
    if (range.length == 0) return null;
    ranges.push(range);
  }
  return ranges;
}

/** Hosts and their users, as "address=first-last"; an empty text lists none. */
export function parseOwners(text: string): string[] | null {
  const owners: string[] = [];
  if (text.trim().length == 0) return owners;
  const parts = text.split(",");
  for (let i = 0; i < parts.length; i++) {
    const sides = parts[i].split("=");
    if (sides.length != 2) return null;
    const address = hostText(sides[0].trim());
    const range = parseRange(sides[1]);
    if (address.length == 0 || range.length == 0) return null;
    owners.push(`${address}=${range}`);
  }
  return owners;
}

/** Numbers below 2^32 with hosts' addresses, each once: "5=192.168.1.50"; an empty text lists none. */
export function parseAddressMap(text: string): string[] | null {
  const entries: string[] = [];
  const addresses: string[] = [];
  const ids: u64[] = [];
  if (text.trim().length == 0) return entries;
  const parts = text.split(",");
  for (let i = 0; i < parts.length; i++) {
    const sides = parts[i].split("=");
    if (sides.length != 2) return null;
    const id = parseId(sides[0]);
    const address = hostText(sides[1].trim());
    if (id > u32.MAX_VALUE || ids.includes(id)) return null;
    if (address.length == 0 || addresses.includes(address)) return null;
    ids.push(id);
    addresses.push(address);
    entries.push(`${id}=${address}`);
  }
  return entries;
}
