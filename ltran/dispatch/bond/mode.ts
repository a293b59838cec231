import { EINVAL } from "../../../build/generated/system";
import { Port, RxFrame } from "../../../stack/memory/port";
import { nicDone } from "../forward/to-nic";
import { root } from "../memory/root";
import { DropReason } from "../stats/drop";
import { backupLink, backupListens } from "./active-backup";
import { albLink, albTakes } from "./alb";
import { announceDeadline, bondAnnounce } from "./announce";
import { lacpInput, lacpListens, lacpRun } from "./lacp";
import { BondMode } from "./member";

/** What the NICs of a bond do together, by its mode. */

/** How NICs are used from now on; before there is any. 0, or -EINVAL for a mode that there is not. */
export function bondBegin(mode: u32): i32 {
  const isKnown = mode == BondMode.activeBackup || mode == BondMode.lacp || mode == BondMode.adaptive;
  if (!isKnown || root().nics != 0) return -EINVAL;
  root().bondMode = mode;
  return 0;
}

/** A NIC was added. */
export function bondJoin(): void {
  if (root().bondMode == BondMode.lacp) lacpRun();
  else if (root().bondMode == BondMode.adaptive) albLink(false);
}

/** NIC `p` gained or lost its link. */
export function bondLink(p: Port, isUp: bool): void {
  p.linkUp = isUp ? 1 : 0;
  // What waits there would come too late, and hold rings up.
  if (!isUp) nicDone(p, p.txTail - p.txHead, DropReason.withdrawn);
  if (root().bondMode == BondMode.lacp) lacpRun();
  else if (root().bondMode == BondMode.adaptive) albLink(!isUp);
  else backupLink();
}

/** Whether frames that NIC `p` receives count, as far as the NIC decides that. */
export function bondListens(p: Port): bool {
  switch (root().bondMode) {
    case BondMode.lacp:
      return lacpListens(p);
    case BondMode.adaptive:
      return p.linkUp != 0;
    default:
      return backupListens(p);
  }
}

/** What becomes of a received frame. */
export enum BondVerdict {
  /** It is one for programs. */
  taken,
  /** Another NIC receives it, too. */
  ignored,
  /** It was about the bond itself. */
  done,
}

/** Looks at a frame that NIC `p` has received. */
export function bondInput(p: Port, rx: RxFrame): BondVerdict {
  const mode = root().bondMode;
  if (mode == BondMode.lacp && lacpInput(p, rx)) return BondVerdict.done;
  const takes = bondListens(p) && (mode != BondMode.adaptive || albTakes(p, rx));
  return takes ? BondVerdict.taken : BondVerdict.ignored;
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
