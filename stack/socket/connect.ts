import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  ECONNRESET,
  EINPROGRESS,
  EISCONN,
  ENETUNREACH,
} from "../../build/generated/system";
import { sourceFor } from "../ip/addresses";
import { isBroadcast } from "../link/addresses";
import { callEndpoint, Endpoint } from "../memory/call";
import { root } from "../memory/root";
import { ResetReason } from "../stats/reset";
import { ephemeralPort } from "../tcp/ports";
import { Tcb, TcpState } from "../tcp/tcb";
import { tcpAbort, tcpClose, tcpConnect, tcpUnlisten } from "../tcp/user";
import { datagramAdd, datagramRemove } from "../udp/table";
import { ipv4Raw, isAnyAddress, isIpv4, isIpv4Multicast } from "../wire/address";
import { bindAutomatically, unbind } from "./bind";
import { portIsGiven } from "./bind-conflict";
import { bindEnter } from "./bind-table";
import { connectionAlive } from "./connection";
import { errorTake } from "./error";
import { ALL_EVENTS, socketNotify } from "./readiness";
import { Socket, SocketFlag, SocketKind } from "./socket";

/** Ports that connect() tries before it says that there is none: those that bind() named are skipped. */
const PORT_TRIES: u32 = 64;

/** Whether a destination is a group, or every host. */
function isGroup(high: u64, low: u64): bool {
  return isIpv4(high, low) && (isBroadcast(ipv4Raw(low)) || isIpv4Multicast(ipv4Raw(low)));
}

/** Whether the call area's endpoint is one that this socket can reach at all: 0 or -errno. */
function usable(socket: Socket, endpoint: Endpoint): i32 {
  if (endpoint.version != socket.version) return -EAFNOSUPPORT;
  if (isAnyAddress(endpoint.high, endpoint.low)) return -ENETUNREACH;
  return sourceFor(endpoint.high, endpoint.low) ? 0 : -ENETUNREACH;
}

/** Forgets the peer, and what the stack chose itself: the socket can bind or connect again. */
export function forgetConnection(socket: Socket): void {
  const kept = socket.flags & SocketFlag.portGiven;
  socket.tcb = 0;
  socket.kind = <u8>SocketKind.stream;
  socket.remoteHigh = 0;
  socket.remoteLow = 0;
  socket.remotePort = 0;
  socket.flags &= ~(
    <u32>SocketFlag.connecting |
    SocketFlag.readShut |
    SocketFlag.writeShut |
    SocketFlag.ended
  );
  if (kept == 0) unbind(socket);
  if ((socket.flags & SocketFlag.addressGiven) != 0) return;
  socket.localHigh = 0;
  socket.localLow = 0;
}

/** A port for a socket without one, such that the connection is unlike any other: 0, or -EADDRNOTAVAIL. */
function choosePort(socket: Socket): i32 {
  for (let tries: u32 = 0; tries < PORT_TRIES; tries++) {
    const port = ephemeralPort(
      socket.localHigh,
      socket.localLow,
      socket.remoteHigh,
      socket.remoteLow,
      socket.remotePort,
    );
    if (port == 0) break;
    if (portIsGiven(port)) continue;
    socket.localPort = port;
    bindEnter(socket);
    return 0;
  }
  return -EADDRNOTAVAIL;
}

function start(socket: Socket): i32 {
  const endpoint = callEndpoint();
  const result = usable(socket, endpoint);
  if (result != 0) return result;
  if (isGroup(endpoint.high, endpoint.low)) return -ENETUNREACH;
  if ((socket.localHigh | socket.localLow) == 0) {
    socket.localHigh = root().sourceHigh;
    socket.localLow = root().sourceLow;
  }
  socket.remoteHigh = endpoint.high;
  socket.remoteLow = endpoint.low;
  socket.remotePort = endpoint.port;
  let failure = (socket.flags & SocketFlag.bound) != 0 ? 0 : choosePort(socket);
  if (failure == 0) {
    socket.kind = <u8>SocketKind.connection;
    socket.error = 0;
    failure = tcpConnect(socket);
  }
  if (failure < 0) {
    forgetConnection(socket);
    return failure == -EADDRINUSE ? -EADDRNOTAVAIL : failure;
  }
  socket.flags |= SocketFlag.connecting;
  return -EINPROGRESS;
}

