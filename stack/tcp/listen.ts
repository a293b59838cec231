import { root } from "../memory/root";
import { mix } from "../random/random";
import { Socket, SocketFlag } from "../socket/socket";
import { IPV4_ANY_LOW, isIpv4 } from "../wire/address";

/** The table of listeners, by local port. */

@unmanaged
class Bucket {
  head: usize;
}

function bucket(port: u16): Bucket {
  const r = root();
  return changetype<Bucket>(r.listeners + ((<usize>(<u32>port & r.listenerMask)) << 2));
}

/**
 * How well a listener matches: 0 not at all, 1 any address of both versions, 2 any of this one, 3 exactly.
 */
function match(socket: Socket, high: u64, low: u64): u32 {
  if (socket.localHigh == high && socket.localLow == low) return 3;
  const four = isIpv4(high, low);
  if (socket.localHigh != 0) return 0;
  if (socket.localLow == IPV4_ANY_LOW || (socket.localLow == 0 && socket.version == 4)) return four ? 2 : 0;
  if (socket.localLow != 0 || socket.version != 6) return 0;
  if (!four) return 2;
  return (socket.flags & SocketFlag.v6Only) != 0 ? 0 : 1;
}

/**
 * The listener for a local endpoint, or null (0). Of several that match equally well (SO_REUSEPORT) one is
 * chosen by `flow`, a number that is the same for all segments of one connection.
 */
export function listenerFind(high: u64, low: u64, port: u16, flow: u64): Socket {
  let best: usize = 0;
  let quality: u32 = 0;
  let equals: u32 = 0;
  let at = bucket(port).head;
  while (at != 0) {
    const socket = changetype<Socket>(at);
    at = socket.hashNext;
    if (socket.localPort != port) continue;
    const found = match(socket, high, low);
    if (found == 0 || found < quality) continue;
    equals = found > quality ? 1 : equals + 1;
    quality = found;
    // Each of the n equals is kept with a chance of 1/n.
    if (equals == 1 || <u32>mix(flow ^ root().tableKey ^ equals) % equals == 0)
      best = changetype<usize>(socket);
  }
  return changetype<Socket>(best);
}

/** Whether anybody listens on a port, at whatever address. */
export function listenerOnPort(port: u16): bool {
  let at = bucket(port).head;
  while (at != 0) {
    const socket = changetype<Socket>(at);
    if (socket.localPort == port) return true;
    at = socket.hashNext;
  }
  return false;
}

/** Enters a listener. */
export function listenerInsert(socket: Socket): void {
  const b = bucket(socket.localPort);
  socket.hashNext = b.head;
  b.head = changetype<usize>(socket);
}

/** Takes a listener out; false when it is not in. */
export function listenerRemove(socket: Socket): bool {
  const b = bucket(socket.localPort);
  if (b.head == changetype<usize>(socket)) {
    b.head = socket.hashNext;
    return true;
  }
  let at = b.head;
  while (at != 0) {
    const other = changetype<Socket>(at);
    if (other.hashNext == changetype<usize>(socket)) {
      other.hashNext = socket.hashNext;
      return true;
    }
    at = other.hashNext;
  }
  return false;
}
