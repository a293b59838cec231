import { EHOSTUNREACH } from "../../build/generated/system";
import { routeTo } from "../ip/routes";
import {
  Neighbour,
  neighbourHold,
  neighbourPark,
  neighbourReady,
  neighbourRelease,
} from "../link/neighbours";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { TcpFlag } from "../wire/tcp";
import { deadlineArm } from "./deadlines";
import { emit } from "./emit";
import { connectionFailed } from "./end";
import { Step, sendData, sendRecovery, sendRetransmission } from "./output-data";
import { outputLeave, tcpRequestOutput } from "./output-queue";
import { after } from "./sequence";
import { Queued, Recovery, sendLimitSequence, Tcb, TcbFlag, TcpState, tcbClear, tcbHas } from "./tcb";

/** Frames that one connection may build before the next one has its turn. */
const TURN_FRAMES: u32 = 8;
/** A connection that has no other timer looks for its silent next hop again after this time. */
const UNREACHABLE_RETRY_US: u64 = 1_000_000;

/** The next hop's entry, held for the connection's life; null (0) when there is no route. */
function nextHop(tcb: Tcb): Neighbour {
  if (tcb.neighbour == 0) {
    const n = routeTo(tcb.remoteHigh, tcb.remoteLow);
    if (changetype<usize>(n) == 0) return n;
    neighbourHold(n);
    tcb.neighbour = changetype<usize>(n);
  }
  return changetype<Neighbour>(tcb.neighbour);
}

/**
 * Sequence number of a segment without data: SND.NXT, but never beyond the peer's window, where it would be
 * refused.
 */
function bareSequence(tcb: Tcb): u32 {
  const edge = tcb.sndUna + tcb.sndWnd;
  if (!after(tcb.sndMax, edge)) return tcb.sndMax;
  return after(tcb.sndNxt, edge) ? tcb.sndNxt : edge;
}

function outcome(space: u32): Step {
  return space == 0 ? Step.blocked : Step.sent;
}

function sendAck(tcb: Tcb, n: Neighbour): Step {
  return outcome(emit(tcb, n, bareSequence(tcb), 0, TcpFlag.ack));
}

function sendHandshake(tcb: Tcb, n: Neighbour): Step {
  if (tcb.sndNxt != tcb.iss) return tcbHas(tcb, TcbFlag.ackNow) ? sendAck(tcb, n) : Step.nothing;
  const flags: u32 = tcb.state == TcpState.synSent ? TcpFlag.syn : TcpFlag.syn | TcpFlag.ack;
  if (emit(tcb, n, tcb.iss, 0, flags) == 0) return Step.blocked;
  tcb.sndNxt = tcb.iss + 1;
  return Step.sent;
}

/** RFC 9293, section 3.8.6.1: a probe carries one byte, or the FIN, beyond what the window allows. */
function sendWindowProbe(tcb: Tcb, n: Neighbour): Step {
  const queued = tcb.sndEnd - tcb.sndNxt;
  if (after(tcb.sndNxt, tcb.sndEnd) || tcb.sndNxt == sendLimitSequence(tcb)) {
    tcbClear(tcb, TcbFlag.windowProbe);
    return Step.nothing;
  }
  const length: u32 = queued == 0 ? 0 : max<u32>(min(min(queued, tcb.sndWnd), tcb.mss), 1);
  const last = length == queued && tcbHas(tcb, TcbFlag.finQueued);
  if (emit(tcb, n, tcb.sndNxt, length, last ? TcpFlag.ack | TcpFlag.fin : TcpFlag.ack) == 0)
    return Step.blocked;
  tcbClear(tcb, TcbFlag.windowProbe);
  count(Counter.tcpZeroWindowProbes);
  return Step.sent;
}

