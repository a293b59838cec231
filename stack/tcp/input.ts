import { othersMayWant } from "../link/handover";
import { Port, PortFlag, RxFlag } from "../memory/port";
import { root } from "../memory/root";
import { mix } from "../random/random";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { ResetReason } from "../stats/reset";
import { checksumAdd, checksumFold, pseudoSum } from "../wire/checksum";
import { PROTOCOL_TCP } from "../wire/ipv4";
import {
  TCP_HEADER,
  TcpFlag,
  tcpAcknowledgement,
  tcpChecksum,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  tcpSourcePort,
  tcpWindow,
} from "../wire/tcp";
import { acknowledge } from "./acknowledge";
import { connectionFind } from "./connections";
import { receiveInOrder } from "./established";
import { synSentInput } from "./handshake";
import { listenerFind } from "./listen";
import { listenInput } from "./listen-input";
import { optionsParse } from "./options";
import { peerFollow } from "./peer-path";
import { resetReply } from "./reset";
import { Has, Segment, segment } from "./segment";
import { before, beforeOrAt } from "./sequence";
import { synchronisedInput } from "./synchronised";
import { Tcb, TcbFlag, TcpState, tcbHas } from "./tcb";
import { timeWaitInput } from "./time-wait";

function checksumRight(p: Port, s: Segment, at: usize, length: u32, flags: u32): bool {
  if ((flags & RxFlag.checksumGood) != 0) return true;
  if ((flags & RxFlag.checksumBad) != 0) return false;
  const pseudo = pseudoSum(
    s.sourceHigh,
    s.sourceLow,
    s.destinationHigh,
    s.destinationLow,
    PROTOCOL_TCP,
    length,
  );
  if (checksumFold(checksumAdd(pseudo, at, length)) == 0xffff) return true;
  if ((p.flags & PortFlag.partialChecksum) == 0 || tcpChecksum(at) != checksumFold(pseudo)) return false;
  count(Counter.rxPartialChecksum);
  return true;
}

function parse(s: Segment, at: usize, length: u32): bool {
  if (length < TCP_HEADER) return false;
  const headerLength = tcpHeaderLength(at);
  if (headerLength < TCP_HEADER || headerLength > length) return false;
  s.sourcePort = tcpSourcePort(at);
  s.destinationPort = tcpDestinationPort(at);
  s.sequence = tcpSequence(at);
  s.acknowledgement = tcpAcknowledgement(at);
  s.flags = tcpFlags(at);
  s.window = tcpWindow(at);
  s.payload = at + headerLength;
  s.length = length - headerLength;
  return s.sourcePort != 0 && s.destinationPort != 0 && optionsParse(s, at, headerLength);
}

/** Header prediction: the next data in order, or a bare ACK, of an established connection. */
function predicted(tcb: Tcb, s: Segment): bool {
  if (tcb.state != TcpState.established || (s.flags & ~(<u32>TcpFlag.psh)) != TcpFlag.ack) return false;
  if (s.sequence != tcb.rcvNxt || tcbHas(tcb, TcbFlag.finSeen)) return false;
  if (s.length > tcb.rcvAdv - tcb.rcvNxt) return false;
  if (tcbHas(tcb, TcbFlag.timestamps)) {
    if ((s.has & Has.timestamps) == 0 || before(s.timestampValue, tcb.timestampRecent)) return false;
    // RFC 7323, section 4.3.
    if (beforeOrAt(s.sequence, tcb.lastAckSent)) {
      tcb.timestampRecent = s.timestampValue;
      tcb.timestampRecentAt = root().now;
    }
  }
  tcb.receivedAt = root().now;
  tcb.keepProbes = 0;
  if (acknowledge(tcb, s) && s.length != 0) receiveInOrder(tcb, s);
  return true;
}

function withoutConnection(s: Segment, flags: u32): void {
  const flow = mix(s.sourceLow ^ s.sourceHigh) ^ <u64>s.sourcePort;
  const listener = listenerFind(s.destinationHigh, s.destinationLow, s.destinationPort, flow);
  if (changetype<usize>(listener) != 0) {
    listenInput(listener, flags);
    return;
  }
  if (othersMayWant(flags)) return;
  drop(DropReason.tcpNoConnection);
  resetReply(ResetReason.noConnection);
}

/** A TCP segment for one of our addresses: see docs/architecture.md for the arguments. */
export function tcpInput(
  p: Port,
  at: usize,
  length: u32,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
  flags: u32,
): void {
  count(Counter.tcpSegmentsIn);
  const s = segment();
  s.port = changetype<usize>(p);
  s.sourceHigh = sourceHigh;
  s.sourceLow = sourceLow;
  s.destinationHigh = destinationHigh;
  s.destinationLow = destinationLow;
  if (!parse(s, at, length) || !checksumRight(p, s, at, length, flags)) {
    drop(DropReason.tcpMalformed);
    return;
  }
  if (s.length == 0 && s.flags == TcpFlag.ack) count(Counter.tcpEmptyAcksIn);
  const tcb = connectionFind(
    destinationHigh,
    destinationLow,
    sourceHigh,
    sourceLow,
    s.destinationPort,
    s.sourcePort,
  );
  if (changetype<usize>(tcb) != 0 && root().peers != 0) peerFollow(tcb);
  if (changetype<usize>(tcb) == 0) {
    withoutConnection(s, flags);
  } else if (!predicted(tcb, s)) {
    if (tcb.state == TcpState.synSent) synSentInput(tcb);
    else if (tcb.state != TcpState.timeWait) synchronisedInput(tcb);
    else if (timeWaitInput(tcb)) withoutConnection(s, flags);
  }
}
