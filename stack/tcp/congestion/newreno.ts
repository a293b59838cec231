import { Tcb } from "../tcb";

/** RFC 5681, section 3.1: congestion avoidance by counting acknowledged bytes: one segment a window. */
export function newrenoAvoid(tcb: Tcb, acknowledged: u32): void {
  tcb.ackedCredit += acknowledged;
  if (tcb.ackedCredit < tcb.cwnd) return;
  tcb.ackedCredit -= tcb.cwnd;
  tcb.cwnd += tcb.mss;
}

/** RFC 5681, equation 4: the slow-start threshold after a loss with `flight` bytes in the network. */
export function newrenoThreshold(tcb: Tcb, flight: u32): u32 {
  return max(flight / 2, 2 * tcb.mss);
}
