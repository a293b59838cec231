import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  ENETUNREACH,
  ENOBUFS,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  EPOLLRDNORM,
  EPOLLWRNORM,
} from "../../build/generated/system";
import { routeTo } from "../ip/routes";
import { announceWithdraw } from "../link/announce";
import { neighbourHold } from "../link/neighbours";
import { chainSpans } from "../memory/chain-spans";
import { BUFFER_SIZE } from "../memory/map";
import { root } from "../memory/root";
import { Socket, SocketFlag } from "../socket/socket";
import { Counter, count } from "../stats/counters";
import { Latency, latencySince } from "../stats/latency";
import { ResetReason } from "../stats/reset";
import { listenerAnnounce } from "./announce";
import { acceptQueueTake } from "./backlog";
import { boundFinWait2 } from "./closing";
import { connectionFind } from "./connections";
import { connectionEnd, connectionFree } from "./end";
import { keepAliveStart } from "./handshake";
import { optionsTake } from "./limits";
import { listenerInsert, listenerRemove } from "./listen";
import { connectionMake, sequenceStart } from "./make";
import { tcpRequestOutput } from "./output-queue";
import { receiveQueueCommit, receiveQueueDiscard } from "./receive-queue";
import { buffersScarce, windowUpdateDue } from "./receive-window";
import { ackSoon, resetSend } from "./reset";
import { sendQueueCommit, sendQueuePlan } from "./send-queue";
import { after } from "./sequence";
import { sendQueued, synchronised, Tcb, TcbFlag, TcpState, tcbClear, tcbHas, tcbSet, tcbSocket } from "./tcb";
import { SUCCESSOR_DISTANCE, timeWaitRecyclable } from "./time-wait";
import { memoryRetry } from "./timers";

/** The user calls of RFC 9293, section 3.9.1. The caller (socket/) checks arguments and keeps the Socket. */

/** A writer that was refused for lack of buffers looks again after this time. */
const MEMORY_RETRY_US: u64 = 10_000;

/**
 * OPEN, active: from the socket's local to its remote endpoint, both set. 0; -ENETUNREACH without a route,
 * -EADDRNOTAVAIL when the four-tuple is in use, -ENOBUFS without memory. The outcome of the handshake arrives
 * as a notification.
 */
export function tcpConnect(socket: Socket): i32 {
  assert(socket.localPort != 0 && socket.tcb == 0);
  const n = routeTo(socket.remoteHigh, socket.remoteLow);
  if (changetype<usize>(n) == 0) return -ENETUNREACH;
  const old = connectionFind(
    socket.localHigh,
    socket.localLow,
    socket.remoteHigh,
    socket.remoteLow,
    socket.localPort,
    socket.remotePort,
  );
  let least: u32 = 0;
  const replaces = changetype<usize>(old) != 0;
  if (replaces) {
    if (!timeWaitRecyclable(old)) return -EADDRNOTAVAIL;
    least = old.sndMax + SUCCESSOR_DISTANCE;
    connectionEnd(old, 0);
  }
  const tcb = connectionMake(
    socket,
    socket.localHigh,
    socket.localLow,
    socket.remoteHigh,
    socket.remoteLow,
    socket.localPort,
    socket.remotePort,
  );
  if (changetype<usize>(tcb) == 0) return -ENOBUFS;
  // RFC 6191, section 2: the new connection's sequence numbers lie above the old one's.
  if (replaces && after(least, tcb.iss)) sequenceStart(tcb, least);
  neighbourHold(n);
  tcb.neighbour = changetype<usize>(n);
  tcb.state = TcpState.synSent;
  tcb.socket = changetype<usize>(socket);
  socket.tcb = changetype<usize>(tcb);
  tcpRequestOutput(tcb, true);
  return 0;
}

/** OPEN, passive. 0 or -EADDRINUSE; who may share a port is the caller's to know. */
export function tcpListen(socket: Socket): i32 {
  if (socket.localPort == 0) return -EADDRINUSE;
  listenerInsert(socket);
  listenerAnnounce(socket);
  return 0;
}

/**
 * Ends a listener: handshakes are forgotten, connections nobody accepted are reset. Harmless when it doesn't
 * listen.
 */
