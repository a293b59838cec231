import { Port, port } from "../../../stack/memory/port";
import { Counter, count } from "../stats/counters";
import { announceAll } from "./announce";
import { Bond } from "./bond";

/**
 * Mode 1: one of the NICs transmits and receives. It stays the active one as long as it has a link; then the
 * first that has one takes over and tells the link where our addresses are now.
 */

/** Whether a NIC's frames count: those that the backup hears, the active one hears, too. */
export function backupListens(b: Bond, p: Port): bool {
  return p.id == b.activeNic;
}

/** Some NIC gained or lost its link; answers whether another one took over. */
export function backupLink(b: Bond): bool {
  if (port(b.activeNic).linkUp != 0) return false;
  for (let other = b.first; other < b.first + b.nics; other++) {
    if (port(other).linkUp == 0) continue;
    b.activeNic = other;
    count(Counter.switchOvers);
    announceAll(b);
    return true;
  }
  return false;
}
