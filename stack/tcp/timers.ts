import { ETIMEDOUT } from "../../build/generated/system";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { ResetReason } from "../stats/reset";
import { writableAgain } from "./acknowledge";
import { deadlineArm, deadlineRearm } from "./deadlines";
import { connectionEnd, connectionFailed } from "./end";
import { tcpRequestOutput } from "./output-queue";
import { buffersScarce } from "./receive-window";
import { recoveryTimeout } from "./recovery";
import { ackSoon, resetSend } from "./reset";
import { rtoBackedOff } from "./rtt";
import { Tcb, TcbFlag, TcpState, tcbClear, tcbHas, tcbSet } from "./tcb";

/** Retransmissions before a connection is given up, as Linux has them (RFC 9293, section 3.8.3: R2). */
const SYN_ACK_TRIES: u8 = 5;
const DATA_TRIES: u8 = 15;
/** A connection that nobody owns is given up sooner when packet buffers are scarce. */
const ORPHAN_TRIES: u8 = 8;

function timedOut(tcb: Tcb): void {
  const error = tcb.error != 0 ? tcb.error : ETIMEDOUT;
  resetSend(tcb, ResetReason.timeout);
  connectionFailed(tcb, error);
}

/** Whether the connection only holds memory that others need. */
function burdens(tcb: Tcb): bool {
  return tcbHas(tcb, TcbFlag.orphan) && buffersScarce(4);
}

function triesOf(tcb: Tcb): u8 {
  if (tcb.state == TcpState.synSent) return tcb.synTries;
  if (tcb.state == TcpState.synReceived && !tcbHas(tcb, TcbFlag.handshakeWaits)) return SYN_ACK_TRIES;
  return burdens(tcb) ? ORPHAN_TRIES : DATA_TRIES;
}

/**
 * After `tries` in vain: RFC 9293, section 3.8.3; TCP_USER_TIMEOUT counts from the last progress (RFC 5482).
 */
function givenUp(tcb: Tcb, tries: u32): bool {
  if (tcb.userTimeoutMs != 0 && tcb.stalledAt != 0) {
    return root().now - tcb.stalledAt >= <u64>tcb.userTimeoutMs * 1000;
  }
  return tries >= triesOf(tcb);
}

/** When the next time-out comes: backed off, but not beyond the end of TCP_USER_TIMEOUT. */
function nextTry(tcb: Tcb): u64 {
  const now = root().now;
  const at = now + rtoBackedOff(tcb);
  if (tcb.userTimeoutMs == 0 || tcb.stalledAt == 0) return at;
  return min(at, max(tcb.stalledAt + <u64>tcb.userTimeoutMs * 1000, now + 1));
}

/** RFC 6298, section 5.4 to 5.7. */
function retransmissionTimeout(tcb: Tcb): bool {
  count(Counter.tcpTimeouts);
  if (givenUp(tcb, tcb.backoff)) {
    timedOut(tcb);
    return false;
  }
  if (tcb.state <= TcpState.synReceived) {
    tcbSet(tcb, TcbFlag.synRetransmitted);
    tcb.sndNxt = tcb.iss;
  } else {
    recoveryTimeout(tcb);
  }
  if (tcb.backoff < 255) tcb.backoff++;
  tcb.retransmitAt = nextTry(tcb);
  tcpRequestOutput(tcb, true);
  return true;
}

/** RFC 9293, section 3.8.6.1: probe a closed window for as long as the peer answers. */
function persistTimeout(tcb: Tcb): bool {
  // An answered probe makes the next one rarer, but counts for nothing here.
  const tries: u32 = burdens(tcb) ? tcb.backoff : tcb.keepProbes;
  // As on Linux, TCP_USER_TIMEOUT counts from the first probe until the window opens.
  if (tcb.stalledAt == 0) tcb.stalledAt = root().now;
  if (givenUp(tcb, tries)) {
    timedOut(tcb);
    return false;
  }
  if (tcb.backoff < 255) tcb.backoff++;
  tcb.keepProbes++;
  tcbSet(tcb, TcbFlag.windowProbe);
  tcb.persistAt = nextTry(tcb);
  tcpRequestOutput(tcb, true);
  return true;
}

/** RFC 9293, section 3.8.4. */
function keepAliveTimeout(tcb: Tcb): bool {
  const now = root().now;
  const idle = <u64>tcb.keepIdle * 1_000_000;
  if (tcb.keepProbes == 0 && now - tcb.receivedAt < idle) {
    tcb.keepAliveAt = tcb.receivedAt + idle;
    return true;
  }
  // Data in flight, or a closed window, is watched by the other timers.
  const busy = tcb.sndMax != tcb.sndUna || tcb.persistAt != 0;
  if (!busy && tcb.keepProbes >= tcb.keepCount) {
    timedOut(tcb);
    return false;
  }
  if (!busy) {
    tcb.keepProbes++;
    tcbSet(tcb, TcbFlag.keepAliveProbe);
    tcpRequestOutput(tcb, true);
  }
  tcb.keepAliveAt = now + <u64>tcb.keepInterval * 1_000_000;
  return true;
}

function due(at: u64, now: u64): bool {
  return at != 0 && at <= now;
}

/** The soft deadlines: they cost the connection nothing. */
function softDeadlines(tcb: Tcb, now: u64): void {
  if (due(tcb.delayedAckAt, now)) {
    tcb.delayedAckAt = 0;
    count(Counter.tcpDelayedAcks);
    ackSoon(tcb, true);
  }
  if (due(tcb.holdAt, now)) {
    tcb.holdAt = 0;
    if (tcbHas(tcb, TcbFlag.memoryWait)) {
      tcbClear(tcb, TcbFlag.memoryWait);
      writableAgain(tcb);
    }
    if (synchronisedForSending(tcb)) {
      tcbSet(tcb, TcbFlag.forcePartial);
      tcpRequestOutput(tcb, true);
    }
  }
}

function synchronisedForSending(tcb: Tcb): bool {
  return tcb.state >= TcpState.established && (tcb.sndNxt != tcb.sndEnd || tcbHas(tcb, TcbFlag.finQueued));
}

/** The timer of a connection fired: acts on every deadline that has come, and sets it to the next one. */
export function tcpTimer(tcb: Tcb): void {
  const now = root().now;
  if (due(tcb.stateAt, now)) {
    // FIN_WAIT_2 of an orphan, or TIME_WAIT, is over.
    connectionEnd(tcb, 0);
    return;
  }
  softDeadlines(tcb, now);
  if (due(tcb.retransmitAt, now)) {
    tcb.retransmitAt = 0;
    if (tcb.sndUna != tcb.sndMax && !retransmissionTimeout(tcb)) return;
  }
  if (due(tcb.persistAt, now) && !persistTimeout(tcb)) return;
  if (due(tcb.keepAliveAt, now) && !keepAliveTimeout(tcb)) return;
  deadlineRearm(tcb);
}

/**
 * The way to the peers is there again: what was not acknowledged is sent again now, as after a time-out,
 * instead of when the backed-off timer fires.
 */
export function retransmitSoon(tcb: Tcb): void {
  if (tcb.retransmitAt == 0) return;
  tcb.backoff = 0;
  tcb.retransmitAt = root().now;
  deadlineArm(tcb, tcb.retransmitAt);
}

/** Looks at a writer again after `us` microseconds: it was refused for lack of packet buffers. */
export function memoryRetry(tcb: Tcb, us: u64): void {
  tcbSet(tcb, TcbFlag.memoryWait);
  if (tcb.holdAt != 0) return;
  tcb.holdAt = root().now + us;
  deadlineArm(tcb, tcb.holdAt);
}
