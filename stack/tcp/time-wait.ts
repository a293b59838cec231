import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { TcpFlag } from "../wire/tcp";
import { flowClosed } from "./announce";
import { deadlineArm, deadlinesClear } from "./deadlines";
import { connectionEnd } from "./end";
import { outOfOrderDiscard } from "./out-of-order";
import { ackSoon, answerStray, challenge } from "./reset";
import { sackClear } from "./sack";
import { Has, segment } from "./segment";
import { sendQueueDiscard } from "./send-queue";
import { after } from "./sequence";
import { Tcb, TcbFlag, TcpState, tcbHas } from "./tcb";
import { timeWaitJoin } from "./time-wait-list";

/** Twice the maximum segment lifetime, taken as 30 s (RFC 9293, section 3.4.2 lets it be chosen). */
const TIME_WAIT_US: u64 = 60_000_000;
/** RFC 6191, section 2, for our own connects: timestamps must have moved on. */
const RECYCLE_US: u64 = 1_000_000;
/** Distance of a successor's first sequence number from the last one of the old connection. */
export const SUCCESSOR_DISTANCE: u32 = 65537;

/** Both sides have closed; the connection only answers stray segments from now on. */
export function timeWaitEnter(tcb: Tcb): void {
  deadlinesClear(tcb);
  sendQueueDiscard(tcb);
  outOfOrderDiscard(tcb);
  sackClear(tcb);
  tcb.state = TcpState.timeWait;
  tcb.stateAt = root().now + TIME_WAIT_US;
  deadlineArm(tcb, tcb.stateAt);
  timeWaitJoin(tcb);
  flowClosed(tcb);
}

/** Ends the oldest TIME_WAIT connection, so that its block can be reused; false when there is none. */
export function timeWaitReclaim(): bool {
  const oldest = root().timeWaitHead;
  if (oldest == 0) return false;
  connectionEnd(changetype<Tcb>(oldest), 0);
  return true;
}

/** Whether a connect may take this four-tuple over: timestamps tell old segments from new ones (RFC 6191). */
export function timeWaitRecyclable(tcb: Tcb): bool {
  if (tcb.state != TcpState.timeWait || !tcbHas(tcb, TcbFlag.timestamps)) return false;
  return root().now + TIME_WAIT_US - tcb.stateAt > RECYCLE_US;
}

/** RFC 6191, section 2 (and RFC 9293, section 3.6.1): a SYN that can only belong to a new connection. */
function startsAnew(tcb: Tcb): bool {
  const s = segment();
  if (tcbHas(tcb, TcbFlag.timestamps) && (s.has & Has.timestamps) != 0) {
    if (after(s.timestampValue, tcb.timestampRecent)) return true;
    if (s.timestampValue != tcb.timestampRecent) return false;
  }
  return after(s.sequence, tcb.rcvNxt);
}

/**
 * A segment for a connection in TIME_WAIT. True: it was a SYN that may start a new one; the old one is gone
 * and the segment is to be looked at again.
 */
export function timeWaitInput(tcb: Tcb): bool {
  const s = segment();
  const flags = s.flags;
  if ((flags & TcpFlag.rst) != 0) {
    // RFC 5961, section 3.2, and with it RFC 1337: only an exact reset ends the wait.
    if (s.sequence == tcb.rcvNxt) connectionEnd(tcb, 0);
    return false;
  }
  if ((flags & (TcpFlag.syn | TcpFlag.ack)) == TcpFlag.syn) {
    if (startsAnew(tcb)) {
      count(Counter.tcpTimeWaitReuses);
      s.successorFirst = tcb.sndMax + SUCCESSOR_DISTANCE;
      s.has |= Has.predecessor;
      connectionEnd(tcb, 0);
      return true;
    }
    challenge(tcb);
    return false;
  }
  if ((flags & TcpFlag.fin) != 0 && s.sequence + s.length + 1 == tcb.rcvNxt) {
    // RFC 9293, section 3.10.7.4, eighth step: the peer's FIN again: acknowledge it, restart the wait.
    tcb.stateAt = root().now + TIME_WAIT_US;
    ackSoon(tcb, true);
    return false;
  }
  if (s.sequence != tcb.rcvNxt || s.length != 0) answerStray(tcb);
  return false;
}
