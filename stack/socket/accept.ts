import { EAGAIN, EINVAL, ENOBUFS, EOPNOTSUPP } from "../../build/generated/system";
import { Counter, count } from "../stats/counters";
import { Tcb } from "../tcp/tcb";
import { tcpAccept, tcpOptionsChanged } from "../tcp/user";
import { bindEnter } from "./bind-table";
import { connectionAlive } from "./connection";
import { endpointAnswer } from "./name";
import { Socket, SocketFlag, SocketKind, socketHandle } from "./socket";
import { socketGive, socketTake } from "./table";

/** What a connection takes over from its listener: options, not states. */
const INHERITED: u32 =
  SocketFlag.reuseAddress |
  SocketFlag.reusePort |
  SocketFlag.keepAlive |
  SocketFlag.noDelay |
  SocketFlag.cork |
  SocketFlag.broadcast |
  SocketFlag.quickAck |
  SocketFlag.lingerOn |
  SocketFlag.v6Only |
  SocketFlag.receivePacketInfo |
  SocketFlag.receiveErrors |
  SocketFlag.receiveTtl |
  SocketFlag.receiveTos |
  SocketFlag.receiveOriginal |
  SocketFlag.timestamps |
  SocketFlag.timestampsNs |
  SocketFlag.debug |
  SocketFlag.dontRoute |
  SocketFlag.oobInline |
  SocketFlag.slowAck;

/** Gives a socket the options of a listener: its own, or one of another stack. */
export function optionsInherit(socket: Socket, listener: Socket): void {
  socket.flags = (socket.flags & ~INHERITED) | (listener.flags & INHERITED);
  socket.tos = listener.tos;
  socket.ttl = listener.ttl;
  socket.mtuDiscover = listener.mtuDiscover;
  socket.sendLimit = listener.sendLimit;
  socket.receiveLimit = listener.receiveLimit;
  socket.sendLow = listener.sendLow;
  socket.receiveLow = listener.receiveLow;
  socket.lingerSeconds = listener.lingerSeconds;
  socket.keepIdleSeconds = listener.keepIdleSeconds;
  socket.keepIntervalSeconds = listener.keepIntervalSeconds;
  socket.keepCount = listener.keepCount;
  socket.userTimeoutMs = listener.userTimeoutMs;
  socket.maxSegment = listener.maxSegment;
  socket.congestionControl = listener.congestionControl;
  socket.priority = listener.priority;
  socket.mark = listener.mark;
  socket.synCountMax = listener.synCountMax;
  socket.linger2Seconds = listener.linger2Seconds;
  socket.deferSeconds = listener.deferSeconds;
  socket.windowClamp = listener.windowClamp;
}

function adopt(socket: Socket, listener: Socket, tcb: Tcb): void {
  optionsInherit(socket, listener);
  socket.localHigh = tcb.localHigh;
  socket.localLow = tcb.localLow;
  socket.localPort = tcb.localPort;
  socket.remoteHigh = tcb.remoteHigh;
  socket.remoteLow = tcb.remoteLow;
  socket.remotePort = tcb.remotePort;
  socket.tcb = changetype<usize>(tcb);
  tcb.socket = changetype<usize>(socket);
  bindEnter(socket);
  // As long as it is open, an error is a soft one, which only a time-out would report.
  if (connectionAlive(socket)) tcpOptionsChanged(tcb);
  else socket.error = tcb.error;
}

/** Counts why accept() gives nothing but -EAGAIN. */
function refused(error: i32): i32 {
  count(Counter.socketAcceptFails);
  return -error;
}

/** accept(): the handle of the oldest connection that waits, its peer in the call area. */
export function acceptNext(listener: Socket): i32 {
  if (listener.kind == SocketKind.datagram) return refused(EOPNOTSUPP);
  if (listener.kind != SocketKind.listener) return refused(EINVAL);
  if (listener.acceptHead == 0) return -EAGAIN;
  const socket = socketTake(SocketKind.connection, listener.version);
  if (changetype<usize>(socket) == 0) return refused(ENOBUFS);
  const tcb = tcpAccept(listener);
  if (tcb == 0) {
    socketGive(socket);
    return -EAGAIN;
  }
  adopt(socket, listener, changetype<Tcb>(tcb));
  endpointAnswer(socket, socket.remoteHigh, socket.remoteLow, socket.remotePort);
  return socketHandle(socket);
}
