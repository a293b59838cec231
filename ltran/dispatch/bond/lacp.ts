import { Port, PortFlag, port, RxFrame } from "../../../stack/memory/port";
import { ethernetType } from "../../../stack/wire/ethernet";
import {
  ETHERTYPE_SLOW,
  isLacpdu,
  isMarker,
  LacpState,
  lacpduBelieved,
  lacpduIsFrom,
  lacpduKnows,
  lacpduRecord,
  lacpduState,
  lacpduSystem,
  lacpduWrite,
  markerAnswer,
  SLOW_FRAME,
} from "../../../stack/wire/lacpdu";
import { VIRTIO_NET_HEADER } from "../../../stack/wire/virtio-net";
import { FrameLevel, frameBegin, frameRoom } from "../forward/frame";
import { nicSend } from "../forward/to-nic";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { Bond, bond } from "./bond";
import { LacpMux, LacpReceive, Member, member, spreadAdd } from "./member";

/**
 * Mode 4: the Link Aggregation Control Protocol (IEEE 802.1AX-2014, 6.4) with one aggregator. The machines
 * are run for all ports whenever something happened or is due; each does what its state and the time say.
 */

/** Fast_Periodic_Time, Slow_Periodic_Time, Short_Timeout_Time, Aggregate_Wait_Time (6.4.4), microseconds. */
const FAST: u64 = 1_000_000;
const SLOW: u64 = 30_000_000;
const SHORT_TIMEOUT: u64 = 3_000_000;
const AGGREGATE_WAIT: u64 = 2_000_000;
/** LACPDUs in any Fast_Periodic_Time (6.4.16). */
const SENDS_MOST: u32 = 3;
/** Bits of our state that the partner must know (6.4.9, update_NTT). */
const TOLD: u32 =
  LacpState.activity | LacpState.shortTimeout | LacpState.synchronization | LacpState.aggregation;
const NEVER: u64 = u64.MAX_VALUE;

function has(state: u32, bit: LacpState): bool {
  return (state & bit) != 0;
}

/** The number of our port in LACPDUs: 0 is none. */
function numberOf(p: Port): u32 {
  return p.id + 1;
}

/** Nothing was heard for long, or ever: the partner is asked to speak fast. */
function expire(m: Member): void {
  m.receive = LacpReceive.expired;
  m.partnerState = (m.partnerState & ~LacpState.synchronization) | LacpState.shortTimeout;
  m.actorState |= LacpState.expired;
  m.currentUntil = root().now + SHORT_TIMEOUT;
}

/** There is no partner that speaks LACP. */
function forgetPartner(m: Member, receive: LacpReceive): void {
  m.receive = receive;
  m.partnerSystem = 0;
  m.partnerSystemPriority = 0;
  m.partnerKey = 0;
  m.partnerPortPriority = 0;
  m.partnerPort = 0;
  m.partnerState = LacpState.activity;
  m.actorState = (m.actorState & ~LacpState.expired) | LacpState.defaulted;
  m.currentUntil = NEVER;
}

/** The receive machine (6.4.12), but for what comes in. */
function runReceive(p: Port, m: Member): void {
  if (p.linkUp == 0) {
    if (m.receive != LacpReceive.disabled) forgetPartner(m, LacpReceive.disabled);
    return;
  }
  if (m.receive == LacpReceive.disabled) {
    m.actorState = LacpState.activity | LacpState.shortTimeout | LacpState.aggregation | LacpState.defaulted;
    m.isDue = 1;
    expire(m);
  } else if (root().now >= m.currentUntil) {
    if (m.receive == LacpReceive.current) expire(m);
    else forgetPartner(m, LacpReceive.defaulted);
  }
}

/** Whether a port has a partner with which it can be aggregated. */
function hasPartner(m: Member): bool {
  return (m.receive == LacpReceive.current || m.receive == LacpReceive.expired) && m.partnerSystem != 0;
}

/** Ports that have the same partner as `m`. */
function groupSize(b: Bond, m: Member): u32 {
  let size: u32 = 0;
  for (let nic = b.first; nic < b.first + b.nics; nic++) {
    const other = member(nic);
    const isSame = other.partnerSystem == m.partnerSystem && other.partnerKey == m.partnerKey;
    if (hasPartner(other) && isSame) size++;
  }
  return size;
}

