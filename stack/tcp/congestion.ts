import { root } from "../memory/root";
import { cubicAvoid, cubicThreshold, cubicTimeout } from "./congestion/cubic";
import { newrenoAvoid, newrenoThreshold } from "./congestion/newreno";
import { Recovery, Tcb } from "./tcb";

/** The congestion controls; one file each in congestion/. */
export enum Congestion {
  cubic,
  newreno,
}

const WINDOW_MAX: u32 = 1 << 30;

/** RFC 6928, section 2: min(10 MSS, max(2 MSS, 14600)). */
function initialWindow(mss: u32): u32 {
  return min(10 * mss, max(2 * mss, 14600));
}

/** The connection is established: `mss` is known. */
export function congestionStart(tcb: Tcb): void {
  tcb.cwnd = initialWindow(tcb.mss);
  tcb.ssthresh = WINDOW_MAX;
  tcb.ackedCredit = 0;
  tcb.cubicEpoch = 0;
  tcb.cubicMax = 0;
}

/**
 * `acknowledged` bytes were acknowledged outside fast recovery. A window that the application does not fill
 * says nothing about the network and does not grow (RFC 9438, section 4.2; RFC 7661).
 */
export function congestionAcknowledged(tcb: Tcb, acknowledged: u32): void {
  const slowStart = tcb.cwnd < tcb.ssthresh;
  const used = slowStart ? tcb.flightMost * 2 >= tcb.cwnd : tcb.flightMost + 3 * tcb.mss >= tcb.cwnd;
  if (!used || tcb.cwnd >= WINDOW_MAX) return;
  if (slowStart) {
    // RFC 3465, section 2.3: one segment for each ACK after a time-out; else what was acknowledged, without
    // bursts.
    const most = tcb.recovery == Recovery.loss ? tcb.mss : max(2 * tcb.mss, tcb.cwnd / 2);
    tcb.cwnd += min(acknowledged, most);
    return;
  }
  if (tcb.congestion == Congestion.cubic) cubicAvoid(tcb, acknowledged);
  else newrenoAvoid(tcb, acknowledged);
}

/** The new slow-start threshold after a loss was noticed with `flight` bytes in the network. */
export function congestionThreshold(tcb: Tcb, flight: u32): u32 {
  if (tcb.congestion == Congestion.cubic) return cubicThreshold(tcb, flight);
  return newrenoThreshold(tcb, flight);
}

/** RFC 5681, section 3.1: after a retransmission time-out the window is one segment. */
export function congestionTimeout(tcb: Tcb): void {
  tcb.cwnd = tcb.mss;
  tcb.ackedCredit = 0;
  if (tcb.congestion == Congestion.cubic) cubicTimeout(tcb);
}

/** RFC 5681, section 4.1: after an idle time longer than the RTO the window starts anew. */
export function congestionIdle(tcb: Tcb): void {
  if (tcb.sentAt == 0 || root().now - tcb.sentAt <= tcb.rto) return;
  tcb.cwnd = min(tcb.cwnd, initialWindow(tcb.mss));
  tcb.ackedCredit = 0;
  tcb.cubicEpoch = 0;
}
