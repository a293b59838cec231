import { ECONNRESET, EPOLLIN, EPOLLRDNORM } from "../../build/generated/system";
import { root } from "../memory/root";
import { socketNotify } from "../socket/readiness";
import { SocketFlag } from "../socket/socket";
import { Counter, count, countBy } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { ResetReason } from "../stats/reset";
import { TcpFlag, TIMESTAMPS_BYTES } from "../wire/tcp";
import { finReached } from "./closing";
import { deadlineArm } from "./deadlines";
import { connectionEnd } from "./end";
import { outOfOrderDrain, outOfOrderInsert } from "./out-of-order";
import { receiveQueueAppend } from "./receive-queue";
import { buffersScarce } from "./receive-window";
import { ackSoon, resetSend } from "./reset";
import { Segment } from "./segment";
import { after, before } from "./sequence";
import { Tcb, TcbFlag, TcpState, tcbHas, tcbSet, tcbSocket } from "./tcb";

/** RFC 9293, section 3.8.6.3 allows up to 500 ms; Linux' minimum is kept. */
const DELAYED_ACK_US: u64 = 40_000;
const OWED_MAX: u8 = 8;

/**
 * When to acknowledge data taken in order (RFC 9293, section 3.8.6.3; RFC 5681, section 4.2): every second
 * full segment at once, counted in bytes since a received frame may be many segments; the rest after a delay.
 */
function acknowledgeData(tcb: Tcb, filledGap: bool): void {
  if (filledGap || tcb.runCount != 0) {
    ackSoon(tcb, true);
  } else if (tcb.rcvNxt - tcb.lastAckSent >= 2 * tcb.rcvMss) {
    ackSoon(tcb, true);
  } else if (tcb.quickAcks != 0 || (tcb.options & SocketFlag.quickAck) != 0) {
    // A sender in slow start needs them; they may ride on the reply.
    if (tcb.quickAcks != 0) tcb.quickAcks--;
    ackSoon(tcb, false);
  } else if (tcb.delayedAckAt == 0 && !tcbHas(tcb, TcbFlag.ackNow)) {
    tcb.delayedAckAt = root().now + DELAYED_ACK_US;
    deadlineArm(tcb, tcb.delayedAckAt);
  }
}

/** The most that one segment of the peer can hold. */
function segmentMax(tcb: Tcb): u32 {
  return tcb.localMss - (tcbHas(tcb, TcbFlag.timestamps) ? TIMESTAMPS_BYTES : 0);
}

/** Payload that starts at rcvNxt. */
export function receiveInOrder(tcb: Tcb, s: Segment): void {
  const wasEmpty = tcb.receiveBytes == 0;
  const taken = receiveQueueAppend(tcb, s.payload, s.length);
  if (taken < s.length) drop(DropReason.noBuffer);
  if (taken == 0) {
    ackSoon(tcb, true);
    return;
  }
  if (wasEmpty) tcb.readableAt = root().now;
  const start = tcb.rcvNxt;
  tcb.rcvNxt += taken;
  if (s.length > tcb.rcvMss) tcb.rcvMss = min(s.length, segmentMax(tcb));
  const hadRuns = tcb.runCount != 0;
  if (hadRuns) {
    outOfOrderDrain(tcb);
    tcb.acksOwed = 0;
  }
  countBy(Counter.tcpBytesIn, tcb.rcvNxt - start);
  acknowledgeData(tcb, hadRuns);
  if (tcb.socket != 0) socketNotify(tcbSocket(tcb), EPOLLIN | EPOLLRDNORM);
}

function receiveOutOfOrder(tcb: Tcb, s: Segment): void {
  // Below a sixteenth of free buffers only what can be delivered is taken.
  if (buffersScarce(16)) drop(DropReason.noBuffer);
  else outOfOrderInsert(tcb, s.sequence, s.payload, s.length);
  // RFC 5681, section 4.2: a duplicate ACK for each, at once.
  if (tcb.acksOwed < OWED_MAX) tcb.acksOwed++;
  ackSoon(tcb, true);
}

/** Whether data may still come in this state. */
function receives(tcb: Tcb): bool {
  return (
    tcb.state == TcpState.established || tcb.state == TcpState.finWait1 || tcb.state == TcpState.finWait2
  );
}

/**
 * Whether received data would never be read: the application closed, or shut both directions (RFC 9293,
 * section 3.6.1; RFC 2525, section 2.17).
 */
function nobodyReads(tcb: Tcb): bool {
  if (tcbHas(tcb, TcbFlag.orphan)) return true;
  if (tcb.state == TcpState.established || tcb.socket == 0) return false;
  return (tcbSocket(tcb).flags & SocketFlag.readShut) != 0;
}

/** Seventh and eighth steps of RFC 9293, section 3.10.7.4, for a segment that was trimmed to the window. */
export function receivePayload(tcb: Tcb, s: Segment): void {
  if (!receives(tcb)) return;
  if (s.length != 0) {
    if (nobodyReads(tcb)) {
      drop(DropReason.tcpAfterClose);
      resetSend(tcb, ResetReason.dataAfterClose);
      connectionEnd(tcb, tcb.socket != 0 ? ECONNRESET : 0);
      return;
    }
    if (s.sequence == tcb.rcvNxt) receiveInOrder(tcb, s);
    else receiveOutOfOrder(tcb, s);
  }
  if ((s.flags & TcpFlag.fin) != 0 && !tcbHas(tcb, TcbFlag.finSeen)) {
    tcbSet(tcb, TcbFlag.finSeen);
    tcb.finSequence = s.sequence + s.length;
    if (before(tcb.rcvNxt, tcb.finSequence)) ackSoon(tcb, true);
  }
  if (tcbHas(tcb, TcbFlag.finSeen) && tcb.rcvNxt == tcb.finSequence) finReached(tcb);
}

/**
 * Cuts off what is old or beyond the window; false when nothing new is left (RFC 9293, section 3.10.7.4,
 * first step).
 */
export function trimToWindow(tcb: Tcb, s: Segment): bool {
  if (before(s.sequence, tcb.rcvNxt)) {
    const old = tcb.rcvNxt - s.sequence;
    if (old > s.length || (old == s.length && s.length != 0 && (s.flags & TcpFlag.fin) == 0)) {
      count(Counter.tcpDuplicates);
      return false;
    }
    s.sequence += old;
    s.payload += old;
    s.length -= old;
  }
  // What follows a FIN that was seen belongs to no stream.
  const edge = tcbHas(tcb, TcbFlag.finSeen) ? tcb.finSequence : tcb.rcvAdv;
  if (after(s.sequence + s.length, edge)) {
    s.length = after(edge, s.sequence) ? edge - s.sequence : 0;
    s.flags &= ~(<u32>TcpFlag.fin);
  }
  return true;
}