export function tcpUnlisten(socket: Socket): void {
  if (listenerRemove(socket)) announceWithdraw(socket);
  while (socket.synHead != 0) connectionEnd(changetype<Tcb>(socket.synHead), 0);
  for (let at = acceptQueueTake(socket); at != 0; at = acceptQueueTake(socket)) {
    const tcb = changetype<Tcb>(at);
    if (tcb.state == TcpState.closed) {
      connectionFree(tcb);
      continue;
    }
    resetSend(tcb, ResetReason.listenerClosed);
    connectionEnd(tcb, 0);
  }
}

/**
 * The oldest established connection that waits for accept, taken out of the queue, or 0. The caller makes a
 * Socket of it (sets both references) and calls tcpOptionsChanged(); it may have ended already: then
 * tcb.error says why.
 */
export function tcpAccept(listener: Socket): usize {
  return acceptQueueTake(listener);
}

/**
 * Takes options that were changed on the connection's socket: no delay, cork, limits, keep-alive, user
 * timeout.
 */
export function tcpOptionsChanged(tcb: Tcb): void {
  const socket = tcbSocket(tcb);
  const before = tcb.options;
  optionsTake(tcb, socket);
  tcb.tos = socket.tos;
  tcb.ttl = socket.ttl;
  tcb.congestion = <u8>socket.congestionControl;
  if (!synchronised(tcb)) return;
  if ((socket.flags & SocketFlag.keepAlive) != 0 || (before & SocketFlag.keepAlive) != 0) keepAliveStart(tcb);
  if ((socket.flags & SocketFlag.slowAck) != 0) tcb.quickAcks = 0;
  // Linux: TCP_QUICKACK also sends an ACK that is being delayed.
  if ((socket.flags & SocketFlag.quickAck) != 0 && tcb.delayedAckAt != 0) ackSoon(tcb, true);
  tcpRequestOutput(tcb, true);
}

/** Bytes that SEND may append now; 0 also when the connection cannot send at all. */
function tcpSendRoom(tcb: Tcb): u32 {
  if (tcb.state != TcpState.established && tcb.state != TcpState.closeWait) return 0;
  if (tcbHas(tcb, TcbFlag.finQueued)) return 0;
  const queued = sendQueued(tcb);
  let room = tcb.sendLimit > queued ? tcb.sendLimit - queued : 0;
  if (room == 0) {
    tcbSet(tcb, TcbFlag.unwritable);
  } else if (buffersScarce(16)) {
    // What is left is for received data and for those who have nothing queued yet.
    room = queued != 0 ? 0 : min(room, BUFFER_SIZE);
    if (room == 0) {
      count(Counter.socketWritesNoBuffer);
      tcbSet(tcb, TcbFlag.unwritable);
      memoryRetry(tcb, MEMORY_RETRY_US);
    }
  }
  return room;
}

/**
 * SEND, first half: fills the call's spans with buffer space for up to `length` bytes; answers the bytes
 * planned.
 */
export function tcpSendPlan(tcb: Tcb, length: u32): u32 {
  const wanted = min(length, tcpSendRoom(tcb));
  if (wanted == 0) return 0;
  const planned = sendQueuePlan(tcb, wanted);
  if (planned == 0) {
    count(Counter.socketWritesNoBuffer);
    tcbSet(tcb, TcbFlag.unwritable);
    memoryRetry(tcb, MEMORY_RETRY_US);
  }
  return planned;
}

/**
 * SEND, second half: appends the `length` bytes copied into the plan. `push` false: more is to come
 * (MSG_MORE).
 */
export function tcpSendCommit(tcb: Tcb, length: u32, push: bool): void {
  sendQueueCommit(tcb, length);
  if (length == 0) return;
  if (tcb.writtenAt == 0) tcb.writtenAt = root().now;
  if (push) tcbClear(tcb, TcbFlag.moreToCome);
  else tcbSet(tcb, TcbFlag.moreToCome);
  if (sendQueued(tcb) >= tcb.sendLimit) tcbSet(tcb, TcbFlag.unwritable);
  tcpRequestOutput(tcb, false);
}

/** RECEIVE, first half: fills the call's spans with up to `length` received bytes from `offset` on. */
export function tcpReceivePlan(tcb: Tcb, offset: u32, length: u32): u32 {
  return chainSpans(tcb.receiveHead, offset, length);
}

/** RECEIVE, second half: frees `length` bytes; the peer hears of the room when it is worth it. */
export function tcpReceiveCommit(tcb: Tcb, length: u32): void {
  receiveQueueCommit(tcb, length);
  if (tcb.readableAt != 0) {
    latencySince(Latency.read, tcb.readableAt);
    if (tcb.requestAt == 0) tcb.requestAt = tcb.readableAt;
    tcb.readableAt = 0;
  }
  if (synchronised(tcb) && windowUpdateDue(tcb)) ackSoon(tcb, true);
}

