import { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL } from "../../build/generated/system";
import { addressIsOurs } from "../ip/addresses";
import { ephemeralPortAt, ephemeralPorts } from "../link/steering";
import { callEndpoint } from "../memory/call";
import { randomBelow } from "../random/random";
import { datagramAdd, datagramRemove } from "../udp/table";
import { isAnyAddress, isIpv4 } from "../wire/address";
import { bindConflicts } from "./bind-conflict";
import { bindEnter, bindLeave } from "./bind-table";
import { Socket, SocketFlag, SocketKind } from "./socket";

/**
 * A free port for the socket's local address, chosen at random (RFC 6056, section 3.3.1), or 0 when there is
 * none.
 */
function choosePort(socket: Socket): u16 {
  const ports = ephemeralPorts();
  const start = randomBelow(ports);
  for (let tries: u32 = 0; tries < ports; tries++) {
    const port = ephemeralPortAt((start + tries) % ports);
    if (!bindConflicts(socket, port, true)) return port;
  }
  return 0;
}

/** Gives the socket a local port, its local address being set: 0, or -EADDRINUSE. */
function take(socket: Socket, wanted: u16): i32 {
  const port = wanted != 0 ? wanted : choosePort(socket);
  if (port == 0 || (wanted != 0 && bindConflicts(socket, port, false))) return -EADDRINUSE;
  socket.localPort = port;
  bindEnter(socket);
  if (socket.kind == SocketKind.datagram) datagramAdd(socket);
  return 0;
}

/** Gives a socket that has no port a port of the stack's choice: 0, or -EADDRINUSE when none is free. */
export function bindAutomatically(socket: Socket): i32 {
  return (socket.flags & SocketFlag.bound) != 0 ? 0 : take(socket, 0);
}

/** Takes the port (and the place among datagram sockets) from a socket. */
export function unbind(socket: Socket): void {
  if ((socket.flags & SocketFlag.bound) != 0 && socket.kind == SocketKind.datagram) datagramRemove(socket);
  bindLeave(socket);
}

/** bind() to the call area's endpoint. */
export function bindTo(socket: Socket): i32 {
  const endpoint = callEndpoint();
  const any = isAnyAddress(endpoint.high, endpoint.low);
  if (endpoint.version != socket.version) return socket.version == 4 ? -EAFNOSUPPORT : -EINVAL;
  const mapped = isIpv4(endpoint.high, endpoint.low);
  if (socket.version == 6 && mapped && (socket.flags & SocketFlag.v6Only) != 0) return -EINVAL;
  const free = any || (socket.flags & SocketFlag.freeBind) != 0;
  if (!free && !addressIsOurs(endpoint.high, endpoint.low)) return -EADDRNOTAVAIL;
  const fresh = socket.kind == SocketKind.stream || socket.kind == SocketKind.datagram;
  if (!fresh || (socket.flags & SocketFlag.bound) != 0) return -EINVAL;
  socket.localHigh = any ? 0 : endpoint.high;
  socket.localLow = any ? 0 : endpoint.low;
  const later = endpoint.port == 0 && (socket.flags & SocketFlag.bindAddressNoPort) != 0;
  const result = later ? 0 : take(socket, endpoint.port);
  if (result != 0) {
    socket.localHigh = 0;
    socket.localLow = 0;
    return result;
  }
  if (!any) socket.flags |= SocketFlag.addressGiven;
  if (endpoint.port != 0) socket.flags |= SocketFlag.portGiven;
  return 0;
}
