import { ipClose, ipOpen, transportHeader } from "../ip/output";
import { Neighbour } from "../link/neighbours";
import { TxFlag } from "../memory/port";
import { root } from "../memory/root";
import { Counter, count, countBy } from "../stats/counters";
import { Latency, latencySince } from "../stats/latency";
import { PROTOCOL_TCP } from "../wire/ipv4";
import {
  TCP_HEADER,
  TcpFlag,
  tcpWriteHeader,
  tcpWriteMss,
  tcpWriteSackPermitted,
  tcpWriteTimestamps,
  tcpWriteWindowScale,
} from "../wire/tcp";
import { deadlineArm } from "./deadlines";
import { noteRetransmission } from "./note-retransmission";
import { sackBlocksToSend, sackWrite } from "./out-of-order";
import { RECEIVE_SCALE, windowField, windowFieldOfSyn } from "./receive-window";
import { rtoBackedOff, rttStart } from "./rtt";
import { sendQueueAppend } from "./send-queue";
import { after, before } from "./sequence";
import { Tcb, TcbFlag, TcpState, tcbClear, tcbHas, timestampNow } from "./tcb";

/** Bytes that the SACK option takes from the next segment. */
export function sackBytes(tcb: Tcb): u32 {
  const blocks = sackBlocksToSend(tcb);
  return blocks == 0 ? 0 : 4 + 8 * blocks;
}

function writeSynOptions(tcb: Tcb, at: usize, flags: u32): usize {
  // A SYN offers everything; a SYN-ACK only what the SYN did (RFC 7323, sections 2.2 and 3.2; RFC 2018,
  // section 2).
  const offer = (flags & TcpFlag.ack) == 0;
  let cursor = tcpWriteMss(at, tcb.localMss);
  if (offer || tcbHas(tcb, TcbFlag.sackPermitted)) cursor = tcpWriteSackPermitted(cursor);
  if (offer || tcbHas(tcb, TcbFlag.timestamps)) {
    cursor = tcpWriteTimestamps(cursor, timestampNow(tcb), offer ? 0 : tcb.timestampRecent);
  }
  if (offer || tcbHas(tcb, TcbFlag.windowScaling)) cursor = tcpWriteWindowScale(cursor, RECEIVE_SCALE);
  return cursor;
}

function writeOptions(tcb: Tcb, at: usize): usize {
  let cursor = at;
  if (tcbHas(tcb, TcbFlag.timestamps)) {
    cursor = tcpWriteTimestamps(cursor, timestampNow(tcb), tcb.timestampRecent);
  }
  const blocks = sackBlocksToSend(tcb);
  return blocks == 0 ? cursor : sackWrite(tcb, cursor, blocks);
}

/** What an ACK that was just sent settles. */
function acknowledged(tcb: Tcb): void {
  tcb.lastAckSent = tcb.rcvNxt;
  tcb.delayedAckAt = 0;
  if (tcb.acksOwed != 0) tcb.acksOwed--;
  if (tcb.acksOwed == 0) tcbClear(tcb, TcbFlag.ackNow);
}

/** Something that the application wrote is in a frame. */
function answered(tcb: Tcb): void {
  latencySince(Latency.write, tcb.writtenAt);
  tcb.writtenAt = 0;
  if (tcb.requestAt == 0) return;
  latencySince(Latency.reply, tcb.requestAt);
  tcb.requestAt = 0;
}

/** Keeps the books of sequence space sent from `sequence` to `end`. */
function transmitted(tcb: Tcb, sequence: u32, end: u32): void {
  const r = root();
  if (before(sequence, tcb.sndMax)) {
    noteRetransmission(tcb);
    // Karn's rule (RFC 6298, section 3).
    tcbClear(tcb, TcbFlag.timing);
  } else {
    rttStart(tcb, end);
  }
  if (after(end, tcb.sndMax)) {
    if (tcb.writtenAt != 0) answered(tcb);
    countBy(Counter.tcpBytesOut, end - tcb.sndMax);
    if (end < tcb.sndMax) count(Counter.tcpSequenceWraps);
    tcb.sndMax = end;
  }
  const flight = end - tcb.sndUna;
  if (!before(tcb.sndUna, tcb.flightMark)) {
    tcb.flightMost = flight;
    tcb.flightMark = end;
  } else if (flight > tcb.flightMost) {
    tcb.flightMost = flight;
  }
  tcb.sentAt = r.now;
  if (tcb.retransmitAt == 0 && tcb.persistAt == 0) {
    // RFC 6298, section 5.1.
    tcb.retransmitAt = r.now + rtoBackedOff(tcb);
    deadlineArm(tcb, tcb.retransmitAt);
    if (tcb.stalledAt == 0) tcb.stalledAt = r.now;
  }
}

/**
 * Builds and publishes one segment with up to `length` bytes of the stream from `sequence` on. `flags` are
 * TcpFlag bits; FIN is taken out when the frame could not hold all bytes. Answers the sequence space it
 * covers plus one, or 0 when the transmit ring is full.
 */
export function emit(tcb: Tcb, n: Neighbour, sequence: u32, length: u32, flags: u32): u32 {
  const slot = ipOpen(
    n,
    tcb.localHigh,
    tcb.localLow,
    tcb.remoteHigh,
    tcb.remoteLow,
    PROTOCOL_TCP,
    tcb.tos,
    tcb.ttl,
  );
  if (changetype<usize>(slot) == 0) return 0;
  const held: u32 = length == 0 ? 0 : sendQueueAppend(tcb, slot, sequence, length);
  let bits = flags;
  if (held < length) bits &= ~(<u32>TcpFlag.fin);
  const syn = (bits & TcpFlag.syn) != 0;
  const at = transportHeader(slot);
  const options = at + TCP_HEADER;
  const end = syn ? writeSynOptions(tcb, options, bits) : writeOptions(tcb, options);
  const headerLength = <u32>(end - at);
  const window = syn ? windowFieldOfSyn(tcb) : windowField(tcb);
  const acknowledgement = (bits & TcpFlag.ack) != 0 ? tcb.rcvNxt : 0;
  tcpWriteHeader(at, tcb.localPort, tcb.remotePort, sequence, acknowledgement, headerLength, bits, window);
  const segmentSize = tcb.mss - sackBytes(tcb);
  if (held > segmentSize) {
    slot.flags |= <u16>TxFlag.segment;
    slot.segmentSize = <u16>segmentSize;
  }
  ipClose(n, slot, headerLength, held);
  count(Counter.tcpSegmentsOut);
  if ((bits & TcpFlag.ack) != 0) acknowledged(tcb);
  const space = held + ((bits & TcpFlag.fin) != 0 ? 1 : 0) + (syn ? 1 : 0);
  if (space != 0 && tcb.state != TcpState.closed) transmitted(tcb, sequence, sequence + space);
  return space + 1;
}