/** RFC 9293, section 3.8.4: a keep-alive repeats a sequence number that the peer must answer. */
function sendKeepAlive(tcb: Tcb, n: Neighbour): Step {
  if (emit(tcb, n, tcb.sndUna - 1, 0, TcpFlag.ack) == 0) return Step.blocked;
  tcbClear(tcb, TcbFlag.keepAliveProbe);
  count(Counter.tcpKeepAliveProbes);
  return Step.sent;
}

/** Sends the one segment that is due next. */
function step(tcb: Tcb, n: Neighbour): Step {
  if (tcb.state <= TcpState.synReceived) {
    return tcb.state == TcpState.closed ? Step.nothing : sendHandshake(tcb, n);
  }
  if (tcb.state != TcpState.timeWait) {
    // Every duplicate ACK but the last goes alone, so that a sender without SACK can count them (RFC 5681,
    // section 4.2).
    if (tcb.acksOwed > 1) return sendAck(tcb, n);
    if (tcbHas(tcb, TcbFlag.windowProbe)) return sendWindowProbe(tcb, n);
    if (tcbHas(tcb, TcbFlag.keepAliveProbe)) return sendKeepAlive(tcb, n);
    if (tcbHas(tcb, TcbFlag.retransmitHead)) return sendRetransmission(tcb, n);
    const sack = tcb.recovery == Recovery.fast && tcbHas(tcb, TcbFlag.sackPermitted);
    const result = sack ? sendRecovery(tcb, n) : sendData(tcb, n);
    if (result != Step.nothing) return result;
  }
  return tcbHas(tcb, TcbFlag.ackNow) ? sendAck(tcb, n) : Step.nothing;
}

/** One connection's turn. */
function turn(tcb: Tcb): Step {
  const n = nextHop(tcb);
  if (changetype<usize>(n) == 0) {
    tcpUnreachable(changetype<usize>(tcb));
    return Step.nothing;
  }
  if (!neighbourReady(n)) {
    neighbourPark(n, changetype<usize>(tcb));
    return Step.nothing;
  }
  for (let frames: u32 = 0; frames < TURN_FRAMES; frames++) {
    const result = step(tcb, n);
    if (result != Step.sent) return result;
  }
  return Step.sent;
}

/** Pulls segments from the output queue until nothing is left to send or the ports' rings are full. */
export function tcpOutput(now: u64): void {
  const r = root();
  r.now = now;
  let stalled: usize = 0;
  while (r.outputHead != 0 && r.outputHead != stalled) {
    const tcb = changetype<Tcb>(r.outputHead);
    const urgent = tcb.outputQueued == Queued.urgent;
    outputLeave(tcb);
    const result = turn(tcb);
    if (result == Step.blocked) {
      tcpRequestOutput(tcb, urgent);
      // With one port everybody is stuck; with several, those who use another one go on: once round the line.
      if (r.ports == 1) return;
      if (stalled == 0) stalled = changetype<usize>(tcb);
    } else if (result == Step.sent) {
      stalled = 0;
      tcpRequestOutput(tcb, true);
    }
  }
}

/** The neighbour was resolved: what waits may go. */
export function tcpResume(address: usize): void {
  tcpRequestOutput(changetype<Tcb>(address), true);
}

/**
 * The neighbour did not answer: a handshake fails, an established connection tries again later (RFC 9293,
 * section 3.9.2.2).
 */
export function tcpUnreachable(address: usize): void {
  const tcb = changetype<Tcb>(address);
  if (tcb.neighbour != 0) {
    neighbourRelease(changetype<Neighbour>(tcb.neighbour));
    tcb.neighbour = 0;
  }
  if (tcb.state == TcpState.synSent || tcb.state == TcpState.synReceived) {
    connectionFailed(tcb, EHOSTUNREACH);
    return;
  }
  tcb.error = EHOSTUNREACH;
  // No other timer may be running when the very first data met the silence.
  if (tcb.state != TcpState.closed && tcb.retransmitAt == 0 && tcb.persistAt == 0) {
    tcb.holdAt = root().now + UNREACHABLE_RETRY_US;
    deadlineArm(tcb, tcb.holdAt);
  }
}