/** connect() again while, or after, the first one's handshake is under way. */
function progress(socket: Socket): i32 {
  if ((socket.flags & SocketFlag.connecting) == 0) return -EISCONN;
  if (!connectionAlive(socket)) {
    const error = errorTake(socket);
    if (socket.tcb != 0) tcpClose(changetype<Tcb>(socket.tcb));
    forgetConnection(socket);
    return error != 0 ? -error : -ECONNABORTED;
  }
  const tcb = changetype<Tcb>(socket.tcb);
  if (tcb.state == TcpState.synSent || tcb.state == TcpState.synReceived) return -EALREADY;
  socket.flags &= ~(<u32>SocketFlag.connecting);
  return 0;
}

/** connect() of a datagram socket: remembers the peer, and the source address towards it. */
function associate(socket: Socket): i32 {
  const endpoint = callEndpoint();
  const result = usable(socket, endpoint);
  if (result != 0) return result;
  const toAll = isIpv4(endpoint.high, endpoint.low) && isBroadcast(ipv4Raw(endpoint.low));
  if (toAll && (socket.flags & SocketFlag.broadcast) == 0) return -EACCES;
  const sourceHigh = root().sourceHigh;
  const sourceLow = root().sourceLow;
  if (bindAutomatically(socket) != 0) return -EAGAIN;
  datagramRemove(socket);
  if ((socket.localHigh | socket.localLow) == 0) {
    socket.localHigh = sourceHigh;
    socket.localLow = sourceLow;
  }
  socket.remoteHigh = endpoint.high;
  socket.remoteLow = endpoint.low;
  socket.remotePort = endpoint.port;
  socket.flags |= SocketFlag.connected;
  datagramAdd(socket);
  return 0;
}

/** connect() to the call area's endpoint. */
export function connectTo(socket: Socket): i32 {
  if (socket.kind == SocketKind.datagram) return associate(socket);
  if (socket.kind == SocketKind.listener) return -EISCONN;
  return socket.kind == SocketKind.connection ? progress(socket) : start(socket);
}

/** A datagram socket forgets its peer, and what bind() did not name. */
function dissociate(socket: Socket): void {
  const keepsPort = (socket.flags & SocketFlag.portGiven) != 0;
  if (keepsPort) datagramRemove(socket);
  else unbind(socket);
  socket.remoteHigh = 0;
  socket.remoteLow = 0;
  socket.remotePort = 0;
  socket.flags &= ~(<u32>SocketFlag.connected);
  if ((socket.flags & SocketFlag.addressGiven) == 0) {
    socket.localHigh = 0;
    socket.localLow = 0;
  }
  if (keepsPort) datagramAdd(socket);
}

/** connect() with AF_UNSPEC. */
export function dissolve(socket: Socket): i32 {
  if (socket.kind == SocketKind.datagram) {
    dissociate(socket);
    return 0;
  }
  if (socket.kind == SocketKind.listener) {
    tcpUnlisten(socket);
    socket.kind = <u8>SocketKind.stream;
  }
  const aborted = connectionAlive(socket);
  if (aborted) tcpAbort(changetype<Tcb>(socket.tcb), ResetReason.aborted);
  else if (socket.tcb != 0) tcpClose(changetype<Tcb>(socket.tcb));
  forgetConnection(socket);
  // Linux: who aborts a connection finds this in SO_ERROR; an error that waits there already stays.
  if (aborted) socket.error = ECONNRESET;
  socketNotify(socket, ALL_EVENTS);
  return 0;
}
