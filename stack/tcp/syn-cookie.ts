import { transportHeader } from "../ip/output";
import { pathMtu } from "../ip/routes";
import { root } from "../memory/root";
import { sipHash } from "../random/siphash";
import { Socket } from "../socket/socket";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import {
  TCP_HEADER,
  TcpFlag,
  tcpWriteMss,
  tcpWriteSackPermitted,
  tcpWriteTimestamps,
  tcpWriteWindowScale,
} from "../wire/tcp";
import { acceptQueueFull, acceptQueueJoin, handshakeHold, synQueueCrowded } from "./backlog";
import { establish } from "./handshake";
import { tupleHash } from "./isn";
import { passiveMake } from "./listen-input";
import { localMss, sequenceStart } from "./make";
import { RECEIVE_SCALE } from "./receive-window";
import { Has, segment } from "./segment";
import { after } from "./sequence";
import { synchronisedInput } from "./synchronised";
import { replyNeighbour, replyOpen, unqueuedSend } from "./unqueued";

/**
 * SYN cookies (RFC 4987, section 3.6): while a listener has no room for handshakes, everything it must
 * remember goes into the sequence number of the SYN-ACK (time and MSS, authenticated) and, since that has
 * no room for more, the low bits of its timestamp (window scale, SACK).
 */
const MINUTE_US: u64 = 60_000_000;
const MINUTES_VALID: u32 = 3;
/** For how long after the last cookie ACKs are taken for answers to one. */
const LIFE_US: u64 = 240_000_000;
const MSS_STEPS: u32 = 8;
const FIRST_BITS: u32 = 23;
const FIRST_MASK: u32 = (1 << FIRST_BITS) - 1;
const TUPLE_MASK: u32 = 127;
/** Keeps the two hashes apart. */
const FIRST_MARK: u64 = 1 << 32;
const SCALE_BITS: u32 = 0x0f;
const SCALE_NONE: u32 = 0x0f;
const SACK_BIT: u32 = 0x10;
const STAMP_BITS: u32 = 0x1f;
const WINDOW: u32 = 0xffff;

/** The sizes that a cookie can name, the usual ones. */
function mssStep(index: u32): u32 {
  switch (index) {
    case 0:
      return 536;
    case 1:
      return 1220;
    case 2:
      return 1300;
    case 3:
      return 1360;
    case 4:
      return 1440;
    case 5:
      return 1460;
    case 6:
      return 4312;
    default:
      return 8960;
  }
}

function mssIndex(mss: u32): u32 {
  let index = MSS_STEPS - 1;
  while (index > 0 && mssStep(index) > mss) index--;
  return index;
}

function minute(): u32 {
  return <u32>(root().now / MINUTE_US) & 3;
}

/**
 * Keyed hash of the segment's four-tuple: its high half is for every segment of the peer, the low one for its
 * first.
 */
function hashOf(minutes: u32, peerSequence: u32): u64 {
  const r = root();
  const s = segment();
  const ports = ((<u64>s.destinationPort) << 16) | <u64>s.sourcePort;
  const remote = s.sourceLow ^ rotl<u64>(s.sourceHigh, 7);
  const local = s.destinationLow ^ rotl<u64>(s.destinationHigh, 7);
  const tuple = sipHash(r.cookieKey0, r.cookieKey1, remote, local, ports, minutes, 0);
  const first = sipHash(
    r.cookieKey0,
    r.cookieKey1,
    remote,
    local,
    ports,
    minutes,
    <u64>peerSequence | FIRST_MARK,
  );
  return (tuple & 0xffff_ffff_0000_0000) | (first & 0xffff_ffff);
}

/**
 * A cookie: two bits of time, seven that are right for whatever segment of this peer comes, and 23 that are
 * right only together with the sequence number after the peer's SYN, the MSS step added to them.
 */
function cookieMake(peerSequence: u32, index: u32): u32 {
  const minutes = minute();
  const hash = hashOf(minutes, peerSequence);
  const tuple = <u32>(hash >> 32) & TUPLE_MASK;
  return (minutes << 30) | (tuple << FIRST_BITS) | ((<u32>hash + index) & FIRST_MASK);
}

/** What an acknowledged number turned out to be. */
enum Cookie {
  /** None of ours, or too old. */
  none = 0x100,
  /** Ours, but the segment isn't the peer's first: that one is missing or still under way. */
  later = 0x101,
}

/** The MSS step in a cookie that the current segment acknowledges, or one of Cookie. */
function cookieCheck(cookie: u32, peerSequence: u32): u32 {
  const minutes = cookie >> 30;
  if (((minute() - minutes) & 3) >= MINUTES_VALID) return Cookie.none;
  const hash = hashOf(minutes, peerSequence);
  if (((cookie >> FIRST_BITS) & TUPLE_MASK) != (<u32>(hash >> 32) & TUPLE_MASK)) return Cookie.none;
  const index = ((cookie & FIRST_MASK) - <u32>hash) & FIRST_MASK;
  return index < MSS_STEPS ? index : Cookie.later;
}

