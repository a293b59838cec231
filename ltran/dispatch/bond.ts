import { Port, port } from "../../stack/memory/port";
import { arpAnnounce } from "./forward/arp";
import { nicDone, nicHasRoom } from "./forward/to-nic";
import { root } from "./memory/root";
import { Counter, count } from "./stats/counters";
import { DropReason } from "./stats/drop";
import { Address } from "./tables/address";
import { VportState, vport } from "./tables/vport";

/**
 * Active-backup: one of the NICs transmits and receives. It stays the active one as long as it has a link;
 * then the first that has one takes over and tells the link where our addresses are now.
 */

/** How often each address is announced, and how far apart (RFC 5227: ANNOUNCE_NUM, ANNOUNCE_INTERVAL). */
const ROUNDS: u32 = 2;
const INTERVAL_US: u64 = 2_000_000;

/** Whether a NIC's frames count: those that the backup hears, the active one hears, too. */
export function bondListens(p: Port): bool {
  return p.id == root().activeNic;
}

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
    arpAnnounce(a);
    count(Counter.announcedAddresses);
  }
  r.announceNext = 0;
  r.announceRounds--;
  r.announceAt = r.now + INTERVAL_US;
}

/** When the next round is due; u64.MAX_VALUE when there is none. */
export function bondDeadline(): u64 {
  const r = root();
  return r.announceRounds == 0 ? u64.MAX_VALUE : r.announceAt;
}

/** NIC `p` gained or lost its link. */
export function bondLink(p: Port, isUp: bool): void {
  const r = root();
  p.linkUp = isUp ? 1 : 0;
  // What waits there would come too late, and hold rings up.
  if (!isUp) nicDone(p, p.txTail - p.txHead, DropReason.withdrawn);
  if (port(r.activeNic).linkUp != 0) return;
  for (let other: u32 = 0; other < r.nics; other++) {
    if (port(other).linkUp == 0) continue;
    r.activeNic = other;
    count(Counter.switchOvers);
    r.announceNext = 0;
    r.announceRounds = ROUNDS;
    r.announceAt = r.now;
    bondAnnounce();
    return;
  }
}
