import { AnnouncementKind } from "../../ring/announcement";
import { AnnouncePhase, announcementAdd, announcePull, announces } from "../link/announce";
import { PoolId, poolAt } from "../memory/pool";
import { root } from "../memory/root";
import { flowAnnounce, listenerAnnounce } from "../tcp/announce";
import { Tcb, TcbFlag, TcpState, tcbHas, tcbSet } from "../tcp/tcb";
import { retransmitSoon } from "../tcp/timers";
import { datagramAnnounce } from "../udp/announce";
import { Socket, SocketFlag, SocketKind } from "./socket";

/**
 * Tells a new ltran of everything that exists: connections, then sockets. It goes through the pools and stops
 * where the transmit ring, or its share of this call, is used up; what is made behind it meanwhile announces
 * itself.
 */

/** Places of a pool looked at in one call. */
const LOOKS_MOST: u32 = 4096;

/** False when it has to go on later. */
function announceFlows(): bool {
  const r = root();
  for (let looks: u32 = 0; looks < LOOKS_MOST; looks++) {
    const at = poolAt(PoolId.tcb, r.announceAt);
    if (at == 0) return true;
    const tcb = changetype<Tcb>(at);
    if (tcbHas(tcb, TcbFlag.hashed)) {
      if (!flowAnnounce(tcb)) return false;
      // What this ltran has not seen close it is told the end of.
      if (tcb.state == TcpState.timeWait) tcbSet(tcb, TcbFlag.forwarded);
      retransmitSoon(tcb);
    }
    r.announceAt++;
  }
  return false;
}

/** False when it has to go on later. */
function announceSockets(): bool {
  const r = root();
  for (let looks: u32 = 0; looks < LOOKS_MOST; looks++) {
    const at = poolAt(PoolId.socket, r.announceAt);
    if (at == 0) return announcePull();
    if (!announcePull()) return false;
    const socket = changetype<Socket>(at);
    const bound = (socket.flags & SocketFlag.bound) != 0;
    if (socket.kind == SocketKind.listener) listenerAnnounce(socket);
    else if (socket.kind == SocketKind.datagram && bound) datagramAnnounce(socket);
    r.announceAt++;
  }
  return false;
}

/** Puts what waits to be announced into the transmit ring, as far as there is room. */
export function announceOutput(): void {
  const r = root();
  if (!announces()) return;
  if (r.announcePhase == AnnouncePhase.flows) {
    if (!announceFlows()) return;
    r.announcePhase = AnnouncePhase.sockets;
    r.announceAt = 0;
  }
  if (r.announcePhase == AnnouncePhase.sockets) {
    if (!announceSockets()) return;
    r.announcePhase = AnnouncePhase.end;
  }
  if (r.announcePhase == AnnouncePhase.end) {
    if (changetype<usize>(announcementAdd(AnnouncementKind.done, 0)) == 0) return;
    r.announcePhase = AnnouncePhase.idle;
  }
  announcePull();
}
