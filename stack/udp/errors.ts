import { EPOLLERR } from "../../build/generated/system";
import { socketNotify } from "../socket/readiness";
import { Socket, SocketFlag } from "../socket/socket";
import { datagramConnected } from "./lookup";

/**
 * An ICMP error about a datagram of ours. A connected socket sees hard errors in SO_ERROR; with IP_RECVERR
 * also soft ones. Sockets that are not connected see none: they could not tell which datagram it was about.
 * Answers whether there is a socket.
 */
export function udpError(
  high: u64,
  low: u64,
  localPort: u16,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
  errno: i32,
  hard: bool,
): bool {
  const socket: Socket = datagramConnected(high, low, localPort, remoteHigh, remoteLow, remotePort);
  if (changetype<usize>(socket) == 0) return false;
  if (!hard && (socket.flags & SocketFlag.receiveErrors) == 0) return true;
  socket.error = errno;
  socketNotify(socket, EPOLLERR);
  return true;
}
