import { EPOLLHUP, EPOLLIN, EPOLLRDHUP, EPOLLRDNORM } from "../../build/generated/system";
import { root } from "../memory/root";
import { socketNotify } from "../socket/readiness";
import { Counter, count } from "../stats/counters";
import { deadlineArm } from "./deadlines";
import { connectionEnd } from "./end";
import { ackSoon } from "./reset";
import { latest } from "./sequence";
import { Tcb, TcbFlag, TcpState, tcbHas, tcbSet, tcbSocket } from "./tcb";
import { timeWaitEnter } from "./time-wait";

/** How long a connection nobody owns waits for the peer's FIN (Linux: tcp_fin_timeout). */
const FIN_WAIT_2_US: u64 = 60_000_000;

/** Whether our FIN was sent and acknowledged. */
function finAcknowledged(tcb: Tcb): bool {
  return tcbHas(tcb, TcbFlag.finQueued) && tcb.sndUna == tcb.sndEnd + 1;
}

/** In FIN_WAIT_2 without an owner: the wait is bounded. */
export function boundFinWait2(tcb: Tcb): void {
  if (tcb.state != TcpState.finWait2 || !tcbHas(tcb, TcbFlag.orphan)) return;
  tcb.stateAt = root().now + FIN_WAIT_2_US;
  deadlineArm(tcb, tcb.stateAt);
}

/**
 * What an ACK means to a connection that is closing (RFC 9293, section 3.10.7.4, fifth step). False: the
 * connection is gone or in TIME_WAIT, nothing else of the segment matters.
 */
export function closingAcknowledged(tcb: Tcb): bool {
  if (tcb.state < TcpState.finWait1 || !finAcknowledged(tcb)) return true;
  if (tcb.state == TcpState.finWait1) {
    tcb.state = TcpState.finWait2;
    boundFinWait2(tcb);
    return true;
  }
  if (tcb.state == TcpState.closing) {
    enterTimeWait(tcb);
    return false;
  }
  if (tcb.state == TcpState.lastAck) {
    connectionEnd(tcb, 0);
    return false;
  }
  return true;
}

function enterTimeWait(tcb: Tcb): void {
  timeWaitEnter(tcb);
  if (tcb.socket != 0) socketNotify(tcbSocket(tcb), EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLRDHUP);
}

/** The peer's FIN was reached: rcvNxt is moved over it (RFC 9293, section 3.10.7.4, eighth step). */
export function finReached(tcb: Tcb): void {
  tcb.rcvNxt++;
  // A FIN is taken into a closed window too: the edge must not lie behind what was received.
  tcb.rcvAdv = latest(tcb.rcvAdv, tcb.rcvNxt);
  tcbSet(tcb, TcbFlag.finReceived);
  ackSoon(tcb, true);
  if (tcb.state == TcpState.established) {
    tcb.state = TcpState.closeWait;
  } else if (tcb.state == TcpState.finWait1) {
    // Had our FIN been acknowledged by this segment, the state would be FIN_WAIT_2 already.
    tcb.state = TcpState.closing;
    count(Counter.tcpSimultaneousCloses);
  } else if (tcb.state == TcpState.finWait2) {
    enterTimeWait(tcb);
    return;
  }
  if (tcb.socket != 0) socketNotify(tcbSocket(tcb), EPOLLIN | EPOLLRDNORM | EPOLLRDHUP);
}
