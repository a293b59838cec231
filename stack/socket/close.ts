import { ECONNRESET, EINVAL, ENOTCONN, SHUT_RD, SHUT_RDWR, SHUT_WR } from "../../build/generated/system";
import { chainGive } from "../memory/buffer";
import { ResetReason } from "../stats/reset";
import { synchronised, Tcb, TcpState } from "../tcp/tcb";
import { tcpAbort, tcpClose, tcpReceiveReady, tcpShutdown, tcpUnlisten } from "../tcp/user";
import { datagramDiscardAll } from "../udp/queue";
import { unbind } from "./bind";
import { forgetConnection } from "./connect";
import { connectionAlive } from "./connection";
import { ALL_EVENTS, socketNotify } from "./readiness";
import { Socket, SocketFlag, SocketKind } from "./socket";
import { socketGive } from "./table";

/** Stops listening: what waits to be accepted is reset. The socket keeps its port. */
function stopListening(socket: Socket): void {
  tcpUnlisten(socket);
  socket.kind = <u8>SocketKind.stream;
}

/** shutdown() of a connection that exists. */
function shutdownConnection(socket: Socket, bits: u32): i32 {
  const tcb = changetype<Tcb>(socket.tcb);
  if (tcb.state == TcpState.synSent) {
    tcpAbort(tcb, ResetReason.aborted);
    forgetConnection(socket);
    socket.error = ECONNRESET;
    socketNotify(socket, ALL_EVENTS);
    return 0;
  }
  // Linux: from here on connect() says -EISCONN, also if nobody asked it for the result.
  if (synchronised(tcb)) socket.flags &= ~(<u32>SocketFlag.connecting);
  socket.flags |= bits;
  if ((bits & SocketFlag.writeShut) != 0) tcpShutdown(tcb);
  socketNotify(socket, ALL_EVENTS);
  return 0;
}

/** shutdown(). As in Linux, a socket without a connection is shut although the answer is -ENOTCONN. */
export function shutdownSocket(socket: Socket, how: i32): i32 {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  let bits: u32 = 0;
  if (how != SHUT_WR) bits |= SocketFlag.readShut;
  if (how != SHUT_RD) bits |= SocketFlag.writeShut;
  if (connectionAlive(socket)) return shutdownConnection(socket, bits);
  if (socket.kind == SocketKind.listener) {
    if (how != SHUT_WR) {
      stopListening(socket);
      forgetConnection(socket);
    }
    socketNotify(socket, ALL_EVENTS);
    return 0;
  }
  socket.flags |= bits;
  socketNotify(socket, ALL_EVENTS);
  const connected = socket.kind == SocketKind.datagram && (socket.flags & SocketFlag.connected) != 0;
  return connected ? 0 : -ENOTCONN;
}

/** Whether a connection has still bytes, or its FIN, to be acknowledged. */
function delivering(tcb: Tcb): bool {
  return tcb.state == TcpState.finWait1 || tcb.state == TcpState.closing || tcb.state == TcpState.lastAck;
}

/** Whether a close with SO_LINGER has something left to wait for. */
export function socketLingering(socket: Socket): bool {
  if ((socket.flags & SocketFlag.lingering) == 0 || !connectionAlive(socket)) return false;
  return delivering(changetype<Tcb>(socket.tcb));
}

/**
 * The seconds that close() has to wait (SO_LINGER), the first time it is asked; 0 when there is nothing to
 * wait for.
 */
function lingerFor(socket: Socket, tcb: Tcb): u32 {
  const wants = (socket.flags & SocketFlag.lingerOn) != 0 && socket.lingerSeconds != 0;
  if (!wants || (socket.flags & SocketFlag.lingering) != 0) return 0;
  // Unread data means a reset (RFC 2525, section 2.17): nothing to wait for.
  if (!synchronised(tcb) || tcpReceiveReady(tcb) != 0) return 0;
  tcpShutdown(tcb);
  socket.flags |= SocketFlag.lingering | SocketFlag.readShut | SocketFlag.writeShut;
  return delivering(tcb) ? socket.lingerSeconds : 0;
}

function closeConnection(socket: Socket): u32 {
  const tcb = changetype<Tcb>(socket.tcb);
  const seconds = lingerFor(socket, tcb);
  if (seconds != 0) return seconds;
  tcpClose(tcb);
  return 0;
}

/** The last descriptor is gone: 0, or the seconds to linger. */
export function closeSocket(socket: Socket): i32 {
  if (socket.kind == SocketKind.listener) stopListening(socket);
  if (socket.tcb != 0) {
    const seconds = closeConnection(socket);
    if (seconds != 0) return <i32>seconds;
  }
  chainGive(socket.planChain);
  socket.planChain = 0;
  datagramDiscardAll(socket);
  unbind(socket);
  socketGive(socket);
  return 0;
}
