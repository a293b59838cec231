import { Counter, count } from "../stats/counters";
import { congestionThreshold, congestionTimeout } from "./congestion";
import { tcpRequestOutput } from "./output-queue";
import {
  sackAdvance,
  sackClear,
  sackedBelow,
  sackHighest,
  sackLostEdge,
  sackNext,
  sackPipe,
  sackReneged,
  sackSkip,
} from "./sack";
import { after, before, beforeOrAt, earliest, latest } from "./sequence";
import { Recovery, sendLimitSequence, Tcb, TcbFlag, tcbClear, tcbHas, tcbSet } from "./tcb";

/** Fast retransmit and recovery: RFC 6675 when the peer sends SACK, else RFC 6582 (NewReno). */

const DUP_THRESH: u8 = 3;

/** Bytes in the network, for comparison with cwnd. */
export function flightSize(tcb: Tcb): u32 {
  if (tcb.recovery == Recovery.fast && tcbHas(tcb, TcbFlag.sackPermitted)) return tcb.pipe;
  return tcb.sndNxt - tcb.sndUna - sackedBelow(tcb, tcb.sndNxt);
}

function enterFast(tcb: Tcb): void {
  const sack = tcbHas(tcb, TcbFlag.sackPermitted);
  count(Counter.tcpFastRetransmits);
  if (sack) count(Counter.tcpSackRecoveries);
  // RFC 6675, section 5, step 4; RFC 6582, section 3.2, step 2.
  // What limited transmit sent beyond cwnd does not count (RFC 5681, section 3.2).
  const flight = min(tcb.sndMax - tcb.sndUna, tcb.cwnd);
  tcb.recovery = <u8>Recovery.fast;
  tcb.recoveryPoint = tcb.sndMax;
  tcb.ssthresh = congestionThreshold(tcb, max(flight, tcb.mss));
  tcb.cwnd = sack ? tcb.ssthresh : tcb.ssthresh + 3 * tcb.mss;
  tcb.highRetransmit = tcb.sndUna;
  tcbClear(tcb, TcbFlag.rescued);
  tcbSet(tcb, TcbFlag.retransmitHead);
  tcb.sndNxt = tcb.sndMax;
  pipeUpdate(tcb);
  tcpRequestOutput(tcb, true);
}

function pipeUpdate(tcb: Tcb): void {
  tcb.lostEdge = sackLostEdge(tcb);
  tcb.pipe = sackPipe(tcb);
}

/** A duplicate ACK, or one that reports new SACK blocks without advancing. */
export function recoveryDuplicate(tcb: Tcb): void {
  if (tcb.dupAcks < 255) tcb.dupAcks++;
  const sack = tcbHas(tcb, TcbFlag.sackPermitted);
  if (tcb.recovery == Recovery.fast) {
    if (sack) pipeUpdate(tcb);
    // RFC 6582, section 3.2, step 3: each one says that a segment has left the network.
    else tcb.cwnd += tcb.mss;
    tcpRequestOutput(tcb, true);
    return;
  }
  // RFC 6582, section 4.1: what was sent before a time-out starts no second recovery.
  if (tcb.recovery == Recovery.loss) return;
  if (tcb.dupAcks >= DUP_THRESH || (sack && before(tcb.sndUna, sackLostEdge(tcb)))) enterFast(tcb);
  // RFC 3042: the first two duplicates release a new segment each (output allows for dupAcks).
  else tcpRequestOutput(tcb, true);
}

/** Bytes beyond cwnd that limited transmit allows (RFC 3042). */
export function limitedTransmit(tcb: Tcb): u32 {
  return tcb.recovery == Recovery.open ? <u32>min<u8>(tcb.dupAcks, 2) * tcb.mss : 0;
}

function exitFast(tcb: Tcb): void {
  tcb.recovery = <u8>Recovery.open;
  tcbClear(tcb, TcbFlag.retransmitHead);
  tcb.cwnd = tcb.ssthresh;
  if (tcbHas(tcb, TcbFlag.sackPermitted)) return;
  // RFC 6582, section 3.2, step 3 (1): the inflated window must not turn into a burst.
  tcb.cwnd = min(tcb.ssthresh, max(tcb.sndMax - tcb.sndUna, tcb.mss) + tcb.mss);
}

