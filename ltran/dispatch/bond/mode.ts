import { EINVAL, ENOSPC } from "../../../build/generated/system";
import { Port, RxFrame } from "../../../stack/memory/port";
import { nicDone } from "../forward/to-nic";
import { root } from "../memory/root";
import { DropReason } from "../stats/drop";
import { backupLink, backupListens } from "./active-backup";
import { albLink, albTakes } from "./alb";
import { announceDeadline, bondAnnounce } from "./announce";
import { BONDS_MOST, Bond, bond } from "./bond";
import { lacpInput, lacpListens, lacpRun } from "./lacp";
import { BondMode, Member, member } from "./member";

/** What the NICs of a bond do together, by its mode. */

/** How NICs are used from now on; before there is any. 0, or -EINVAL for a mode that there is not. */
export function bondBegin(mode: u32): i32 {
  const isKnown = mode == BondMode.activeBackup || mode == BondMode.lacp || mode == BondMode.adaptive;
  if (!isKnown || root().nics != 0) return -EINVAL;
  root().bondMode = mode;
  return 0;
}

/** Makes another bond, to which the NICs belong that are added from now on; its number, or -ENOSPC. */
export function bondMake(): i32 {
  const r = root();
  if (r.bonds >= BONDS_MOST) return -ENOSPC;
  const b = bond(r.bonds);
  memory.fill(changetype<usize>(b), 0, offsetof<Bond>());
  b.id = r.bonds++;
  b.first = r.nics;
  b.activeNic = b.first;
  return <i32>b.id;
}

/** NIC `nic` was added, to the bond made last. */
export function bondJoin(nic: u32): void {
  const b = bond(root().bonds - 1);
  memory.fill(changetype<usize>(member(nic)), 0, offsetof<Member>());
  member(nic).bond = b.id;
  b.nics++;
  if (root().bondMode == BondMode.lacp) lacpRun(b);
  else if (root().bondMode == BondMode.adaptive) albLink(b, false);
}

/** NIC `p` gained or lost its link. */
export function bondLink(p: Port, isUp: bool): void {
  const b = bond(member(p.id).bond);
  p.linkUp = isUp ? 1 : 0;
  // What waits there would come too late, and hold rings up.
  if (!isUp) nicDone(p, p.txTail - p.txHead, DropReason.withdrawn);
  if (root().bondMode == BondMode.lacp) lacpRun(b);
  else if (root().bondMode == BondMode.adaptive) albLink(b, !isUp);
  else backupLink(b);
}

/** Whether frames that NIC `p` receives count, as far as the NIC decides that. */
export function bondListens(p: Port): bool {
  const b = bond(member(p.id).bond);
  switch (root().bondMode) {
    case BondMode.lacp:
      return lacpListens(b, p);
    case BondMode.adaptive:
      return p.linkUp != 0;
    default:
      return backupListens(b, p);
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
  const takes = bondListens(p) && (mode != BondMode.adaptive || albTakes(bond(member(p.id).bond), p, rx));
  return takes ? BondVerdict.taken : BondVerdict.ignored;
}

/** What is due. */
export function bondTick(): void {
  const r = root();
  for (let id: u32 = 0; id < r.bonds; id++) {
    const b = bond(id);
    if (r.bondMode == BondMode.lacp && r.now >= b.next) lacpRun(b);
    bondAnnounce(b);
  }
}

/** When something is due; u64.MAX_VALUE for never. */
export function bondDeadline(): u64 {
  const r = root();
  let next = u64.MAX_VALUE;
  for (let id: u32 = 0; id < r.bonds; id++) {
    const b = bond(id);
    next = min(next, announceDeadline(b));
    if (r.bondMode == BondMode.lacp) next = min(next, b.next);
  }
  return next;
}
