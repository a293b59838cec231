import { announceWant } from "../link/announce";
import { Socket, SocketFlag } from "../socket/socket";
import { isAnyAddress } from "../wire/address";
import { PROTOCOL_UDP } from "../wire/ipv4";

/** What ltran is told of datagram sockets. */

/** A socket is bound, or is found bound by a new ltran. One for IPv6 alone can have no traffic. */
export function datagramAnnounce(socket: Socket): void {
  const any = isAnyAddress(socket.localHigh, socket.localLow);
  if (any && (socket.flags & SocketFlag.v6Only) != 0) return;
  announceWant(socket, PROTOCOL_UDP, socket.localHigh, socket.localLow, socket.localPort, 0);
}
