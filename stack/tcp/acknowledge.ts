import { EPOLLOUT, EPOLLWRNORM } from "../../build/generated/system";
import { Neighbour, neighbourConfirm } from "../link/neighbours";
import { root } from "../memory/root";
import { socketNotify } from "../socket/readiness";
import { DropReason, drop } from "../stats/drop";
import { TcpFlag } from "../wire/tcp";
import { congestionAcknowledged } from "./congestion";
import { deadlineArm } from "./deadlines";
import { tcpRequestOutput } from "./output-queue";
import { recoveryAdvanced, recoveryDuplicate } from "./recovery";
import { challenge } from "./reset";
import { rttAcknowledged } from "./rtt";
import { sackLostEdge, sackUpdate } from "./sack";
import { Has, Segment } from "./segment";
import { sendQueueAcknowledge } from "./send-queue";
import { after, before, beforeOrAt, earliest } from "./sequence";
import {
  Recovery,
  sendLimitSequence,
  sendQueued,
  Tcb,
  TcbFlag,
  tcbClear,
  tcbHas,
  tcbSocket,
  timestampNow,
} from "./tcb";

/** RFC 9293, section 3.10.7.4: takes a new window; true when its right edge moved. */
function windowUpdate(tcb: Tcb, s: Segment): bool {
  const newer =
    before(tcb.sndWl1, s.sequence) || (tcb.sndWl1 == s.sequence && beforeOrAt(tcb.sndWl2, s.acknowledgement));
  if (!newer) return false;
  const window = s.window << tcb.sndScale;
  const changed = window != tcb.sndWnd;
  tcb.sndWnd = window;
  tcb.sndWl1 = s.sequence;
  tcb.sndWl2 = s.acknowledgement;
  if (window > tcb.sndWndMax) tcb.sndWndMax = window;
  if (window != 0 && tcb.persistAt != 0) {
    tcb.persistAt = 0;
    tcb.stalledAt = 0;
    tcb.backoff = 0;
    tcpRequestOutput(tcb, true);
  }
  return changed;
}

/** Tells the application that it can write again: when a third of the queue is free, as on Linux. */
export function writableAgain(tcb: Tcb): void {
  if (!tcbHas(tcb, TcbFlag.unwritable) || tcb.socket == 0) return;
  const queued = sendQueued(tcb);
  if (queued + queued / 2 > tcb.sendLimit) return;
  tcbClear(tcb, TcbFlag.unwritable);
  socketNotify(tcbSocket(tcb), EPOLLOUT | EPOLLWRNORM);
}

function advance(tcb: Tcb, s: Segment): void {
  const now = root().now;
  const acknowledged = s.acknowledgement - tcb.sndUna;
  tcb.sndUna = s.acknowledgement;
  if (before(tcb.sndNxt, tcb.sndUna)) tcb.sndNxt = tcb.sndUna;
  // Left behind, it would lie ahead again two gigabytes later.
  if (before(tcb.smallEnd, tcb.sndUna)) tcb.smallEnd = tcb.sndUna;
  const echoed = (s.has & Has.timestamps) != 0 && s.timestampEcho != 0;
  rttAcknowledged(tcb, tcb.sndUna, echoed, timestampNow(tcb) - s.timestampEcho);
  sendQueueAcknowledge(tcb, earliest(tcb.sndUna, tcb.sndEnd));
  tcb.backoff = 0;
  tcb.error = 0;
  const outstanding = tcb.sndUna != tcb.sndMax;
  // RFC 6298, sections 5.2 and 5.3.
  tcb.retransmitAt = outstanding ? now + tcb.rto : 0;
  // A closed window stays one, whether or not it took the byte of a probe.
  if (tcb.persistAt == 0) tcb.stalledAt = outstanding ? now : 0;
  if (outstanding) deadlineArm(tcb, tcb.retransmitAt);
  const news = s.sackCount != 0 && tcbHas(tcb, TcbFlag.sackPermitted) && sackUpdate(tcb);
  if (recoveryAdvanced(tcb, acknowledged)) congestionAcknowledged(tcb, acknowledged);
  if (news && tcb.recovery == Recovery.open && before(tcb.sndUna, sackLostEdge(tcb))) recoveryDuplicate(tcb);
  if (tcb.neighbour != 0) neighbourConfirm(changetype<Neighbour>(tcb.neighbour));
  writableAgain(tcb);
}

/**
 * The ACK field of an acceptable segment (RFC 9293, section 3.10.7.4, fifth step). False: the segment is to
 * be dropped.
 */
export function acknowledge(tcb: Tcb, s: Segment): bool {
  const ack = s.acknowledgement;
  // RFC 5961, section 5.2: neither of something never sent, nor older than any window we had.
  if (after(ack, tcb.sndMax) || before(ack, tcb.sndUna - tcb.sndWndMax)) {
    challenge(tcb);
    drop(DropReason.tcpUnacceptable);
    return false;
  }
  if (before(ack, tcb.sndUna)) return true;
  const moved = windowUpdate(tcb, s);
  if (ack != tcb.sndUna) {
    advance(tcb, s);
  } else if (tcb.sndMax != tcb.sndUna && tcb.persistAt == 0) {
    // (The answers to window probes are no duplicates.)
    // RFC 6675, section 2: with SACK an ACK is a duplicate when it reports something new; else RFC 5681,
    // section 2.
    let duplicate: bool = false;
    if (tcbHas(tcb, TcbFlag.sackPermitted)) duplicate = s.sackCount != 0 && sackUpdate(tcb);
    else duplicate = s.length == 0 && !moved && (s.flags & TcpFlag.fin) == 0;
    if (duplicate) recoveryDuplicate(tcb);
  }
  if (before(tcb.sndNxt, sendLimitSequence(tcb))) tcpRequestOutput(tcb, true);
  return true;
}
