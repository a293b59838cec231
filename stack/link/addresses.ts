import { EADDRNOTAVAIL, EAFNOSUPPORT, EEXIST, EINVAL, ENOSPC } from "../../build/generated/system";
import { ADDRESSES } from "../memory/map";
import { Port } from "../memory/port";
import { root } from "../memory/root";
import { Timer, TimerKind, timerSet } from "../timer/wheel";
import { ipv4Mask, ipv4Raw, isIpv4, isIpv4Martian } from "../wire/address";
import { arpAnnounce } from "./arp";

/** Own addresses that one stack may have. */
const ADDRESSES_MAX: u32 = 8;
/** RFC 5227, section 1.1: announcements, and the time between them. */
const ANNOUNCE_NUM: u32 = 2;
const ANNOUNCE_INTERVAL_US: u64 = 2_000_000;
const LIMITED_BROADCAST: u32 = 0xffffffff;
const DEFEND_INTERVAL_US: u64 = 10_000_000;
/** How soon an announcement is tried again while the link is down. */
const LINK_WAIT_US: u64 = 1_000_000;

/** An address of this stack on one of its ports. The timer repeats its announcement. */
@unmanaged
export class Address extends Timer {
  port: Port;
  prefixLength: u32;
  /** IPv4 network mask, first byte lowest. */
  mask: u32;
  high: u64;
  low: u64;
  /** The subnet's broadcast address, first byte lowest; the limited broadcast on a /31 or /32 (RFC 3021). */
  broadcast: u32;
  /** Announcements still to be sent. */
  announcements: u16;
  /** 1 when `defendedAt` is set. */
  defended: u16;
  /** When the address was last defended against another host that uses it. */
  defendedAt: u64;
}

/** Own address number `index`. */
export function addressAt(index: u32): Address {
  assert(index < ADDRESSES_MAX);
  return changetype<Address>(ADDRESSES + ((<usize>index) << 6));
}

/** The entry of an own address, or null (0). */
export function addressFind(high: u64, low: u64): Address {
  const held = root().addresses;
  for (let i: u32 = 0; i < held; i++) {
    const a = addressAt(i);
    if (a.low == low && a.high == high) return a;
  }
  return changetype<Address>(0);
}

/**
 * The own address in whose subnet an IPv4 address (first byte lowest) lies, on port `p` or, if null, any; or
 * null (0).
 */
export function addressOnLink(p: Port, raw: u32): Address {
  const held = root().addresses;
  for (let i: u32 = 0; i < held; i++) {
    const a = addressAt(i);
    const samePort = changetype<usize>(p) == 0 || changetype<usize>(a.port) == changetype<usize>(p);
    if (samePort && ((raw ^ ipv4Raw(a.low)) & a.mask) == 0) return a;
  }
  return changetype<Address>(0);
}

/** Whether an IPv4 address is the limited broadcast, or the broadcast of one of our subnets (RFC 919). */
export function isBroadcast(raw: u32): bool {
  if (raw == LIMITED_BROADCAST || raw == addressAt(0).broadcast) return root().addresses != 0;
  const held = root().addresses;
  for (let i: u32 = 1; i < held; i++) {
    if (addressAt(i).broadcast == raw) return true;
  }
  return false;
}

/** Sends the announcements of an address, the first one now (RFC 5227, section 2.3). */
function announce(a: Address): void {
  // One stack of a process speaks for all.
  if (root().stackIndex != 0) return;
  a.announcements = <u16>ANNOUNCE_NUM;
  addressTimer(a);
}

/** The timer of an address fired, or its first announcement is due. */
export function addressTimer(a: Address): void {
  if (a.announcements == 0) return;
  let wait = LINK_WAIT_US;
  if (a.port.linkUp != 0) {
    arpAnnounce(a);
    a.announcements--;
    if (a.announcements == 0) return;
    wait = ANNOUNCE_INTERVAL_US;
  }
  timerSet(a, root().now + wait);
}

/** Another host uses our address: announce it, at most every ten seconds (RFC 5227, section 2.4, (c)). */
export function addressDefend(a: Address): void {
  const now = root().now;
  if (a.defended != 0 && now - a.defendedAt < DEFEND_INTERVAL_US) return;
  a.defended = 1;
  a.defendedAt = now;
  arpAnnounce(a);
}

/**
 * The link of a port went up or down. After it came up its addresses are announced: switches may have
 * forgotten us.
 */
export function linkChanged(p: Port, isUp: bool): void {
  const wasUp = p.linkUp != 0;
  p.linkUp = isUp ? 1 : 0;
  if (!isUp || wasUp) return;
  const held = root().addresses;
  for (let i: u32 = 0; i < held; i++) {
    const a = addressAt(i);
    if (changetype<usize>(a.port) == changetype<usize>(p)) announce(a);
  }
}

/**
 * Gives the stack an address on a port and announces it. Answers 0, or -EAFNOSUPPORT for IPv6, -EINVAL for a
 * prefix longer than the address, -EADDRNOTAVAIL for one that no host may have, -EEXIST, or -ENOSPC when
 * there are too many.
 */
export function addressAssign(p: Port, high: u64, low: u64, prefixLength: u32): i32 {
  if (!isIpv4(high, low)) return -EAFNOSUPPORT;
  if (prefixLength > 32) return -EINVAL;
  const raw = ipv4Raw(low);
  if (isIpv4Martian(raw)) return -EADDRNOTAVAIL;
  if (changetype<usize>(addressFind(high, low)) != 0) return -EEXIST;
  const r = root();
  if (r.addresses >= ADDRESSES_MAX) return -ENOSPC;
  const a = addressAt(r.addresses);
  r.addresses++;
  a.kind = <u16>TimerKind.address;
  a.place = 0;
  a.port = p;
  a.prefixLength = prefixLength;
  a.mask = ipv4Mask(prefixLength);
  a.broadcast = prefixLength <= 30 ? raw | ~a.mask : LIMITED_BROADCAST;
  a.high = high;
  a.low = low;
  a.defended = 0;
  announce(a);
  return 0;
}
