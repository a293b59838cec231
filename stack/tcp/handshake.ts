import { ECONNREFUSED, EPOLLOUT, EPOLLWRNORM } from "../../build/generated/system";
import { root } from "../memory/root";
import { socketNotify } from "../socket/readiness";
import { Socket, SocketFlag } from "../socket/socket";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { ResetReason } from "../stats/reset";
import { TcpFlag, TIMESTAMPS_BYTES } from "../wire/tcp";
import { flowBegin } from "./announce";
import { acceptQueueFull, acceptQueueJoin } from "./backlog";
import { congestionStart } from "./congestion";
import { deadlineArm } from "./deadlines";
import { connectionFailed } from "./end";
import { tcpRequestOutput } from "./output-queue";
import { RECEIVE_SCALE } from "./receive-window";
import { ackSoon, resetReply } from "./reset";
import { RTO_AFTER_SYN_LOSS_US, rttAcknowledged } from "./rtt";
import { Has, Segment, segment } from "./segment";
import { after, beforeOrAt } from "./sequence";
import { sendLimitSequence, Tcb, TcbFlag, TcpState, tcbHas, tcbSet, tcbSocket, timestampNow } from "./tcb";

/** RFC 9293, section 3.7.1: what a peer that says nothing takes. */
const MSS_DEFAULT: u32 = 536;
const MSS_LEAST: u32 = 88;
const QUICK_ACKS: u8 = 16;

/**
 * Takes the options of the peer's SYN: what both sides want is on from now (RFC 7323, sections 2.2 and 3.2;
 * RFC 2018).
 */
function optionsAgree(tcb: Tcb, s: Segment): void {
  tcb.peerMss = (s.has & Has.mss) != 0 ? max(s.mss, MSS_LEAST) : MSS_DEFAULT;
  if ((s.has & Has.timestamps) != 0) {
    tcbSet(tcb, TcbFlag.timestamps);
    tcb.timestampRecent = s.timestampValue;
    tcb.timestampRecentAt = root().now;
  }
  if ((s.has & Has.windowScale) != 0) {
    tcbSet(tcb, TcbFlag.windowScaling);
    tcb.sndScale = <u8>s.windowScale;
    tcb.rcvScale = RECEIVE_SCALE;
  }
  if ((s.has & Has.sackPermitted) != 0) tcbSet(tcb, TcbFlag.sackPermitted);
}

/**
 * Payload bytes of a full segment: RFC 9293, section 3.7.1 (MUST-16), the options of every segment counted
 * in.
 */
export function mssUpdate(tcb: Tcb): void {
  const largest = min(tcb.peerMss, tcb.localMss);
  tcb.mss = largest - (tcbHas(tcb, TcbFlag.timestamps) ? TIMESTAMPS_BYTES : 0);
}

/** The SYN of the peer arrived: the receive side is synchronised. */
export function synReceivedFrom(tcb: Tcb, s: Segment): void {
  tcb.irs = s.sequence;
  tcb.rcvNxt = s.sequence + 1;
  tcb.rcvAdv = tcb.rcvNxt;
  tcb.lastAckSent = tcb.rcvNxt;
  optionsAgree(tcb, s);
  mssUpdate(tcb);
  tcb.rcvMss = min(MSS_DEFAULT, tcb.localMss);
  // RFC 7323, section 2.2: the window in a SYN is not scaled.
  tcb.sndWnd = s.window;
  tcb.sndWndMax = s.window;
  tcb.sndWl1 = s.sequence;
}

/** Our SYN was acknowledged by the current segment: the connection is open. */
export function establish(tcb: Tcb, s: Segment): void {
  tcb.state = TcpState.established;
  tcb.sndUna = s.acknowledgement;
  tcb.sndNxt = tcb.sndUna;
  tcb.sndWl2 = s.acknowledgement;
  tcb.retransmitAt = 0;
  tcb.stalledAt = 0;
  tcb.backoff = 0;
  tcb.quickAcks = QUICK_ACKS;
  tcb.highRetransmit = tcb.sndUna;
  tcb.smallEnd = tcb.sndUna;
  const echoed = (s.has & Has.timestamps) != 0 && s.timestampEcho != 0;
  rttAcknowledged(tcb, tcb.sndUna, echoed, timestampNow(tcb) - s.timestampEcho);
  if (tcb.srtt == 0 && tcbHas(tcb, TcbFlag.synRetransmitted)) tcb.rto = RTO_AFTER_SYN_LOSS_US;
  congestionStart(tcb);
  // RFC 6928, section 2: a lost SYN says that the path is not to be trusted with ten segments.
  if (tcbHas(tcb, TcbFlag.synRetransmitted)) tcb.cwnd = tcb.mss;
  keepAliveStart(tcb);
}

