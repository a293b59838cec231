import { CALL_WAKES, callWake } from "../memory/call";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { setId, WaitSet } from "./waitset";

/** Lists a set in which a thread sleeps for the shell to wake; no effect when it is listed. */
export function wakeList(set: WaitSet): void {
  if (set.listed) return;
  set.listed = true;
  set.wakeNext = root().wakeHead;
  root().wakeHead = changetype<usize>(set);
  count(Counter.waitSetWakes);
}

/** Takes a set that ends out of the list. */
export function wakeUnlist(set: WaitSet): void {
  if (!set.listed) return;
  set.listed = false;
  const address = changetype<usize>(set);
  if (root().wakeHead == address) {
    root().wakeHead = set.wakeNext;
    return;
  }
  let at = changetype<WaitSet>(root().wakeHead);
  while (at.wakeNext != address) at = changetype<WaitSet>(at.wakeNext);
  at.wakeNext = set.wakeNext;
}

/**
 * Moves up to CALL_WAKES ids of listed sets to the call area; sets whose sleepers left meanwhile are passed
 * over.
 */
export function wakesTake(): u32 {
  let taken: u32 = 0;
  while (root().wakeHead != 0 && taken < CALL_WAKES) {
    const set = changetype<WaitSet>(root().wakeHead);
    root().wakeHead = set.wakeNext;
    set.listed = false;
    if (set.sleepers == 0) continue;
    callWake(taken).id = setId(set);
    taken++;
  }
  return taken;
}