/** Selection (6.4.14): the group in use stays while it has ports; then the largest one is taken. */
function select(b: Bond): void {
  let best = changetype<Member>(0);
  let most: u32 = 0;
  for (let nic = b.first; nic < b.first + b.nics; nic++) {
    const m = member(nic);
    if (!hasPartner(m)) continue;
    const isInUse = m.partnerSystem == b.lacpPartner && m.partnerKey == b.lacpKey;
    const size = isInUse ? u32.MAX_VALUE : groupSize(b, m);
    if (size > most) {
      best = m;
      most = size;
    }
  }
  b.lacpPartner = most == 0 ? 0 : best.partnerSystem;
  b.lacpKey = most == 0 ? 0 : best.partnerKey;
  let isClosed = false;
  for (let nic = b.first; nic < b.first + b.nics; nic++) {
    const m = member(nic);
    const fits = hasPartner(m) && m.partnerSystem == b.lacpPartner && m.partnerKey == b.lacpKey;
    m.isSelected = fits && !isClosed ? 1 : 0;
    // Who cannot be aggregated is alone.
    if (m.isSelected != 0 && !has(m.partnerState, LacpState.aggregation)) isClosed = true;
  }
}

/** What collecting and distributing should be, with independent control (6.4.15). */
function wantedOf(m: Member): u32 {
  const isReady = m.mux == LacpMux.attached && has(m.partnerState, LacpState.synchronization);
  if (!isReady) return 0;
  const hears = has(m.partnerState, LacpState.collecting);
  return hears ? LacpState.collecting | LacpState.distributing : LacpState.collecting;
}

/** The mux machine. */
function runMux(m: Member): void {
  const now = root().now;
  if (m.isSelected == 0) {
    m.mux = LacpMux.detached;
  } else if (m.mux == LacpMux.detached) {
    m.mux = LacpMux.waiting;
    m.waitUntil = now + AGGREGATE_WAIT;
  } else if (m.mux == LacpMux.waiting && now >= m.waitUntil) {
    m.mux = LacpMux.attached;
  }
  const kept = m.actorState & ~(LacpState.synchronization | LacpState.collecting | LacpState.distributing);
  const isAttached = m.mux == LacpMux.attached;
  const state = kept | (isAttached ? LacpState.synchronization : 0) | wantedOf(m);
  if (state != m.actorState) m.isDue = 1;
  m.actorState = state;
}

/** The periodic machine (6.4.13): we are active, the partner says how often. */
function runPeriodic(p: Port, m: Member): void {
  const now = root().now;
  const interval = has(m.partnerState, LacpState.shortTimeout) ? FAST : SLOW;
  if (p.linkUp == 0) {
    m.periodicAt = NEVER;
  } else if (now >= m.periodicAt) {
    m.isDue = 1;
    m.periodicAt = now + interval;
  } else {
    m.periodicAt = min(m.periodicAt, now + interval);
  }
}

/** The transmit machine (6.4.16); answers when it wants to send what it may not send yet. */
function runTransmit(p: Port, m: Member): u64 {
  const now = root().now;
  if (m.isDue == 0 || p.linkUp == 0) return NEVER;
  if (now - m.windowFrom >= FAST) {
    m.windowFrom = now;
    m.sentInWindow = 0;
  }
  if (m.sentInWindow >= SENDS_MOST) return m.windowFrom + FAST;
  m.sentInWindow++;
  m.isDue = 0;
  const f = frameBegin(FrameLevel.own);
  f.head = frameRoom(f);
  f.headLength = SLOW_FRAME;
  f.length = SLOW_FRAME;
  lacpduWrite(f.head, p.mac, p.mac, numberOf(p), m);
  count(Counter.lacpdusOut);
  nicSend(p, f);
  return NEVER;
}

/**
 * Frames are spread over the ports that distribute. Without a partner that speaks LACP the first port with a
 * link is used by itself; with one that is not ready yet, none.
 */
