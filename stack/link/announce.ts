import {
  ANNOUNCEMENT_ETHERTYPE,
  ANNOUNCEMENT_SIZE,
  Announcement,
  AnnouncementKind,
  announcementBegin,
} from "../../ring/announcement";
import { PoolId, poolGive } from "../memory/pool";
import { port } from "../memory/port";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { isAnyAddress } from "../wire/address";
import { ETHERNET_HEADER, ethernetWrite } from "../wire/ethernet";
import { PROTOCOL_TCP } from "../wire/ipv4";
import { Announced, AnnounceFlag } from "./announced";
import { txEthernet, txPublish, txReserve } from "./transmit";

/**
 * Tells ltran who listens, who is bound and which connections exist, in frames of their own that go the way
 * of all frames: what is announced precedes the packets that follow from it. A socket with something to
 * announce waits in a list while the transmit ring is full, also when it was closed meanwhile: none is lost.
 * ltran counts: of two sockets with one endpoint (SO_REUSEPORT) each is announced, and withdrawn.
 */

/** What a new ltran is being told. */
export enum AnnouncePhase {
  /** Everything was said; changes are announced as they come. */
  idle,
  /** Connections: before listeners, which would take their segments for strays. */
  flows,
  /** Listeners and bound datagram sockets. */
  sockets,
  /** That this is the end. */
  end,
}

/** How soon announcements that wait for room are tried again. */
const RETRY_US: u64 = 1000;

/** Whether there is an ltran to tell. */
export function announces(): bool {
  return root().announcePort != 0;
}

/**
 * Puts an announcement into the transmit ring, all zero but for its kind and protocol: the caller fills in
 * the rest before the call from outside ends. Null (0) when the ring is full.
 */
export function announcementAdd(kind: AnnouncementKind, protocol: u8): Announcement {
  const p = port(root().announcePort - 1);
  const slot = txReserve(p);
  if (changetype<usize>(slot) == 0) return changetype<Announcement>(0);
  const frame = txEthernet(slot);
  ethernetWrite(frame, p.mac, p.mac, ANNOUNCEMENT_ETHERTYPE);
  const announcement = announcementBegin(frame + ETHERNET_HEADER, kind);
  announcement.protocol = protocol;
  slot.headerLength = <u16>(ETHERNET_HEADER + ANNOUNCEMENT_SIZE);
  txPublish(p, slot);
  count(Counter.announcementsOut);
  return announcement;
}

/** Announces a local endpoint; false when there was no room. */
function announceEndpoint(kind: AnnouncementKind, a: Announced, high: u64, low: u64, localPort: u16): bool {
  const announcement = announcementAdd(kind, a.announceProtocol);
  if (changetype<usize>(announcement) == 0) return false;
  announcement.localHigh = high;
  announcement.localLow = low;
  announcement.localPort = localPort;
  announcement.backlog = a.announceBacklog;
  return true;
}

function isTold(a: Announced): bool {
  return a.toldEpoch == root().announceEpoch;
}

function isWanted(a: Announced): bool {
  return (a.announceFlags & AnnounceFlag.wanted) != 0;
}

function asTold(a: Announced): bool {
  return a.toldPort == a.wantedPort && a.toldLow == a.wantedLow && a.toldHigh == a.wantedHigh;
}

/** Says what there is to say of one socket; false when the ring is full. */
function settle(a: Announced): bool {
  const isTcp = a.announceProtocol == PROTOCOL_TCP;
  if (isTold(a) && !(isWanted(a) && asTold(a))) {
    const kind = isTcp ? AnnouncementKind.unlisten : AnnouncementKind.unbind;
    if (!announceEndpoint(kind, a, a.toldHigh, a.toldLow, a.toldPort)) return false;
    a.toldEpoch = 0;
  }
  if (isWanted(a) && !isTold(a)) {
    const kind = isTcp ? AnnouncementKind.listen : AnnouncementKind.bind;
    if (!announceEndpoint(kind, a, a.wantedHigh, a.wantedLow, a.wantedPort)) return false;
    a.toldHigh = a.wantedHigh;
    a.toldLow = a.wantedLow;
    a.toldPort = a.wantedPort;
    a.toldEpoch = root().announceEpoch;
    a.toldBacklog = a.announceBacklog;
  }
  // Not withdrawn and announced again: in between there would be no listener.
  if (isWanted(a) && a.toldBacklog != a.announceBacklog) {
    const kind = AnnouncementKind.backlog;
    if (!announceEndpoint(kind, a, a.toldHigh, a.toldLow, a.toldPort)) return false;
    a.toldBacklog = a.announceBacklog;
  }
  return true;
}

