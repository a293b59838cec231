/**
 * Messages of neighbour discovery (RFC 4861, section 4) and their options. They are ICMPv6 messages: type and
 * code are icmpv6.ts'.
 */

import { checksumUpdate } from "./checksum";
import { Icmpv6Type } from "./icmpv6";

/** Bytes of a solicitation or an advertisement without options. */
export const NEIGHBOUR_MESSAGE: u32 = 24;
/** Bytes of an option with a hardware address of Ethernet (RFC 2464, section 6). */
export const LINK_OPTION: u32 = 8;
/** The only hop limit such a message may have: it was not forwarded (RFC 4861, section 3.1). */
export const NEIGHBOUR_HOP_LIMIT: u8 = 255;

const SOURCE_LINK: u8 = 1;
const TARGET_LINK: u8 = 2;
/** "Override" in the first byte of an advertisement's flags. */
const OVERRIDE: u8 = 0x20;
const SOLICITED: u8 = 0x40;
const CHECKSUM: usize = 2;

/** Where the options of a message of `type` begin: its least length. */
export function neighbourOptionsAt(type: u8): u32 {
  if (type == <u8>Icmpv6Type.routerSolicitation) return 8;
  if (type == <u8>Icmpv6Type.routerAdvertisement) return 16;
  return type == <u8>Icmpv6Type.redirect ? 40 : NEIGHBOUR_MESSAGE;
}

/** First half of the address that a solicitation or an advertisement is about. */
export function neighbourTargetHigh(message: usize): u64 {
  return load<u64>(message, 8);
}

/** Second half of it. */
export function neighbourTargetLow(message: usize): u64 {
  return load<u64>(message, 16);
}

/** Whether an advertisement answers a solicitation. */
export function neighbourIsSolicited(message: usize): bool {
  return (load<u8>(message, 4) & SOLICITED) != 0;
}

/** Whether the options in `length` bytes are whole (RFC 4861, section 4.6). */
export function neighbourOptionsAreWhole(options: usize, length: u32): bool {
  let at: u32 = 0;
  while (at < length) {
    if (at + 2 > length) return false;
    const size = (<u32>load<u8>(options + <usize>at, 1)) << 3;
    if (size == 0 || at + size > length) return false;
    at += size;
  }
  return true;
}

/** The first option with a hardware address, of whole ones from `options` to `end`; 0: there is none. */
export function neighbourLinkOption(options: usize, end: usize): usize {
  let at = options;
  while (at < end) {
    const kind = load<u8>(at);
    if (kind == SOURCE_LINK || kind == TARGET_LINK) return at;
    at += (<usize>load<u8>(at, 1)) << 3;
  }
  return 0;
}

/** Whether such an option holds an address of Ethernet. */
export function linkOptionIsEthernet(option: usize): bool {
  return (<u32>load<u8>(option, 1)) << 3 == LINK_OPTION;
}

/** The hardware address in an option. */
export function linkOptionMac(option: usize): u64 {
  return load<u64>(option) >> 16;
}

/** Changes the hardware address in an option of a whole message, and its checksum with it. */
export function linkOptionSetMac(message: usize, option: usize, mac: u64): void {
  let checksum = load<u16>(message + CHECKSUM);
  for (let i: u32 = 0; i < 3; i++) {
    const at = option + 2 + <usize>(i << 1);
    const word = <u16>(mac >> (i << 4));
    checksum = checksumUpdate(checksum, load<u16>(at), word);
    store<u16>(at, word);
  }
  store<u16>(message + CHECKSUM, checksum);
}

/**
 * Writes what follows the first four bytes of an unsolicited advertisement (RFC 4861, section 7.2.6):
 * "override", the address that it is about, and an option with that one's hardware address.
 */
export function neighbourWriteAdvertisement(message: usize, high: u64, low: u64, mac: u64): void {
  store<u32>(message, OVERRIDE, 4);
  store<u64>(message, high, 8);
  store<u64>(message, low, 16);
  store<u64>(message, (mac << 16) | 0x100 | TARGET_LINK, NEIGHBOUR_MESSAGE);
}
