import { arpAnnounce } from "../forward/arp";
import { neighbourAnnounce } from "../forward/neighbour";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { Address, addressIsIpv6 } from "../tables/address";
import { VportState, vport } from "../tables/vport";
import { nicHasRoom } from "./choice";

/** Telling the link where our addresses are, after another NIC has taken over. */

/** How often each address is announced, and how far apart (RFC 5227: ANNOUNCE_NUM, ANNOUNCE_INTERVAL). */
const ROUNDS: u32 = 2;
const INTERVAL_US: u64 = 2_000_000;

/** Announces addresses that are due, as many as the NIC has room for. */
export function bondAnnounce(): void {
  const r = root();
  if (r.announceRounds == 0 || r.now < r.announceAt) return;
  while (r.announceNext < r.vportsTouched) {
    if (!nicHasRoom()) return;
    const v = vport(r.announceNext++);
    if (v.state != VportState.open) continue;
    const a = changetype<Address>(v.address);
    if (a.vports != changetype<usize>(v)) continue;
    if (addressIsIpv6(a)) neighbourAnnounce(a);
    else arpAnnounce(a);
    count(Counter.announcedAddresses);
  }
  r.announceNext = 0;
  r.announceRounds--;
  r.announceAt = r.now + INTERVAL_US;
}

/** Announces every address, from now on. */
export function announceAll(): void {
  const r = root();
  r.announceNext = 0;
  r.announceRounds = ROUNDS;
  r.announceAt = r.now;
  bondAnnounce();
}

/** When the next round is due; u64.MAX_VALUE when there is none. */
export function announceDeadline(): u64 {
  const r = root();
  return r.announceRounds == 0 ? u64.MAX_VALUE : r.announceAt;
}
