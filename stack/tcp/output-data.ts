import { Neighbour } from "../link/neighbours";
import { root } from "../memory/root";
import { SocketFlag } from "../socket/socket";
import { Counter, count } from "../stats/counters";
import { TcpFlag } from "../wire/tcp";
import { congestionIdle } from "./congestion";
import { deadlineArm } from "./deadlines";
import { emit, sackBytes } from "./emit";
import { flightSize, limitedTransmit, recoveryGuess, recoveryLost, recoveryRetransmitted } from "./recovery";
import { rtoBackedOff } from "./rtt";
import { sackNext, sackSkip } from "./sack";
import { after, before, earliest, latest } from "./sequence";
import { Recovery, sendLimitSequence, Tcb, TcbFlag, tcbClear, tcbHas } from "./tcb";

/** What came of an attempt to send. */
export enum Step {
  /** There is nothing that may be sent now. */
  nothing,
  sent,
  /** The transmit ring is full. */
  blocked,
}

/** An IP packet holds 65,535 bytes; what headers can take is left out. */
const SUPER_FRAME_MAX: u32 = 65535 - 120;
/** A held-back partial segment goes after 200 ms all the same, as on Linux. */
const HOLD_US: u64 = 200_000;

/** `length` modulo `room`. Few frames carry more than one segment, so a division is rarely needed. */
function remainder(length: u32, room: u32): u32 {
  if (length < room) return length;
  return length == room ? 0 : length % room;
}

/** Most payload that one frame may carry: one segment, or several when the port cuts them. */
function frameMax(n: Neighbour, room: u32): u32 {
  const offered = min(n.port.segmentationMax, SUPER_FRAME_MAX);
  return offered < room ? room : offered - (offered % room);
}

/** Whether the last bytes of the stream may go as less than a full segment. */
function partialAllowed(tcb: Tcb): bool {
  if (before(tcb.sndNxt, tcb.sndMax)) return true;
  if ((tcb.flags & (TcbFlag.finQueued | TcbFlag.forcePartial)) != 0) return true;
  if ((tcb.options & SocketFlag.cork) != 0 || tcbHas(tcb, TcbFlag.moreToCome)) {
    if (tcb.holdAt == 0) {
      tcb.holdAt = root().now + HOLD_US;
      deadlineArm(tcb, tcb.holdAt);
    }
    return false;
  }
  if ((tcb.options & SocketFlag.noDelay) != 0) return true;
  // Nagle (RFC 9293, section 3.7.4), in Minshall's form: only a small segment in flight holds the next one
  // back.
  return !after(tcb.smallEnd, tcb.sndUna);
}

/**
 * The window is closed, or too small to be worth using, and nothing in flight will open it: start probing.
 */
function persist(tcb: Tcb): void {
  if (tcb.persistAt != 0 || tcb.sndNxt != tcb.sndUna) return;
  count(Counter.tcpZeroWindows);
  tcb.retransmitAt = 0;
  tcb.backoff = 0;
  tcb.persistAt = root().now + rtoBackedOff(tcb);
  deadlineArm(tcb, tcb.persistAt);
}

/** Bytes to send from sndNxt on, 0 for a FIN alone; -1 when nothing may be sent. */
function lengthNow(tcb: Tcb, n: Neighbour, room: u32): i32 {
  const edge = tcb.sndUna + tcb.sndWnd;
  const window = after(edge, tcb.sndNxt) ? edge - tcb.sndNxt : 0;
  const flight = flightSize(tcb);
  const allowed = tcb.cwnd + limitedTransmit(tcb);
  const congestion = allowed > flight ? allowed - flight : 0;
  const queued = tcb.sndEnd - tcb.sndNxt;
  const repeated = before(tcb.sndNxt, tcb.sndMax);
  const wanted = repeated ? earliest(sackNext(tcb, tcb.sndNxt, tcb.sndEnd), tcb.sndEnd) - tcb.sndNxt : queued;
  const length = min(wanted, min(window, congestion));
  if (length < wanted && length < room) {
    if (congestion < min(window, room)) return -1;
    // RFC 9293, section 3.8.6.2.1: sender's silly window avoidance.
    if (length == 0 || length < tcb.sndWndMax / 2) {
      persist(tcb);
      return -1;
    }
    return <i32>length;
  }
  if (wanted == 0 && window == 0) {
    persist(tcb);
    return -1;
  }
  const part = min(length, frameMax(n, room));
  const rest = remainder(part, room);
  if (rest == 0 && part != 0) return <i32>part;
  if (repeated || (part == queued && partialAllowed(tcb))) return congestion == 0 ? -1 : <i32>part;
  return part == rest ? -1 : <i32>(part - rest);
}