function spread(b: Bond): void {
  const before = b.activeNic;
  let first = u32.MAX_VALUE;
  let isUndecided = b.lacpPartner != 0;
  b.spread = 0;
  for (let nic = b.first; nic < b.first + b.nics; nic++) {
    const m = member(nic);
    if (m.receive == LacpReceive.expired) isUndecided = true;
    if (!has(m.actorState, LacpState.distributing)) continue;
    first = min(first, nic);
    spreadAdd(b, nic);
  }
  b.isSilent = b.spread == 0 && isUndecided ? 1 : 0;
  for (let nic = b.first; nic < b.first + b.nics && first == u32.MAX_VALUE; nic++) {
    if (port(nic).linkUp != 0) first = nic;
  }
  if (first != u32.MAX_VALUE) b.activeNic = first;
  if (b.activeNic != before) count(Counter.switchOvers);
}

/** Runs every machine of every port of a bond; Bond.next is when something is due next. */
export function lacpRun(b: Bond): void {
  for (let nic = b.first; nic < b.first + b.nics; nic++) runReceive(port(nic), member(nic));
  select(b);
  let next = NEVER;
  for (let nic = b.first; nic < b.first + b.nics; nic++) {
    const m = member(nic);
    runMux(m);
    runPeriodic(port(nic), m);
    next = min(next, runTransmit(port(nic), m));
    if (port(nic).linkUp == 0) continue;
    next = min(next, min(m.currentUntil, m.periodicAt));
    if (m.mux == LacpMux.waiting) next = min(next, m.waitUntil);
  }
  spread(b);
  b.next = next;
}

/** A LACPDU for port `p`: record_PDU, update_Selected and update_NTT of 6.4.9. */
function receiveLacpdu(p: Port, m: Member, frame: usize): void {
  // One of our own came back: the link is a loop.
  if (p.linkUp == 0 || lacpduSystem(frame) == p.mac) return;
  count(Counter.lacpdusIn);
  const knows = lacpduKnows(frame, p.mac, numberOf(p));
  const believed = lacpduBelieved(frame);
  if (!lacpduIsFrom(frame, m)) m.mux = LacpMux.detached;
  lacpduRecord(frame, m);
  const agrees = knows && (believed & LacpState.aggregation) == (m.actorState & LacpState.aggregation);
  const isAlone = !has(lacpduState(frame), LacpState.aggregation);
  if (!agrees && !isAlone) m.partnerState &= ~LacpState.synchronization;
  if (!knows || (believed & TOLD) != (m.actorState & TOLD)) m.isDue = 1;
  m.receive = LacpReceive.current;
  m.actorState &= ~(LacpState.expired | LacpState.defaulted);
  m.currentUntil = root().now + SHORT_TIMEOUT;
  lacpRun(bond(m.bond));
}

/** The marker responder (6.5.4.2): what was sent before the marker has arrived. */
function answerMarker(p: Port, frame: usize): void {
  const f = frameBegin(FrameLevel.own);
  f.head = frameRoom(f);
  f.headLength = SLOW_FRAME;
  f.length = SLOW_FRAME;
  memory.copy(f.head, frame, SLOW_FRAME);
  markerAnswer(f.head, p.mac);
  nicSend(p, f);
}

/** Takes what the partner says about the link; false: the frame is another one. */
export function lacpInput(p: Port, rx: RxFrame): bool {
  const skipped = (p.flags & PortFlag.vnetHeader) != 0 ? VIRTIO_NET_HEADER : 0;
  if (rx.length < skipped + 14) return false;
  const frame = <usize>rx.address + <usize>skipped;
  if (ethernetType(frame) != ETHERTYPE_SLOW) return false;
  const length = rx.length - skipped;
  if (isLacpdu(frame, length)) receiveLacpdu(p, member(p.id), frame);
  else if (isMarker(frame, length)) answerMarker(p, frame);
  return true;
}

/** Whether frames that port `p` receives count. */
export function lacpListens(b: Bond, p: Port): bool {
  if (has(member(p.id).actorState, LacpState.collecting)) return true;
  return b.spread == 0 && b.isSilent == 0 && p.id == b.activeNic;
}
