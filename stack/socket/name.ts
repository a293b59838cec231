import { ENOTCONN } from "../../build/generated/system";
import { callEndpoint } from "../memory/call";
import { Tcb, TcpState } from "../tcp/tcb";
import { ipv4Low } from "../wire/address";
import { connectionAlive } from "./connection";
import { Socket, SocketFlag, SocketKind } from "./socket";

/** Writes an address and port of `socket` to the call area; "any" takes the form of the socket's family. */
export function endpointAnswer(socket: Socket, high: u64, low: u64, port: u16): void {
  const endpoint = callEndpoint();
  const any = (high | low) == 0;
  endpoint.high = high;
  endpoint.low = any && socket.version == 4 ? ipv4Low(0) : low;
  endpoint.port = port;
  endpoint.version = socket.version;
  endpoint.scope = 0;
}

/** Whether getpeername() has an answer: a connection past its handshake, or a connected datagram socket. */
function hasPeer(socket: Socket): bool {
  if (socket.kind == SocketKind.datagram) return (socket.flags & SocketFlag.connected) != 0;
  if (socket.kind != SocketKind.connection || !connectionAlive(socket)) return false;
  return changetype<Tcb>(socket.tcb).state != TcpState.synSent;
}

/** getsockname() or getpeername() into the call area. */
export function nameOf(socket: Socket, peer: bool): i32 {
  if (!peer) {
    endpointAnswer(socket, socket.localHigh, socket.localLow, socket.localPort);
    return 0;
  }
  if (!hasPeer(socket)) return -ENOTCONN;
  endpointAnswer(socket, socket.remoteHigh, socket.remoteLow, socket.remotePort);
  return 0;
}
