import {
  EAGAIN,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  ENOBUFS,
  EOPNOTSUPP,
  EPIPE,
  MSG_MORE,
  MSG_OOB,
} from "../../build/generated/system";
import { Buffer, bufferBase, bufferTake, chainGive } from "../memory/buffer";
import { call, callEndpoint, callSpan } from "../memory/call";
import { BUFFER_SIZE } from "../memory/map";
import { Counter, count } from "../stats/counters";
import { countWrite } from "../stats/transfer";
import { sendQueued, synchronised, Tcb } from "../tcp/tcb";
import { tcpSendCommit, tcpSendPlan } from "../tcp/user";
import { udpSend } from "../udp/output";
import { isAnyAddress } from "../wire/address";
import { UDP_PAYLOAD_MAX } from "../wire/udp";
import { bindAutomatically } from "./bind";
import { connectionAlive } from "./connection";
import { controlRequest } from "./control-request";
import { errorTake } from "./error";
import { Socket, SocketFlag, SocketKind } from "./socket";

/**
 * The pending error, which is told once, or EPIPE: the answer of a stream that cannot be written any more.
 */
function broken(socket: Socket): i32 {
  const error = errorTake(socket);
  return -(error != 0 ? error : EPIPE);
}

function streamPlan(socket: Socket, length: u32, flags: i32): i32 {
  if (!connectionAlive(socket)) return broken(socket);
  const tcb = changetype<Tcb>(socket.tcb);
  if (!synchronised(tcb)) return -EAGAIN;
  if (socket.error != 0 || (socket.flags & SocketFlag.writeShut) != 0) return broken(socket);
  if ((flags & MSG_OOB) != 0) return -EOPNOTSUPP;
  if (length == 0) return 0;
  const planned = tcpSendPlan(tcb, length);
  return planned == 0 ? -EAGAIN : <i32>planned;
}

/** A chain of empty buffers for `length` bytes, its spans in the call area; 0 when buffers run out. */
function chainPlan(length: u32): usize {
  let head: usize = 0;
  let tail: usize = 0;
  let done: u32 = 0;
  let spans: u32 = 0;
  while (done < length) {
    const buffer = bufferTake();
    if (changetype<usize>(buffer) == 0) {
      chainGive(head);
      return 0;
    }
    const part = min(length - done, BUFFER_SIZE);
    buffer.length = <u16>part;
    const span = callSpan(spans++);
    span.address = <u32>bufferBase(buffer);
    span.length = part;
    if (tail == 0) head = changetype<usize>(buffer);
    else changetype<Buffer>(tail).next = changetype<usize>(buffer);
    tail = changetype<usize>(buffer);
    done += part;
  }
  call().spanCount = spans;
  return head;
}

/** Notes where the planned datagram goes, and how: 0, or -errno. */
function aim(socket: Socket): i32 {
  socket.planSourceHigh = socket.localHigh;
  socket.planSourceLow = socket.localLow;
  socket.planTos = socket.tos;
  socket.planTtl = 0;
  if (call().endpoint == 0) {
    if ((socket.flags & SocketFlag.connected) == 0) return -EDESTADDRREQ;
    socket.planHigh = socket.remoteHigh;
    socket.planLow = socket.remoteLow;
    socket.planPort = socket.remotePort;
    return 0;
  }
  const endpoint = callEndpoint();
  if (endpoint.port == 0) return -EINVAL;
  if (isAnyAddress(endpoint.high, endpoint.low)) return -ENETUNREACH;
  socket.planHigh = endpoint.high;
  socket.planLow = endpoint.low;
  socket.planPort = endpoint.port;
  return 0;
}

function datagramPlan(socket: Socket, length: u32, flags: i32): i32 {
  // As in Linux, whoever tries to send has a port from then on, even if he is told no.
  if (bindAutomatically(socket) != 0) return -EAGAIN;
  if (length > UDP_PAYLOAD_MAX) return -EMSGSIZE;
  if ((flags & MSG_OOB) != 0) return -EOPNOTSUPP;
  const aimed = aim(socket);
  if (aimed != 0) return aimed;
  const requested = call().controlRoom == 0 ? 0 : controlRequest(socket);
  if (requested != 0) return requested;
  if (socket.error != 0) return -errorTake(socket);
  if ((socket.flags & SocketFlag.writeShut) != 0) return -EPIPE;
  if (length == 0) return 0;
  socket.planChain = chainPlan(length);
  if (socket.planChain == 0) {
    count(Counter.socketWritesNoBuffer);
    return -ENOBUFS;
  }
  socket.planLength = length;
  return <i32>length;
}

/** First step of a send: where the bytes go. */
export function sendPlan(socket: Socket, length: u32, flags: i32): i32 {
  call().spanCount = 0;
  if (socket.kind != SocketKind.datagram) return streamPlan(socket, length, flags);
  sendCancel(socket);
  return datagramPlan(socket, length, flags);
}

function datagramCommit(socket: Socket, length: u32): i32 {
  const chain = socket.planChain;
  socket.planChain = 0;
  if (length != socket.planLength) {
    chainGive(chain);
    return -EINVAL;
  }
  socket.planLength = 0;
  const result = udpSend(socket, chain, length);
  if (result < 0) return result;
  countWrite(length);
  return <i32>length;
}

/** Second step of a send: the bytes are in place. */
export function sendCommit(socket: Socket, length: u32, flags: i32): i32 {
  if (socket.kind == SocketKind.datagram) return datagramCommit(socket, length);
  if (!connectionAlive(socket)) return length == 0 ? 0 : broken(socket);
  tcpSendCommit(changetype<Tcb>(socket.tcb), length, (flags & MSG_MORE) == 0);
  socket.bytesOut += length;
  if (length != 0) countWrite(length);
  return <i32>length;
}

/** Gives a plan back that will not be committed. */
export function sendCancel(socket: Socket): i32 {
  if (socket.kind == SocketKind.datagram) {
    chainGive(socket.planChain);
    socket.planChain = 0;
    socket.planLength = 0;
  } else if (connectionAlive(socket)) {
    tcpSendCommit(changetype<Tcb>(socket.tcb), 0, false);
  }
  return 0;
}

/** SIOCOUTQ: bytes sent or queued that the peer has not acknowledged. */
export function sendPending(socket: Socket): i32 {
  if (socket.kind == SocketKind.listener) return -EINVAL;
  return socket.tcb == 0 ? 0 : <i32>sendQueued(changetype<Tcb>(socket.tcb));
}
