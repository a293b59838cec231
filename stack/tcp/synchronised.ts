import { ECONNREFUSED, ECONNRESET, EPIPE } from "../../build/generated/system";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { TcpFlag } from "../wire/tcp";
import { acknowledge } from "./acknowledge";
import { closingAcknowledged } from "./closing";
import { connectionEnd, connectionFailed } from "./end";
import { receivePayload, trimToWindow } from "./established";
import { synReceivedAcknowledged } from "./handshake";
import { tcpRequestOutput } from "./output-queue";
import { ackSoon, answerStray, challenge } from "./reset";
import { Has, Segment, segment } from "./segment";
import { after, before } from "./sequence";
import { Tcb, TcbFlag, TcpState, tcbHas } from "./tcb";

/** RFC 7323, section 5.5: a timestamp this old says nothing any more. */
const TIMESTAMP_LIFE_US: u64 = 24 * 24 * 3600 * 1_000_000;

/** RFC 9293, section 3.10.7.4, first step: whether any of the segment lies in the window. */
function acceptable(tcb: Tcb, s: Segment): bool {
  const fin: u32 = (s.flags & TcpFlag.fin) != 0 ? 1 : 0;
  const syn: u32 = (s.flags & TcpFlag.syn) != 0 ? 1 : 0;
  const space = s.length + fin + syn;
  const end = s.sequence + space;
  if (space == 0) {
    // With a zero window rcvAdv is rcvNxt, so that one comparison serves both rows of table 6.
    return !before(s.sequence, tcb.rcvNxt) && !after(s.sequence, tcb.rcvAdv);
  }
  if (tcb.rcvAdv == tcb.rcvNxt) {
    // A zero window: the ACK of a segment that starts where it should is taken, its data is not (section
    // 3.10.7.4).
    return s.sequence == tcb.rcvNxt;
  }
  return before(s.sequence, tcb.rcvAdv) && after(end, tcb.rcvNxt);
}

/**
 * RFC 7323, section 5.5: the connection was idle for so long that the peer's clock may have wrapped around.
 */
function timestampOutdated(tcb: Tcb): bool {
  return root().now - tcb.timestampRecentAt > TIMESTAMP_LIFE_US;
}

/**
 * RFC 7323, section 5.3: true when the segment is older than what was received. Resets are exempt (section
 * 5.2).
 */
function pawsRejects(tcb: Tcb, s: Segment): bool {
  if (!tcbHas(tcb, TcbFlag.timestamps) || (s.flags & TcpFlag.rst) != 0) return false;
  if ((s.has & Has.timestamps) == 0) {
    // Section 3.2: once agreed on, a segment without the option should be dropped.
    drop(DropReason.tcpPaws);
    return true;
  }
  if (!before(s.timestampValue, tcb.timestampRecent)) return false;
  if (timestampOutdated(tcb)) return false;
  count(Counter.tcpPawsRejects);
  drop(DropReason.tcpPaws);
  answerStray(tcb);
  return true;
}

function timestampTake(tcb: Tcb, s: Segment): void {
  if (!tcbHas(tcb, TcbFlag.timestamps) || (s.has & Has.timestamps) == 0) return;
  // RFC 7323, section 4.3, rule 2.
  if (after(s.sequence, tcb.lastAckSent)) return;
  if (before(s.timestampValue, tcb.timestampRecent) && !timestampOutdated(tcb)) return;
  tcb.timestampRecent = s.timestampValue;
  tcb.timestampRecentAt = root().now;
}

function resetReceived(tcb: Tcb, s: Segment): void {
  if (s.sequence != tcb.rcvNxt) {
    // RFC 5961, section 3.2: in the window but not exact.
    if (!before(s.sequence, tcb.rcvNxt) && before(s.sequence, tcb.rcvAdv)) challenge(tcb);
    drop(DropReason.tcpOutOfWindow);
    return;
  }
  count(Counter.tcpResetsIn);
  if (tcb.state == TcpState.synReceived) {
    // RFC 9293, section 3.10.7.4, second step: a passive open goes back to LISTEN, an active one was refused.
    connectionFailed(tcb, ECONNREFUSED);
  } else if (tcb.state == TcpState.closeWait) {
    connectionEnd(tcb, EPIPE);
  } else if (tcb.state >= TcpState.closing) {
    connectionEnd(tcb, 0);
  } else {
    connectionEnd(tcb, ECONNRESET);
  }
}

/** SYN_RECEIVED, and the SYN comes again: our answer was lost (RFC 9293, section 3.10.7.4). */
function repeatedSyn(tcb: Tcb, s: Segment): bool {
  if (tcb.state != TcpState.synReceived || (s.flags & TcpFlag.syn) == 0 || s.sequence != tcb.irs)
    return false;
  if ((s.flags & TcpFlag.ack) != 0) {
    // Simultaneous open: the SYN-ACK of the other side.
    if (!tcbHas(tcb, TcbFlag.passive) && synReceivedAcknowledged(tcb, s)) ackSoon(tcb, true);
    return true;
  }
  tcb.sndNxt = tcb.iss;
  tcpRequestOutput(tcb, true);
  return true;
}

/** Steps one to four: whether ACK and payload of the segment are to be looked at. */
function checksPassed(tcb: Tcb, s: Segment): bool {
  if (repeatedSyn(tcb, s)) return false;
  if (pawsRejects(tcb, s)) return false;
  if ((s.flags & TcpFlag.rst) != 0) {
    resetReceived(tcb, s);
    return false;
  }
  if ((s.flags & TcpFlag.syn) != 0) {
    // RFC 5961, section 4.2: whatever its sequence number.
    challenge(tcb);
    drop(DropReason.tcpUnacceptable);
    return false;
  }
  if (!acceptable(tcb, s)) {
    drop(DropReason.tcpOutOfWindow);
    answerStray(tcb);
    return false;
  }
  if ((s.flags & TcpFlag.ack) == 0) {
    drop(DropReason.tcpUnacceptable);
    return false;
  }
  return true;
}

/** Seventh and eighth steps: data and FIN. */
function textReceived(tcb: Tcb, s: Segment): void {
  const wanted = s.length;
  if (!trimToWindow(tcb, s)) {
    drop(DropReason.duplicate);
    ackSoon(tcb, true);
    return;
  }
  // Data was refused or repeated: the peer should know at once (a zero-window probe wants its answer).
  if (s.length < wanted) ackSoon(tcb, true);
  receivePayload(tcb, s);
}

/** RFC 9293, section 3.10.7.4: a segment in any state from SYN_RECEIVED to LAST_ACK. */
export function synchronisedInput(tcb: Tcb): void {
  const s = segment();
  if (!checksPassed(tcb, s)) return;
  tcb.receivedAt = root().now;
  tcb.keepProbes = 0;
  timestampTake(tcb, s);
  if (tcb.state == TcpState.synReceived) {
    if (!synReceivedAcknowledged(tcb, s)) return;
  } else if (!acknowledge(tcb, s)) {
    return;
  }
  if (closingAcknowledged(tcb) && (s.length != 0 || (s.flags & TcpFlag.fin) != 0)) textReceived(tcb, s);
}
