import { root } from "../memory/root";
import { Socket, SocketFlag } from "./socket";

/** The table of sockets that have a local port, of both transports: chains by port, new ones first. */

@unmanaged
class Bucket {
  head: usize;
}

function bucket(port: u16): Bucket {
  const r = root();
  return changetype<Bucket>(r.binds + ((<usize>(port & r.bindMask)) << 2));
}

/**
 * The first socket in the chain of `port`; the chain (bindNext) holds those of other ports too. 0 at its end.
 */
export function bindChain(port: u16): usize {
  return bucket(port).head;
}

/** Enters a socket whose localPort was set just now. */
export function bindEnter(socket: Socket): void {
  const b = bucket(socket.localPort);
  socket.bindPrevious = 0;
  socket.bindNext = b.head;
  if (b.head != 0) changetype<Socket>(b.head).bindPrevious = changetype<usize>(socket);
  b.head = changetype<usize>(socket);
  socket.flags |= SocketFlag.bound;
}

/** Takes a socket out and forgets its port; harmless when it has none. */
export function bindLeave(socket: Socket): void {
  if ((socket.flags & SocketFlag.bound) == 0) return;
  if (socket.bindNext != 0) changetype<Socket>(socket.bindNext).bindPrevious = socket.bindPrevious;
  if (socket.bindPrevious != 0) changetype<Socket>(socket.bindPrevious).bindNext = socket.bindNext;
  else bucket(socket.localPort).head = socket.bindNext;
  socket.flags &= ~(<u32>SocketFlag.bound | SocketFlag.portGiven);
  socket.localPort = 0;
}
