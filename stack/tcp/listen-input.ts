import { othersMayWant } from "../link/handover";
import { Socket } from "../socket/socket";
import { DropReason, drop } from "../stats/drop";
import { ResetReason } from "../stats/reset";
import { TcpFlag } from "../wire/tcp";
import { acceptQueueFull, synQueueFull, synQueueJoin } from "./backlog";
import { synReceivedFrom } from "./handshake";
import { connectionMake, sequenceStart } from "./make";
import { tcpRequestOutput } from "./output-queue";
import { peerFollow } from "./peer-path";
import { resetReply } from "./reset";
import { Has, segment } from "./segment";
import { after } from "./sequence";
import { cookieAccept, cookieSend } from "./syn-cookie";
import { Tcb, TcbFlag, TcpState, tcbSet } from "./tcb";

/**
 * The block of a connection that a peer wants to open with the current segment; null (0) when there is no
 * memory.
 */
export function passiveMake(listener: Socket): Tcb {
  const s = segment();
  const tcb = connectionMake(
    listener,
    s.destinationHigh,
    s.destinationLow,
    s.sourceHigh,
    s.sourceLow,
    s.destinationPort,
    s.sourcePort,
  );
  if (changetype<usize>(tcb) != 0) {
    tcbSet(tcb, TcbFlag.passive);
    tcb.state = TcpState.synReceived;
    tcb.listener = changetype<usize>(listener);
    // RFC 6191, section 2, and RFC 9293, section 3.6.1: our numbers lie above the old connection's.
    if ((s.has & Has.predecessor) != 0 && after(s.successorFirst, tcb.iss)) {
      sequenceStart(tcb, s.successorFirst);
    }
    synReceivedFrom(tcb, s);
    peerFollow(tcb);
  }
  return tcb;
}

/** Bits that tell what a segment is to a listener. */
const KIND: u32 = TcpFlag.syn | TcpFlag.ack | TcpFlag.rst;

/**
 * A segment for a listener that asks for no connection: it answers a cookie, or is of a connection that we do
 * not have. Another stack of the process may have it: listeners are in all of them.
 */
function strayInput(listener: Socket, flags: u32): void {
  const s = segment();
  const kind = s.flags & KIND;
  // The connection that a cookie stood for is kept.
  if (kind == TcpFlag.ack && cookieAccept(listener)) return;
  // What goes on is answered by the last stack that sees it.
  if (othersMayWant(flags)) return;
  drop(kind == 0 ? DropReason.tcpUnacceptable : DropReason.tcpNoConnection);
  if ((kind & TcpFlag.ack) != 0) resetReply(ResetReason.noConnection);
}

/**
 * RFC 9293, section 3.10.7.2: a segment for a listener that belongs to no connection; `flags` are RxFlag.
 */
export function listenInput(listener: Socket, flags: u32): void {
  const s = segment();
  if ((s.flags & KIND) != TcpFlag.syn) {
    strayInput(listener, flags);
    return;
  }
  if (acceptQueueFull(listener)) {
    // As on Linux: the peer tries again, and the application may have accepted by then.
    drop(DropReason.tcpBacklogFull);
    return;
  }
  const tcb = synQueueFull(listener) ? changetype<Tcb>(0) : passiveMake(listener);
  if (changetype<usize>(tcb) == 0) {
    cookieSend();
    return;
  }
  synQueueJoin(listener, tcb);
  tcpRequestOutput(tcb, true);
}