/** Bytes that RECEIVE could return now. */
export function tcpReceiveReady(tcb: Tcb): u32 {
  return tcb.receiveBytes;
}

/** CLOSE of our direction: a FIN follows what is queued (RFC 9293, section 3.10.4). */
export function tcpShutdown(tcb: Tcb): void {
  if (tcbHas(tcb, TcbFlag.finQueued)) return;
  if (tcb.state == TcpState.synReceived) {
    // Queued for processing after the handshake, which goes on (RFC 9293, section 3.10.4).
    tcbSet(tcb, TcbFlag.finQueued);
    return;
  }
  if (tcb.state == TcpState.established) {
    tcb.state = TcpState.finWait1;
  } else if (tcb.state == TcpState.closeWait) {
    tcb.state = TcpState.lastAck;
  } else {
    return;
  }
  tcbSet(tcb, TcbFlag.finQueued);
  tcbClear(tcb, TcbFlag.moreToCome);
  tcpRequestOutput(tcb, true);
}

function detach(tcb: Tcb): void {
  if (tcb.socket != 0) tcbSocket(tcb).tcb = 0;
  tcb.socket = 0;
}

/**
 * CLOSE: as tcpShutdown(), and nobody will read: unread data turns it into a reset (RFC 2525, section 2.17),
 * data that comes later too. The socket is detached; the connection finishes by itself.
 */
export function tcpClose(tcb: Tcb): void {
  const lingerZero = (tcb.options & SocketFlag.lingerOn) != 0 && tcb.socket != 0;
  if (lingerZero && tcbSocket(tcb).lingerSeconds == 0) {
    tcpAbort(tcb, ResetReason.aborted);
    return;
  }
  if (tcb.receiveBytes != 0 && tcb.state != TcpState.closed && tcb.state != TcpState.timeWait) {
    tcpAbort(tcb, ResetReason.aborted);
    return;
  }
  detach(tcb);
  if (tcb.state == TcpState.closed) {
    connectionFree(tcb);
    return;
  }
  if (tcb.state == TcpState.synSent) {
    connectionEnd(tcb, 0);
    return;
  }
  tcbSet(tcb, TcbFlag.orphan);
  tcb.keepAliveAt = 0;
  tcpShutdown(tcb);
  boundFinWait2(tcb);
}

/**
 * ABORT: resets the peer, at once, and forgets the connection (RFC 9293, section 3.10.5). The socket is
 * detached.
 */
export function tcpAbort(tcb: Tcb, reason: ResetReason): void {
  detach(tcb);
  receiveQueueDiscard(tcb);
  if (tcb.state == TcpState.closed) {
    connectionFree(tcb);
    return;
  }
  if (tcb.state != TcpState.timeWait) resetSend(tcb, reason);
  connectionEnd(tcb, 0);
}

/** STATUS: the EPOLL* bits of a connection, as Linux' tcp_poll() has them. */
export function tcpReadiness(tcb: Tcb): u32 {
  const ended = tcb.state == TcpState.closed || tcb.state == TcpState.timeWait;
  const socket = tcbSocket(tcb);
  const flags = tcb.socket != 0 ? socket.flags : 0;
  const noRead = ended || tcbHas(tcb, TcbFlag.finReceived) || (flags & SocketFlag.readShut) != 0;
  const noWrite = ended || tcbHas(tcb, TcbFlag.finQueued) || (flags & SocketFlag.writeShut) != 0;
  let events: u32 = 0;
  if (noRead && noWrite) events |= EPOLLHUP;
  if (noRead) events |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
  if (tcb.state == TcpState.synSent || tcb.state == TcpState.synReceived) return events;
  if (tcb.receiveBytes != 0) events |= EPOLLIN | EPOLLRDNORM;
  if (noWrite || writable(tcb)) events |= EPOLLOUT | EPOLLWRNORM;
  return events;
}

function writable(tcb: Tcb): bool {
  const queued = sendQueued(tcb);
  if (queued + queued / 2 <= tcb.sendLimit && !tcbHas(tcb, TcbFlag.memoryWait)) return true;
  // Whoever asks and is told no, hears of it when that changes.
  tcbSet(tcb, TcbFlag.unwritable);
  return false;
}
