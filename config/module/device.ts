import { consistsOf, contains, hexadecimal } from "./text";

/** The kernel's IFNAMSIZ without the ending zero. */
const LONGEST_INTERFACE_NAME = 15;

/** Writes the six bytes of a MAC address such as "aa:bb:cc:dd:ee:ff"; false if the text is none. */
export function parseMac(text: string, bytes: StaticArray<u8>): bool {
  const parts = text.split(":");
  if (parts.length != 6) return false;
  for (let i = 0; i < 6; i++) {
    const value = parts[i].length > 2 ? -1 : hexadecimal(parts[i]);
    if (value < 0) return false;
    bytes[i] = <u8>value;
  }
  return true;
}

/** Why a MAC address cannot be a device's; an empty string if it can. */
export function notDevice(mac: StaticArray<u8>): string {
  if ((mac[0] & 1) != 0) return "not a multicast or broadcast address";
  for (let i = 0; i < 6; i++) {
    if (mac[i] != 0) return "";
  }
  return "not all zero";
}

/** Whether the kernel could have an interface of this name. */
export function isInterfaceName(text: string): bool {
  if (text.length == 0 || text.length > LONGEST_INTERFACE_NAME || text == "." || text == "..") return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code == 0x7f) return false;
  }
  return !contains(text, "/:");
}

/** Whether the text is a PCI address with its domain, such as "0000:01:00.0". */
export function isPciAddress(text: string): bool {
  if (text.length != 12 || text.charAt(4) != ":" || text.charAt(7) != ":" || text.charAt(10) != ".")
    return false;
  return (
    hexadecimal(text.substring(0, 4)) >= 0 &&
    hexadecimal(text.substring(5, 7)) >= 0 &&
    hexadecimal(text.substring(8, 10)) >= 0 &&
    consistsOf(text.substring(11), "01234567")
  );
}
