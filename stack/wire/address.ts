/**
 * IP addresses are 16 bytes everywhere, held as two little-endian loads of the network-order bytes; an IPv4
 * address is ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). `raw` is the plain 32-bit load of an IPv4 address:
 * first byte lowest.
 */

/** The high half of every IPv4 address. */
export const IPV4_HIGH: u64 = 0;
const IPV4_PREFIX: u64 = 0xffff0000;
/** 0.0.0.0 as a low half. */
export const IPV4_ANY_LOW: u64 = IPV4_PREFIX;

/** The low half of an IPv4 address. */
export function ipv4Low(raw: u32): u64 {
  return ((<u64>raw) << 32) | IPV4_PREFIX;
}

/** The IPv4 address in a low half. */
export function ipv4Raw(low: u64): u32 {
  return <u32>(low >> 32);
}

/** Whether 16 bytes hold an IPv4 address. */
export function isIpv4(high: u64, low: u64): bool {
  return high == 0 && <u32>low == <u32>IPV4_PREFIX;
}

/** Whether an address is unset: 0.0.0.0 or ::. */
export function isAnyAddress(high: u64, low: u64): bool {
  return (high | (low >> 32)) == 0 && (<u32>low == <u32>IPV4_PREFIX || <u32>low == 0);
}

/** 127.0.0.0/8 (RFC 1122, section 3.2.1.3). */
export function isIpv4Loopback(raw: u32): bool {
  return (raw & 0xff) == 127;
}

/** 224.0.0.0/4 (RFC 5771). */
export function isIpv4Multicast(raw: u32): bool {
  return (raw & 0xf0) == 0xe0;
}

/** The network mask of an IPv4 prefix, as a raw address; `prefixLength` is 0..32. */
export function ipv4Mask(prefixLength: u32): u32 {
  return prefixLength == 0 ? 0 : bswap<u32>((<u32>0xffffffff) << (32 - prefixLength));
}

/**
 * Source addresses that no packet on a wire may have (RFC 1122, section 3.2.1.3): 0/8 ("this network"), 127/8
 * (loopback), 224/4 (multicast) and 240/4 (reserved, with the broadcast address).
 */
export function isIpv4Martian(raw: u32): bool {
  const first = raw & 0xff;
  return first == 0 || first == 127 || first >= 224;
}

/** ff00::/8 (RFC 4291, section 2.7). */
export function isIpv6Multicast(high: u64): bool {
  return (high & 0xff) == 0xff;
}

/** ::, the unspecified address (RFC 4291, section 2.5.2). */
export function isIpv6Unspecified(high: u64, low: u64): bool {
  return (high | low) == 0;
}

/**
 * Whether an IPv6 address can be that of a host on a wire: neither a group's, nor of ::/96, where the
 * unspecified and the loopback address lie, nor an IPv4 address (RFC 4291, section 2.5).
 */
export function isIpv6Host(high: u64, low: u64): bool {
  if (isIpv6Multicast(high)) return false;
  return high != 0 || (<u32>low != 0 && <u32>low != <u32>IPV4_PREFIX);
}

/** ff02::1, all nodes of a link (RFC 4291, section 2.7.1). */
export const ALL_NODES_HIGH: u64 = 0x02ff;
export const ALL_NODES_LOW: u64 = 0x0100000000000000;