function stampOffset(): u32 {
  const s = segment();
  return <u32>(
    (tupleHash(
      s.destinationHigh,
      s.destinationLow,
      s.sourceHigh,
      s.sourceLow,
      s.destinationPort,
      s.sourcePort,
    ) >> 32)
  );
}

/** Our timestamp with the options of the SYN in its low bits; never ahead of the clock. */
function stampMake(): u32 {
  const s = segment();
  const clock = <u32>(root().now / 1000) + stampOffset();
  let bits: u32 = (s.has & Has.windowScale) != 0 ? s.windowScale : SCALE_NONE;
  if ((s.has & Has.sackPermitted) != 0) bits |= SACK_BIT;
  const stamp = (clock & ~STAMP_BITS) | bits;
  return after(stamp, clock) ? stamp - (STAMP_BITS + 1) : stamp;
}

function writeOptions(at: usize, mss: u32): usize {
  const s = segment();
  let cursor = tcpWriteMss(at, mss);
  // Without timestamps there is no place to remember the other options.
  if ((s.has & Has.timestamps) == 0) return cursor;
  if ((s.has & Has.sackPermitted) != 0) cursor = tcpWriteSackPermitted(cursor);
  cursor = tcpWriteTimestamps(cursor, stampMake(), s.timestampValue);
  return (s.has & Has.windowScale) != 0 ? tcpWriteWindowScale(cursor, RECEIVE_SCALE) : cursor;
}

/** Answers the current SYN without keeping anything of it. */
export function cookieSend(): void {
  const s = segment();
  const n = replyNeighbour();
  const slot = replyOpen(n, DropReason.tcpSynQueue);
  if (changetype<usize>(slot) == 0) return;
  const ours = localMss(pathMtu(s.sourceHigh, s.sourceLow), s.sourceHigh, s.sourceLow);
  const theirs = (s.has & Has.mss) != 0 ? s.mss : 536;
  const sequence = cookieMake(s.sequence, mssIndex(theirs));
  const at = transportHeader(slot);
  const headerLength = <u32>(writeOptions(at + TCP_HEADER, ours) - at);
  const flags: u32 = TcpFlag.syn | TcpFlag.ack;
  const next = s.sequence + 1;
  unqueuedSend(n, slot, s.destinationPort, s.sourcePort, sequence, next, headerLength, flags, WINDOW);
  root().cookieUntil = root().now + LIFE_US;
  count(Counter.tcpCookiesSent);
}

/** Puts what the cookie and the echoed timestamp remember into the segment, as if it were the SYN. */
function recall(index: u32): void {
  const s = segment();
  s.mss = mssStep(index);
  let has: u32 = Has.mss;
  if ((s.has & Has.timestamps) != 0) {
    has |= Has.timestamps;
    const bits = s.timestampEcho;
    if ((bits & SCALE_BITS) != SCALE_NONE) {
      has |= Has.windowScale;
      s.windowScale = min(bits & SCALE_BITS, 14);
    }
    if ((bits & SACK_BIT) != 0) has |= Has.sackPermitted;
  }
  s.has = has;
}

/**
 * The current segment is an ACK for a listener: if it answers a cookie, the connection is made, open at once.
 * False: it doesn't.
 */
export function cookieAccept(listener: Socket): bool {
  const s = segment();
  if (root().cookieUntil <= root().now) return false;
  const index = cookieCheck(s.acknowledgement - 1, s.sequence - 1);
  if (index == Cookie.none) return false;
  if (index == Cookie.later) {
    // Taking it would lose what came before; the peer sends that again.
    drop(DropReason.tcpSynQueue);
    return true;
  }
  const full = acceptQueueFull(listener);
  if (full && synQueueCrowded(listener)) {
    drop(DropReason.tcpBacklogFull);
    return true;
  }
  const has = s.has;
  recall(index);
  s.sequence--;
  const tcb = passiveMake(listener);
  s.sequence++;
  s.has = has;
  if (changetype<usize>(tcb) == 0) return true;
  count(Counter.tcpCookiesAccepted);
  sequenceStart(tcb, s.acknowledgement - 1);
  tcb.sndMax = s.acknowledgement;
  tcb.rcvAdv = tcb.rcvNxt + WINDOW;
  if (full) {
    // The peer is real and believes that it is connected: it waits like a handshake that came too late.
    drop(DropReason.tcpBacklogFull);
    handshakeHold(listener, tcb);
    return true;
  }
  establish(tcb, s);
  tcb.sndWnd = s.window << tcb.sndScale;
  tcb.sndWndMax = tcb.sndWnd;
  acceptQueueJoin(listener, tcb);
  if (s.length != 0 || (s.flags & TcpFlag.fin) != 0) synchronisedInput(tcb);
  return true;
}
