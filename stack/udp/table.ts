import { announceWithdraw } from "../link/announce";
import { root } from "../memory/root";
import { Socket } from "../socket/socket";
import { datagramAnnounce } from "./announce";

@unmanaged
class Bucket {
  head: usize;
}

function bucketOf(localPort: u16): Bucket {
  const r = root();
  return changetype<Bucket>(r.datagrams + ((<usize>(<u32>localPort & r.datagramMask)) << 2));
}

/** The first bound datagram socket in the chain that holds `localPort`; the next ones by `hashNext`. */
export function datagramsAt(localPort: u16): usize {
  return bucketOf(localPort).head;
}

/** Puts a socket, whose localPort is set, where input finds it. */
export function datagramAdd(socket: Socket): void {
  const bucket = bucketOf(socket.localPort);
  socket.hashNext = bucket.head;
  bucket.head = changetype<usize>(socket);
  datagramAnnounce(socket);
}

/** Takes a socket out; harmless when it is not in. */
export function datagramRemove(socket: Socket): void {
  const bucket = bucketOf(socket.localPort);
  let at = bucket.head;
  let previous: usize = 0;
  while (at != 0 && at != changetype<usize>(socket)) {
    previous = at;
    at = changetype<Socket>(at).hashNext;
  }
  if (at == 0) return;
  if (previous == 0) bucket.head = socket.hashNext;
  else changetype<Socket>(previous).hashNext = socket.hashNext;
  socket.hashNext = 0;
  announceWithdraw(socket);
}