/** Sends new data, or after a time-out old data again, as windows and Nagle's rule allow. */
export function sendData(tcb: Tcb, n: Neighbour): Step {
  if (before(tcb.sndNxt, tcb.sndMax)) tcb.sndNxt = sackSkip(tcb, tcb.sndNxt);
  if (!before(tcb.sndNxt, sendLimitSequence(tcb))) return Step.nothing;
  if (tcb.sndNxt == tcb.sndUna && tcb.sndMax == tcb.sndUna) congestionIdle(tcb);
  const room = tcb.mss - sackBytes(tcb);
  const length = lengthNow(tcb, n, room);
  if (length < 0) return Step.nothing;
  const end = tcb.sndNxt + length;
  const last = end == tcb.sndEnd;
  let flags: u32 = TcpFlag.ack;
  if (last && length != 0) flags |= TcpFlag.psh;
  // The FIN occupies a place in the window too.
  if (last && tcbHas(tcb, TcbFlag.finQueued) && before(end, tcb.sndUna + tcb.sndWnd)) flags |= TcpFlag.fin;
  const space = emit(tcb, n, tcb.sndNxt, length, flags);
  if (space == 0) return Step.blocked;
  const start = tcb.sndNxt;
  tcb.sndNxt += space - 1;
  if (tcb.recovery == Recovery.fast) tcb.pipe += space - 1;
  if (remainder(space - 1, room) != 0) tcb.smallEnd = tcb.sndNxt;
  if (last) tcbClear(tcb, TcbFlag.forcePartial);
  assert(after(tcb.sndNxt, start) && !after(tcb.sndNxt, tcb.sndMax));
  return Step.sent;
}

/**
 * Sends the bytes start..end-1 again; answers the sequence number behind what went, or `start` when the ring
 * is full.
 */
function resend(tcb: Tcb, n: Neighbour, start: u32, end: u32): u32 {
  const dataEnd = earliest(end, tcb.sndEnd);
  const length = after(dataEnd, start) ? dataEnd - start : 0;
  const fin =
    tcbHas(tcb, TcbFlag.finQueued) && start + length == tcb.sndEnd && before(tcb.sndEnd, tcb.sndMax);
  const space = emit(tcb, n, start, length, fin ? TcpFlag.ack | TcpFlag.fin : TcpFlag.ack);
  return space == 0 ? start : start + space - 1;
}

/** Retransmits the segment at sndUna. */
export function sendRetransmission(tcb: Tcb, n: Neighbour): Step {
  if (tcb.sndUna == tcb.sndMax) {
    tcbClear(tcb, TcbFlag.retransmitHead);
    return Step.nothing;
  }
  const room = tcb.mss - sackBytes(tcb);
  const end = earliest(earliest(tcb.sndUna + room, tcb.sndMax), sackNext(tcb, tcb.sndUna, tcb.sndMax));
  const reached = resend(tcb, n, tcb.sndUna, end);
  if (reached == tcb.sndUna) return Step.blocked;
  tcbClear(tcb, TcbFlag.retransmitHead);
  if (after(reached, tcb.highRetransmit)) {
    tcb.pipe += reached - tcb.sndUna;
    tcb.highRetransmit = latest(tcb.highRetransmit, reached);
  }
  // RFC 6675, section 5, step 6: the timer is restarted for the retransmission.
  tcb.retransmitAt = root().now + rtoBackedOff(tcb);
  deadlineArm(tcb, tcb.retransmitAt);
  return Step.sent;
}

function sendPiece(tcb: Tcb, n: Neighbour, room: u32): Step {
  const allowed = tcb.cwnd - tcb.pipe;
  const length = min(min(tcb.pieceLength, frameMax(n, room)), max(allowed - (allowed % room), room));
  const reached = resend(tcb, n, tcb.pieceStart, tcb.pieceStart + length);
  if (reached == tcb.pieceStart) return Step.blocked;
  recoveryRetransmitted(tcb, tcb.pieceStart, reached);
  return Step.sent;
}

/** Sends what NextSeg() of RFC 6675 chooses while cwnd - pipe has room for a segment. */
export function sendRecovery(tcb: Tcb, n: Neighbour): Step {
  const room = tcb.mss - sackBytes(tcb);
  if (tcb.cwnd < tcb.pipe + room) return Step.nothing;
  if (recoveryLost(tcb)) return sendPiece(tcb, n, room);
  const result = sendData(tcb, n);
  if (result != Step.nothing) return result;
  return recoveryGuess(tcb) ? sendPiece(tcb, n, room) : Step.nothing;
}
