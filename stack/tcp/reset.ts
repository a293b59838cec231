import { routeTo } from "../ip/routes";
import { Neighbour } from "../link/neighbours";
import { TxSlot } from "../memory/port";
import { root } from "../memory/root";
import { randomBelow } from "../random/random";
import { Counter, count } from "../stats/counters";
import { DropReason } from "../stats/drop";
import { countReset, ResetReason } from "../stats/reset";
import { aboutConnection } from "../stats/subject";
import { TCP_HEADER, TcpFlag } from "../wire/tcp";
import { connectionName } from "./name";
import { tcpRequestOutput } from "./output-queue";
import { segment } from "./segment";
import { after } from "./sequence";
import { Tcb, TcbFlag, TcpState, tcbSet } from "./tcb";
import { replyNeighbour, replyOpen, unqueuedOpen, unqueuedSend } from "./unqueued";

/**
 * Challenge ACKs in one second: a random number in this range, so that nobody can count them (RFC 5961,
 * section 10).
 */
const CHALLENGES_LEAST: u32 = 500;
const CHALLENGES_SPREAD: u32 = 1000;
const SECOND_US: u64 = 1_000_000;
/** Segments without data outside the window are answered once in this time for each connection. */
const STRAY_US: u64 = 500_000;

/** Completes a reset in a slot that was opened, if it was. */
function send(
  n: Neighbour,
  slot: TxSlot,
  localPort: u16,
  remotePort: u16,
  sequence: u32,
  acknowledgement: u32,
  flags: u32,
  reason: ResetReason,
): void {
  if (changetype<usize>(slot) == 0) return;
  unqueuedSend(n, slot, localPort, remotePort, sequence, acknowledgement, TCP_HEADER, flags, 0);
  count(Counter.tcpResetsOut);
  countReset(reason);
}

/** Answers the current segment with a reset that belongs to no connection. */
function reply(sequence: u32, acknowledgement: u32, flags: u32, reason: ResetReason): void {
  const s = segment();
  const n = replyNeighbour();
  const slot = replyOpen(n, DropReason.noNeighbour);
  send(n, slot, s.destinationPort, s.sourcePort, sequence, acknowledgement, flags, reason);
}

/**
 * RFC 9293, section 3.10.7.1: the segment is not for any connection, or its ACK is wrong before the handshake
 * is done.
 */
export function resetReply(reason: ResetReason): void {
  const s = segment();
  if ((s.flags & TcpFlag.rst) != 0) return;
  if ((s.flags & TcpFlag.ack) != 0) {
    reply(s.acknowledgement, 0, TcpFlag.rst, reason);
    return;
  }
  const space = s.length + ((s.flags & TcpFlag.syn) != 0 ? 1 : 0) + ((s.flags & TcpFlag.fin) != 0 ? 1 : 0);
  reply(0, s.sequence + space, TcpFlag.rst | TcpFlag.ack, reason);
}

/** RFC 9293, section 3.10.5: resets the peer's end of a connection; the caller ends ours. */
export function resetSend(tcb: Tcb, reason: ResetReason): void {
  if (tcb.state <= TcpState.synSent) return;
  const n =
    tcb.neighbour != 0 ? changetype<Neighbour>(tcb.neighbour) : routeTo(tcb.remoteHigh, tcb.remoteLow);
  const slot = unqueuedOpen(
    n,
    tcb.localHigh,
    tcb.localLow,
    tcb.remoteHigh,
    tcb.remoteLow,
    tcb.tos,
    tcb.ttl,
    DropReason.noNeighbour,
  );
  const edge = tcb.sndUna + tcb.sndWnd;
  const sequence = after(tcb.sndMax, edge) ? tcb.sndNxt : tcb.sndMax;
  const flags: u32 = TcpFlag.rst | TcpFlag.ack;
  aboutConnection(connectionName(tcb));
  send(n, slot, tcb.localPort, tcb.remotePort, sequence, tcb.rcvNxt, flags, reason);
  aboutConnection(0);
}

/** An ACK that tells the peer where we are. */
export function ackSoon(tcb: Tcb, urgent: bool): void {
  tcbSet(tcb, TcbFlag.ackNow);
  tcpRequestOutput(tcb, urgent);
}

/** RFC 5961: a challenge ACK, when this second's budget of the whole stack has one left (section 7). */
export function challenge(tcb: Tcb): void {
  const r = root();
  if (r.now - r.challengeAckWindowStart >= SECOND_US || r.challengeAckWindowStart == 0) {
    r.challengeAckWindowStart = max<u64>(r.now, 1);
    r.challengeAckCount = CHALLENGES_LEAST + randomBelow(CHALLENGES_SPREAD);
  }
  if (r.challengeAckCount == 0) return;
  r.challengeAckCount--;
  count(Counter.tcpChallengeAcks);
  ackSoon(tcb, true);
}

/**
 * Answers a segment outside the window (RFC 9293, section 3.10.7.4, first step), without feeding a loop of
 * bare ACKs.
 */
export function answerStray(tcb: Tcb): void {
  const s = segment();
  const now = root().now;
  if (s.length == 0 && (s.flags & TcpFlag.fin) == 0) {
    if (tcb.strayAckAt != 0 && now - tcb.strayAckAt < STRAY_US) return;
    tcb.strayAckAt = max<u64>(now, 1);
  }
  ackSoon(tcb, true);
}
