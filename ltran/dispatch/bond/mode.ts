import { EINVAL } from "../../../build/generated/system";
import { Port, RxFrame } from "../../../stack/memory/port";
import { nicDone } from "../forward/to-nic";
import { root } from "../memory/root";
import { DropReason } from "../stats/drop";
import { backupLink, backupListens } from "./active-backup";
import { announceDeadline, bondAnnounce } from "./announce";
import { lacpInput, lacpListens, lacpRun } from "./lacp";
import { BondMode } from "./member";

/** What the NICs of a bond do together, by its mode. */

/** How NICs are used from now on; before there is any. 0, or -EINVAL for a mode that there is not. */
export function bondBegin(mode: u32): i32 {
  const isKnown = mode == BondMode.activeBackup || mode == BondMode.lacp;
  if (!isKnown || root().nics != 0) return -EINVAL;
  root().bondMode = mode;
  return 0;
}

/** A NIC was added. */
export function bondJoin(): void {
  if (root().bondMode == BondMode.lacp) lacpRun();
}

/** NIC `p` gained or lost its link. */
export function bondLink(p: Port, isUp: bool): void {
  p.linkUp = isUp ? 1 : 0;
  // What waits there would come too late, and hold rings up.
  if (!isUp) nicDone(p, p.txTail - p.txHead, DropReason.withdrawn);
  if (root().bondMode == BondMode.lacp) lacpRun();
  else backupLink();
}

/** Whether frames that NIC `p` receives count. */
export function bondListens(p: Port): bool {
  return root().bondMode == BondMode.lacp ? lacpListens(p) : backupListens(p);
}

/** Takes what is about the bond itself; false: the frame is another one. */
export function bondInput(p: Port, rx: RxFrame): bool {
  return root().bondMode == BondMode.lacp && lacpInput(p, rx);
}

/** What is due. */
export function bondTick(): void {
  const r = root();
  if (r.bondMode == BondMode.lacp && r.now >= r.bondNext) lacpRun();
  bondAnnounce();
}

/** When something is due; u64.MAX_VALUE for never. */
export function bondDeadline(): u64 {
  const r = root();
  return r.bondMode == BondMode.lacp ? min(r.bondNext, announceDeadline()) : announceDeadline();
}
