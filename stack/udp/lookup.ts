import { root } from "../memory/root";
import { mix } from "../random/random";
import { Socket, SocketFlag } from "../socket/socket";
import { isAnyAddress, isIpv4 } from "../wire/address";
import { datagramsAt } from "./table";

/** No match. */
const NONE: u32 = 0;

/**
 * How well a socket fits a datagram's addresses: 0 not at all, 1 wildcard, 2 bound to the address, +2
 * connected to its sender. A connected socket takes datagrams of its peer only.
 */
export function datagramScore(
  socket: Socket,
  high: u64,
  low: u64,
  localPort: u16,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
): u32 {
  if (socket.localPort != localPort) return NONE;
  let score: u32 = 2;
  if (socket.localLow != low || socket.localHigh != high) {
    if (!isAnyAddress(socket.localHigh, socket.localLow)) return NONE;
    const takesIpv6 = socket.version == 6;
    const isV4 = isIpv4(high, low);
    if (isV4 ? takesIpv6 && (socket.flags & SocketFlag.v6Only) != 0 : !takesIpv6) return NONE;
    score = 1;
  }
  if ((socket.flags & SocketFlag.connected) == 0) return score;
  const isPeer =
    socket.remotePort == remotePort && socket.remoteLow == remoteLow && socket.remoteHigh == remoteHigh;
  return isPeer ? score + 2 : NONE;
}

/**
 * The socket that takes a unicast datagram, or null (0). Among equals of a SO_REUSEPORT group the flow's hash
 * chooses.
 */
export function datagramFor(
  high: u64,
  low: u64,
  localPort: u16,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
): Socket {
  let best: usize = 0;
  let bestScore: u32 = NONE;
  let bestRank: u64 = 0;
  const flow = remoteLow ^ rotl<u64>(remoteHigh, 29) ^ rotl<u64>(low, 17) ^ <u64>remotePort;
  let at = datagramsAt(localPort);
  while (at != 0) {
    const socket = changetype<Socket>(at);
    const score = datagramScore(socket, high, low, localPort, remoteHigh, remoteLow, remotePort);
    if (score > bestScore) {
      best = at;
      bestScore = score;
      bestRank = mix(flow ^ root().tableKey ^ at);
    } else if (score != NONE && score == bestScore) {
      // The highest hash of flow and socket wins: a socket that leaves moves only its own flows.
      const rank = mix(flow ^ root().tableKey ^ at);
      if (rank > bestRank) {
        best = at;
        bestRank = rank;
      }
    }
    at = socket.hashNext;
  }
  return changetype<Socket>(best);
}

/** The connected socket of a flow, or null (0). */
export function datagramConnected(
  high: u64,
  low: u64,
  localPort: u16,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
): Socket {
  const socket = datagramFor(high, low, localPort, remoteHigh, remoteLow, remotePort);
  const isConnected = changetype<usize>(socket) != 0 && (socket.flags & SocketFlag.connected) != 0;
  return isConnected ? socket : changetype<Socket>(0);
}