/** Arms the keep-alive timer when the option is on, else stops it. */
export function keepAliveStart(tcb: Tcb): void {
  tcb.keepProbes = 0;
  tcb.receivedAt = root().now;
  if ((tcb.options & SocketFlag.keepAlive) == 0) {
    tcb.keepAliveAt = 0;
    return;
  }
  tcb.keepAliveAt = root().now + <u64>tcb.keepIdle * 1_000_000;
  deadlineArm(tcb, tcb.keepAliveAt);
}

function opened(tcb: Tcb): void {
  count(Counter.tcpActiveOpens);
  if (tcb.socket != 0) socketNotify(tcbSocket(tcb), EPOLLOUT | EPOLLWRNORM);
  if (tcb.sndNxt != sendLimitSequence(tcb)) tcpRequestOutput(tcb, true);
}

/** RFC 9293, section 3.10.7.3: a segment in SYN_SENT. */
export function synSentInput(tcb: Tcb): void {
  const s = segment();
  const hasAck = (s.flags & TcpFlag.ack) != 0;
  if (hasAck && (beforeOrAt(s.acknowledgement, tcb.iss) || after(s.acknowledgement, tcb.sndMax))) {
    drop(DropReason.tcpUnacceptable);
    resetReply(ResetReason.badAcknowledgement);
    return;
  }
  if ((s.flags & TcpFlag.rst) != 0) {
    // Without an ACK nothing shows that it answers our SYN.
    if (hasAck) connectionFailed(tcb, ECONNREFUSED);
    else drop(DropReason.tcpUnacceptable);
    return;
  }
  if ((s.flags & TcpFlag.syn) == 0) {
    drop(DropReason.tcpUnacceptable);
    return;
  }
  synReceivedFrom(tcb, s);
  if (hasAck) {
    establish(tcb, s);
    ackSoon(tcb, true);
    opened(tcb);
    return;
  }
  // Simultaneous open (RFC 9293, section 3.5, figure 7): our SYN goes again, with an ACK.
  tcb.state = TcpState.synReceived;
  tcb.sndNxt = tcb.iss;
  tcpRequestOutput(tcb, true);
}

/**
 * The ACK that completes a handshake arrived in SYN_RECEIVED; false when the connection cannot be opened now.
 */
export function synReceivedAcknowledged(tcb: Tcb, s: Segment): bool {
  if (beforeOrAt(s.acknowledgement, tcb.iss) || after(s.acknowledgement, tcb.sndMax)) {
    drop(DropReason.tcpUnacceptable);
    resetReply(ResetReason.badAcknowledgement);
    return false;
  }
  if (tcbHas(tcb, TcbFlag.passive)) {
    const listener = changetype<Socket>(tcb.listener);
    if (acceptQueueFull(listener)) {
      // As on Linux: the peer believes that it is connected and will try again; acceptQueueRoom() asks it to.
      tcbSet(tcb, TcbFlag.handshakeWaits);
      drop(DropReason.tcpBacklogFull);
      return false;
    }
    establish(tcb, s);
    flowBegin(tcb);
    acceptQueueJoin(listener, tcb);
  } else {
    establish(tcb, s);
    opened(tcb);
  }
  tcb.sndWnd = s.window << tcb.sndScale;
  tcb.sndWndMax = tcb.sndWnd;
  tcb.sndWl1 = s.sequence;
  if (tcbHas(tcb, TcbFlag.finQueued)) {
    tcb.state = TcpState.finWait1;
    tcpRequestOutput(tcb, true);
  }
  return true;
}
