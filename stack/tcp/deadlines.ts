import { timerSet, timerStop } from "../timer/wheel";
import { Tcb } from "./tcb";

/**
 * Each TCB has one timer, which stands at or before the earliest of its deadlines. A deadline is a field:
 * switching it off or putting it off is a store, and the timer finds that out when it fires.
 */

/** Makes sure that the timer fires at `at` or earlier. To be called after a deadline field was set. */
export function deadlineArm(tcb: Tcb, at: u64): void {
  if (tcb.place == 0 || at < tcb.expires) timerSet(tcb, at);
}

function earlier(a: u64, b: u64): u64 {
  if (b == 0) return a;
  return a == 0 || b < a ? b : a;
}

/** Sets the timer to the earliest deadline, after it fired. */
export function deadlineRearm(tcb: Tcb): void {
  let at = tcb.retransmitAt;
  at = earlier(at, tcb.persistAt);
  at = earlier(at, tcb.delayedAckAt);
  at = earlier(at, tcb.keepAliveAt);
  at = earlier(at, tcb.stateAt);
  at = earlier(at, tcb.holdAt);
  if (at != 0) timerSet(tcb, at);
}

/** Switches every deadline off. */
export function deadlinesClear(tcb: Tcb): void {
  tcb.retransmitAt = 0;
  tcb.persistAt = 0;
  tcb.delayedAckAt = 0;
  tcb.keepAliveAt = 0;
  tcb.stateAt = 0;
  tcb.holdAt = 0;
  timerStop(tcb);
}
