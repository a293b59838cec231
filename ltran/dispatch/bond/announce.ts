import { arpAnnounce } from "../forward/arp";
import { neighbourAnnounce } from "../forward/neighbour";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { Address, addressIsIpv6 } from "../tables/address";
import { networkBond } from "../tables/network";
import { VportState, vport } from "../tables/vport";
import { Bond } from "./bond";
import { nicHasRoom } from "./choice";

/** Telling the link where our addresses are, after another NIC has taken over. */

/** How often each address is announced, and how far apart (RFC 5227: ANNOUNCE_NUM, ANNOUNCE_INTERVAL). */
const ROUNDS: u32 = 2;
const INTERVAL_US: u64 = 2_000_000;

/** Announces a bond's addresses that are due, as many as the NIC has room for. */
export function bondAnnounce(b: Bond): void {
  const r = root();
  if (b.announceRounds == 0 || r.now < b.announceAt) return;
  while (b.announceNext < r.vportsTouched) {
    if (!nicHasRoom(b)) return;
    const v = vport(b.announceNext++);
    if (v.state != VportState.open || networkBond(v.network) != b.id) continue;
    const a = changetype<Address>(v.address);
    if (a.vports != changetype<usize>(v)) continue;
    if (addressIsIpv6(a)) neighbourAnnounce(a);
    else arpAnnounce(a);
    count(Counter.announcedAddresses);
  }
  b.announceNext = 0;
  b.announceRounds--;
  b.announceAt = r.now + INTERVAL_US;
}

/** Announces every address of a bond, from now on. */
export function announceAll(b: Bond): void {
  b.announceNext = 0;
  b.announceRounds = ROUNDS;
  b.announceAt = root().now;
  bondAnnounce(b);
}

/** When the next round is due; u64.MAX_VALUE when there is none. */
export function announceDeadline(b: Bond): u64 {
  return b.announceRounds == 0 ? u64.MAX_VALUE : b.announceAt;
}