/** The cumulative ACK has advanced by `acknowledged` bytes; true when the window may grow by it. */
export function recoveryAdvanced(tcb: Tcb, acknowledged: u32): bool {
  tcb.dupAcks = 0;
  sackAdvance(tcb);
  if (tcb.recovery == Recovery.open) return true;
  const done = !before(tcb.sndUna, tcb.recoveryPoint);
  if (tcb.recovery == Recovery.loss) {
    if (done) tcb.recovery = <u8>Recovery.open;
    return true;
  }
  if (done) {
    exitFast(tcb);
    return false;
  }
  if (tcbHas(tcb, TcbFlag.sackPermitted)) {
    tcb.highRetransmit = latest(tcb.highRetransmit, tcb.sndUna);
    pipeUpdate(tcb);
    // A partial ACK with nothing reported above it: the head is lost all the same (RFC 6582 without help of
    // SACK).
    if (tcb.sackCount == 0 && tcb.highRetransmit == tcb.sndUna) tcbSet(tcb, TcbFlag.retransmitHead);
  } else {
    // RFC 6582, section 3.2, step 3 (2): partial ACK: retransmit, deflate, add one segment.
    tcbSet(tcb, TcbFlag.retransmitHead);
    tcb.cwnd = max(tcb.cwnd - min(tcb.cwnd, acknowledged), tcb.mss);
    if (acknowledged >= tcb.mss) tcb.cwnd += tcb.mss;
  }
  tcpRequestOutput(tcb, true);
  return false;
}

/**
 * The retransmission timer fired: everything is sent again from sndUna on, but for what the peer reported.
 */
export function recoveryTimeout(tcb: Tcb): void {
  if (sackReneged(tcb)) sackClear(tcb);
  if (tcb.recovery != Recovery.loss || tcb.backoff == 0) {
    const flight = tcb.sndMax - tcb.sndUna;
    tcb.ssthresh = congestionThreshold(tcb, flight);
  }
  tcb.recovery = <u8>Recovery.loss;
  tcb.recoveryPoint = tcb.sndMax;
  congestionTimeout(tcb);
  tcb.dupAcks = 0;
  tcb.sndNxt = tcb.sndUna;
  tcb.retransmitCursor = tcb.sendHead;
  tcbClear(tcb, TcbFlag.retransmitHead);
}

function choose(tcb: Tcb, start: u32, end: u32): bool {
  if (!before(start, end)) return false;
  tcb.pieceStart = start;
  tcb.pieceLength = end - start;
  return true;
}

/** NextSeg() of RFC 6675, section 4, rule 1: the first lost piece that was not retransmitted. */
export function recoveryLost(tcb: Tcb): bool {
  const start = sackSkip(tcb, latest(tcb.highRetransmit, tcb.sndUna));
  if (!before(start, tcb.lostEdge)) return false;
  return choose(tcb, start, earliest(sackNext(tcb, start, tcb.lostEdge), tcb.lostEdge));
}

/** NextSeg(), rules 3 and 4, when there is no new data to send: what may be lost, then the rescue segment. */
export function recoveryGuess(tcb: Tcb): bool {
  const start = sackSkip(tcb, latest(tcb.highRetransmit, tcb.sndUna));
  const highest = sackHighest(tcb);
  if (before(start, highest)) return choose(tcb, start, sackNext(tcb, start, highest));
  if (tcbHas(tcb, TcbFlag.rescued) || !before(highest, tcb.sndMax)) return false;
  tcbSet(tcb, TcbFlag.rescued);
  const end = earliest(tcb.sndMax, sendLimitSequence(tcb));
  const first = after(end - tcb.mss, highest) ? end - tcb.mss : highest;
  return choose(tcb, first, end);
}

/** `end` was reached by a retransmission in fast recovery. */
export function recoveryRetransmitted(tcb: Tcb, start: u32, end: u32): void {
  tcb.pipe += end - start;
  // Rule 4: the rescue segment does not move HighRxt.
  if (beforeOrAt(end, latest(sackHighest(tcb), tcb.lostEdge)) || tcb.sackCount == 0) {
    tcb.highRetransmit = latest(tcb.highRetransmit, end);
  }
}
