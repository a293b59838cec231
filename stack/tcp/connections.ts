import { root } from "../memory/root";
import { mix } from "../random/random";
import { Tcb, TcbFlag, tcbClear, tcbHas, tcbSet } from "./tcb";

/** The table of connections: chains in buckets chosen by a keyed hash of the four-tuple. */

@unmanaged
class Bucket {
  head: usize;
}

function bucket(
  localHigh: u64,
  localLow: u64,
  remoteHigh: u64,
  remoteLow: u64,
  localPort: u16,
  remotePort: u16,
): Bucket {
  const r = root();
  // The lower half of an IPv4 address is the same for all, so that ports and address stay apart in one word.
  const ports = ((<u64>localPort) << 16) + <u64>remotePort;
  let hash = mix((remoteLow ^ ports ^ r.tableKey) + localLow);
  if ((remoteHigh | localHigh) != 0) hash = mix((hash ^ mix(remoteHigh ^ r.tableKey) ^ localHigh) + ports);
  return changetype<Bucket>(r.connections + ((<usize>(<u32>(hash >> 32) & r.connectionMask)) << 2));
}

/** The connection of a four-tuple, or null (0). */
export function connectionFind(
  localHigh: u64,
  localLow: u64,
  remoteHigh: u64,
  remoteLow: u64,
  localPort: u16,
  remotePort: u16,
): Tcb {
  let at = bucket(localHigh, localLow, remoteHigh, remoteLow, localPort, remotePort).head;
  while (at != 0) {
    const tcb = changetype<Tcb>(at);
    if (
      tcb.remotePort == remotePort &&
      tcb.localPort == localPort &&
      tcb.remoteLow == remoteLow &&
      tcb.localLow == localLow &&
      tcb.remoteHigh == remoteHigh &&
      tcb.localHigh == localHigh
    ) {
      return tcb;
    }
    at = tcb.hashNext;
  }
  return changetype<Tcb>(0);
}

function bucketOf(tcb: Tcb): Bucket {
  return bucket(tcb.localHigh, tcb.localLow, tcb.remoteHigh, tcb.remoteLow, tcb.localPort, tcb.remotePort);
}

/** Enters a connection whose four-tuple is set and not in the table. */
export function connectionInsert(tcb: Tcb): void {
  assert(!tcbHas(tcb, TcbFlag.hashed));
  const b = bucketOf(tcb);
  tcb.hashNext = b.head;
  b.head = changetype<usize>(tcb);
  tcbSet(tcb, TcbFlag.hashed);
}

/** Takes a connection out; harmless when it is not in. */
export function connectionRemove(tcb: Tcb): void {
  if (!tcbHas(tcb, TcbFlag.hashed)) return;
  tcbClear(tcb, TcbFlag.hashed);
  const b = bucketOf(tcb);
  if (b.head == changetype<usize>(tcb)) {
    b.head = tcb.hashNext;
    return;
  }
  let at = changetype<Tcb>(b.head);
  while (at.hashNext != changetype<usize>(tcb)) at = changetype<Tcb>(at.hashNext);
  at.hashNext = tcb.hashNext;
}
