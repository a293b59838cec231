import { Port, port } from "../../../stack/memory/port";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { announceAll } from "./announce";

/**
 * Mode 1: one of the NICs transmits and receives. It stays the active one as long as it has a link; then the
 * first that has one takes over and tells the link where our addresses are now.
 */

/** Whether a NIC's frames count: those that the backup hears, the active one hears, too. */
export function backupListens(p: Port): bool {
  return p.id == root().activeNic;
}

/** Some NIC gained or lost its link; answers whether another one took over. */
export function backupLink(): bool {
  const r = root();
  if (port(r.activeNic).linkUp != 0) return false;
  for (let other: u32 = 0; other < r.nics; other++) {
    if (port(other).linkUp == 0) continue;
    r.activeNic = other;
    count(Counter.switchOvers);
    announceAll();
    return true;
  }
  return false;
}
