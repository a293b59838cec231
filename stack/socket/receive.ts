import {
  EAGAIN,
  EINVAL,
  ENOTCONN,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
} from "../../build/generated/system";
import { Buffer } from "../memory/buffer";
import { call, callEndpoint2 } from "../memory/call";
import { chainSpans } from "../memory/chain-spans";
import { Counter, count } from "../stats/counters";
import { countRead } from "../stats/transfer";
import { after } from "../tcp/sequence";
import { Tcb, TcbFlag, tcbHas } from "../tcp/tcb";
import { tcpReceiveCommit, tcpReceivePlan, tcpReceiveReady } from "../tcp/user";
import { datagramDiscard, datagramInfo } from "../udp/queue";
import { connectionAlive } from "./connection";
import { controlAnswer } from "./control-answer";
import { errorTake } from "./error";
import { endpointAnswer } from "./name";
import { Socket, SocketFlag, SocketKind } from "./socket";

/** The answer of a stream that has nothing to read, in the order in which Linux asks. */
function nothing(socket: Socket): i32 {
  if ((socket.flags & SocketFlag.ended) != 0) return 0;
  if (socket.error != 0) return -errorTake(socket);
  if ((socket.flags & SocketFlag.readShut) != 0) return 0;
  if (socket.kind != SocketKind.connection) return -ENOTCONN;
  if (!connectionAlive(socket)) return 0;
  count(Counter.socketReadsEmpty);
  return -EAGAIN;
}

/** Whether the peer's FIN was reached: true also when a reset came after it. */
function streamEnded(tcb: Tcb): bool {
  return tcbHas(tcb, TcbFlag.finSeen) && after(tcb.rcvNxt, tcb.finSequence);
}

function streamPlan(socket: Socket, length: u32, flags: i32, offset: u32): i32 {
  if (socket.kind == SocketKind.listener) return -ENOTCONN;
  if ((flags & MSG_OOB) != 0) return -EINVAL;
  if (socket.tcb == 0) return nothing(socket);
  const tcb = changetype<Tcb>(socket.tcb);
  const ready = tcpReceiveReady(tcb);
  if (ready > offset) {
    if ((flags & MSG_TRUNC) != 0) return <i32>min(length, ready - offset);
    return <i32>tcpReceivePlan(tcb, offset, length);
  }
  if (streamEnded(tcb)) socket.flags |= SocketFlag.ended;
  return nothing(socket);
}

function datagramPlan(socket: Socket, length: u32, flags: i32, offset: u32): i32 {
  if (socket.error != 0) return -errorTake(socket);
  if (socket.receiveHead == 0) {
    // As Linux: who would wait is told of the end, who would not is told that there is nothing.
    const ended = (socket.flags & SocketFlag.readShut) != 0 && (flags & MSG_DONTWAIT) == 0;
    if (!ended) count(Counter.socketReadsEmpty);
    return ended ? 0 : -EAGAIN;
  }
  const info = datagramInfo(socket.receiveHead);
  endpointAnswer(socket, info.sourceHigh, info.sourceLow, info.sourcePort);
  const target = callEndpoint2();
  target.high = info.destinationHigh;
  target.low = info.destinationLow;
  target.port = socket.localPort;
  target.version = socket.version;
  target.scope = 0;
  controlAnswer(socket, info);
  const full = changetype<Buffer>(socket.receiveHead).extra;
  call().value = full;
  if (full > length) call().messageFlags |= MSG_TRUNC;
  return <i32>chainSpans(socket.receiveHead, offset, length);
}

/** First step of a receive: where the bytes are. */
export function receivePlan(socket: Socket, length: u32, flags: i32, offset: u32): i32 {
  call().spanCount = 0;
  call().value = 0;
  if ((flags & MSG_ERRQUEUE) != 0) return -EAGAIN;
  const most = min(length, <u32>i32.MAX_VALUE);
  if (socket.kind == SocketKind.datagram) return datagramPlan(socket, most, flags, offset);
  return streamPlan(socket, most, flags, offset);
}

/** Second step of a receive: the bytes were taken out. */
export function receiveCommit(socket: Socket, length: u32, flags: i32): i32 {
  if ((flags & MSG_PEEK) != 0) return 0;
  if (socket.kind == SocketKind.datagram) {
    if (socket.receiveHead == 0) return 0;
    countRead(length);
    if (changetype<Buffer>(socket.receiveHead).extra > length) count(Counter.udpTruncated);
    datagramDiscard(socket);
    return 0;
  }
  if (socket.tcb == 0 || length == 0) return 0;
  const tcb = changetype<Tcb>(socket.tcb);
  if (length > tcpReceiveReady(tcb)) return -EINVAL;
  tcpReceiveCommit(tcb, length);
  socket.bytesIn += length;
  countRead(length);
  return 0;
}

/** FIONREAD. */
export function receiveAvailable(socket: Socket): i32 {
  if (socket.kind == SocketKind.listener) return -EINVAL;
  if (socket.kind == SocketKind.datagram) {
    return socket.receiveHead == 0 ? 0 : <i32>changetype<Buffer>(socket.receiveHead).extra;
  }
  return socket.tcb == 0 ? 0 : <i32>tcpReceiveReady(changetype<Tcb>(socket.tcb));
}