function enqueue(a: Announced): void {
  if ((a.announceFlags & AnnounceFlag.queued) != 0) return;
  const r = root();
  a.announceFlags |= <u8>AnnounceFlag.queued;
  a.announceNext = 0;
  if (r.announceTail == 0) r.announceHead = changetype<usize>(a);
  else changetype<Announced>(r.announceTail).announceNext = changetype<usize>(a);
  r.announceTail = changetype<usize>(a);
}

/** Takes the first one out of the list; one that its owner has given up goes back to the pool of sockets. */
function dequeue(): void {
  const r = root();
  const a = changetype<Announced>(r.announceHead);
  r.announceHead = a.announceNext;
  if (r.announceHead == 0) r.announceTail = 0;
  const given = (a.announceFlags & AnnounceFlag.given) != 0;
  a.announceFlags &= ~(<u8>AnnounceFlag.queued | <u8>AnnounceFlag.given);
  if (given) poolGive(PoolId.socket, changetype<usize>(a));
}

/**
 * Puts what sockets have to announce into the transmit ring; false when that is full. While connections are
 * announced to a new ltran, sockets wait.
 */
export function announcePull(): bool {
  const r = root();
  if (r.announcePhase == AnnouncePhase.flows) return true;
  while (r.announceHead != 0) {
    if (!settle(changetype<Announced>(r.announceHead))) return false;
    dequeue();
  }
  return true;
}

/**
 * ltran shall know that a socket listens (PROTOCOL_TCP) or is bound (PROTOCOL_UDP); zeros are any address.
 * Nothing happens while there is no ltran: a new one is told of everything (socket/announce.ts).
 */
export function announceWant(
  a: Announced,
  protocol: u8,
  high: u64,
  low: u64,
  localPort: u16,
  backlog: u32,
): void {
  if (!announces()) return;
  const any = isAnyAddress(high, low);
  a.announceProtocol = protocol;
  a.announceBacklog = backlog;
  a.announceFlags |= <u8>AnnounceFlag.wanted;
  a.wantedHigh = high;
  a.wantedLow = any ? 0 : low;
  a.wantedPort = localPort;
  if (!isTold(a) || !asTold(a) || a.toldBacklog != backlog) enqueue(a);
}

/** The socket does not listen, or is not bound, any more. */
export function announceWithdraw(a: Announced): void {
  a.announceFlags &= ~(<u8>AnnounceFlag.wanted);
  if (announces() && isTold(a)) enqueue(a);
}

/** Whether a socket that is given back has something to announce: then its slot is given back afterwards. */
export function announceKeeps(a: Announced): bool {
  if ((a.announceFlags & AnnounceFlag.queued) == 0) return false;
  a.announceFlags |= <u8>AnnounceFlag.given;
  return true;
}

/** A new ltran is there, at port `id`: it is told of everything, connections first. */
export function announceBegin(id: u32): void {
  const r = root();
  r.announcePort = id + 1;
  r.announceEpoch++;
  if (r.announceEpoch == 0) r.announceEpoch = 1;
  r.announcePhase = AnnouncePhase.flows;
  r.announceAt = 0;
}

/** The ltran is gone, and with it all it was told. */
export function announceEnd(): void {
  const r = root();
  while (r.announceHead != 0) dequeue();
  r.announcePort = 0;
  r.announcePhase = AnnouncePhase.idle;
}

/** When announcements that wait for room are to be tried again; u64.MAX_VALUE when none waits. */
export function announceDeadline(): u64 {
  const r = root();
  const waits = r.announceHead != 0 || r.announcePhase != AnnouncePhase.idle;
  return waits ? r.now + RETRY_US : u64.MAX_VALUE;
}
