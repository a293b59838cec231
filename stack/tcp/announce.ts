import { ECONNRESET, EPIPE } from "../../build/generated/system";
import { AnnouncementKind } from "../../ring/announcement";
import { announcementAdd, announces, announceWant } from "../link/announce";
import { Neighbour } from "../link/neighbours";
import { Socket, SocketFlag } from "../socket/socket";
import { isAnyAddress } from "../wire/address";
import { PROTOCOL_TCP } from "../wire/ipv4";
import { Tcb, TcbFlag, TcpState, tcbClear, tcbHas } from "./tcb";

/** What ltran is told of listeners and connections. */

/** A socket listens, or is found listening by a new ltran. One for IPv6 alone can have no traffic. */
export function listenerAnnounce(socket: Socket): void {
  const any = isAnyAddress(socket.localHigh, socket.localLow);
  if (any && (socket.flags & SocketFlag.v6Only) != 0) return;
  announceWant(socket, PROTOCOL_TCP, socket.localHigh, socket.localLow, socket.localPort, socket.backlog);
}

function announceConnection(tcb: Tcb, kind: AnnouncementKind): bool {
  const announcement = announcementAdd(kind, PROTOCOL_TCP);
  if (changetype<usize>(announcement) == 0) return false;
  announcement.localHigh = tcb.localHigh;
  announcement.localLow = tcb.localLow;
  announcement.localPort = tcb.localPort;
  announcement.remoteHigh = tcb.remoteHigh;
  announcement.remoteLow = tcb.remoteLow;
  announcement.remotePort = tcb.remotePort;
  announcement.sndNxt = tcb.sndMax;
  announcement.rcvNxt = tcb.rcvNxt;
  return true;
}

/** Tells a new ltran of an existing connection; false when there was no room. */
export function flowAnnounce(tcb: Tcb): bool {
  return announceConnection(tcb, AnnouncementKind.flow);
}

/**
 * A connection of a listener was opened. ltran, which saw only the request when the rest went by a ring, is
 * told: it counts the listener's connections. Without room in the ring it does not hear of it.
 */
export function flowBegin(tcb: Tcb): void {
  if (tcbHas(tcb, TcbFlag.forwarded) && announces()) announceConnection(tcb, AnnouncementKind.flow);
}

/** Both sides have closed. ltran sees that by itself, unless it went by a ring. */
export function flowClosed(tcb: Tcb): void {
  const isSeen = !tcbHas(tcb, TcbFlag.forwarded) || !announces();
  if (!isSeen && announceConnection(tcb, AnnouncementKind.flowGone)) tcbClear(tcb, TcbFlag.forwarded);
}

function isDirect(tcb: Tcb): bool {
  return tcb.neighbour != 0 && changetype<Neighbour>(tcb.neighbour).port.peer != 0;
}

/**
 * A connection ends with `error`. ltran sees our resets, and FINs of both sides, by itself; it is told of an
 * end that nothing on the wire shows, and of a reset of the peer's: whether its number was the right one is
 * known here only, as data before it may not have been acknowledged yet. Without room in the ring the flow
 * ages in ltran, which costs it memory only.
 */
export function flowEnd(tcb: Tcb, error: i32): void {
  if (!announces()) return;
  const wasReset = error == ECONNRESET || error == EPIPE;
  const silent = tcb.state <= TcpState.synReceived || tcb.state == TcpState.finWait2;
  // What goes by a ring to the peer ltran has not seen, neither beginning nor end.
  const isUnseen = (silent || wasReset) && !isDirect(tcb);
  if (isUnseen || tcbHas(tcb, TcbFlag.forwarded)) announceConnection(tcb, AnnouncementKind.flowGone);
}
