import { poolGiveTo, poolTakeFrom } from "../../../stack/memory/pool";
import { mix } from "../../../stack/random/random";
import { isIpv4 } from "../../../stack/wire/address";
import { PoolOf, poolOf } from "../memory/pools";
import { root } from "../memory/root";
import { Vport } from "./vport";

/**
 * An address that vports have: one, or several that share it. All of them have the same hardware address,
 * since others on the link can know only one.
 */
@unmanaged
export class Address {
  /** Next of its bucket. */
  next: usize;
  /** First of its vports (Vport.addressNext), in the order of their opening. */
  vports: usize;
  high: u64;
  low: u64;
  mac: u64;
  /** Vports that have it. */
  vportCount: u32;
  /** Vports, also closed ones, and flows that name it: with the last of them it goes. */
  references: u32;
  /** Tells it apart in the keys of flows and listeners. */
  id: u32;
  /** Network that it is in (tables/network.ts). The same address in another one is another one. */
  network: u32;
  /** The kernel has it, too: what no vport wants is the kernel's. */
  kernel: u16;
  /** Processes whose its vports are. */
  processes: u16;
}

@unmanaged
class Bucket {
  head: usize;
}

function bucket(high: u64, low: u64): Bucket {
  const r = root();
  // The high half of every IPv4 address is zero.
  let hash = mix(low ^ r.tableKey);
  if (high != 0) hash = mix(hash + mix(high ^ r.tableKey));
  return changetype<Bucket>(r.addresses + ((<usize>(<u32>(hash >> 32) & r.addressMask)) << 2));
}

/** Whether an address is one of IPv6. */
export function addressIsIpv6(a: Address): bool {
  return !isIpv4(a.high, a.low);
}

/** The entry of an address in a network, or null (0). */
export function addressFind(high: u64, low: u64, network: u32): Address {
  let at = bucket(high, low).head;
  while (at != 0) {
    const a = changetype<Address>(at);
    if (a.low == low && a.high == high && a.network == network) return a;
    at = a.next;
  }
  return changetype<Address>(0);
}

/** The entry of an address, made when missing; null (0) when there are too many. */
export function addressMake(high: u64, low: u64, network: u32, mac: u64): Address {
  const found = addressFind(high, low, network);
  if (changetype<usize>(found) != 0) return found;
  const pool = poolOf(PoolOf.address);
  const a = changetype<Address>(poolTakeFrom(pool));
  if (changetype<usize>(a) == 0) return a;
  const b = bucket(high, low);
  a.next = b.head;
  b.head = changetype<usize>(a);
  a.vports = 0;
  a.high = high;
  a.low = low;
  a.network = network;
  a.mac = mac;
  a.vportCount = 0;
  a.processes = 0;
  a.references = 0;
  a.kernel = 0;
  a.id = <u32>((changetype<usize>(a) - pool.base) / pool.stride);
  return a;
}

/** One that named the entry is gone; with the last one it is given back. */
export function addressRelease(a: Address): void {
  a.references--;
  if (a.references != 0) return;
  const b = bucket(a.high, a.low);
  if (b.head == changetype<usize>(a)) {
    b.head = a.next;
  } else {
    let at = changetype<Address>(b.head);
    while (at.next != changetype<usize>(a)) at = changetype<Address>(at.next);
    at.next = a.next;
  }
  poolGiveTo(poolOf(PoolOf.address), changetype<usize>(a));
}

/** The vport with the lowest stack index of each process is its first: as many as there are processes. */
function chooseFirsts(a: Address): void {
  a.processes = 0;
  for (let at = a.vports; at != 0; at = changetype<Vport>(at).addressNext) {
    const v = changetype<Vport>(at);
    v.isFirst = 1;
    for (let second = a.vports; second != 0; second = changetype<Vport>(second).addressNext) {
      const other = changetype<Vport>(second);
      if (other.key == v.key && other.stackIndex < v.stackIndex) v.isFirst = 0;
    }
    a.processes += <u16>v.isFirst;
  }
}

/** Adds a vport at the end of the address' list; it names the entry until addressRelease(). */
export function addressJoin(a: Address, v: Vport): void {
  v.address = changetype<usize>(a);
  v.addressNext = 0;
  if (a.vports == 0) {
    a.vports = changetype<usize>(v);
  } else {
    let last = changetype<Vport>(a.vports);
    while (last.addressNext != 0) last = changetype<Vport>(last.addressNext);
    last.addressNext = changetype<usize>(v);
  }
  a.vportCount++;
  a.references++;
  chooseFirsts(a);
}

/** Takes a vport off the address' list; it still names the entry. */
export function addressLeave(a: Address, v: Vport): void {
  if (a.vports == changetype<usize>(v)) {
    a.vports = v.addressNext;
  } else {
    let at = changetype<Vport>(a.vports);
    while (at.addressNext != changetype<usize>(v)) at = changetype<Vport>(at.addressNext);
    at.addressNext = v.addressNext;
  }
  v.addressNext = 0;
  a.vportCount--;
  chooseFirsts(a);
}
