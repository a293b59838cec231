import { EADDRNOTAVAIL, ECONNREFUSED, EPROTO } from "../../build/generated/system";
import { clientHasRoom, clientTake, clientTakePublish, clientTransmit } from "../../ring/client";
import {
  RingEnd,
  RingFault,
  ringAvailable,
  ringAwaitRoom,
  ringAwake,
  ringBreak,
  ringPublish,
  ringRoomFound,
  ringSleep,
  ringWantsKick,
  ringWantsRoomKick,
} from "../../ring/end";
import { loadAcquire16 } from "../../ring/env";
import { FRAME_MAX } from "../../ring/layout";
import { REGION_BUFFER_SIZE, REGION_SLOTS, regionLayOut, regionSize } from "../../ring/region";
import {
  Register,
  RegistrationFeature,
  RegistrationKind,
  registrationBegin,
  registrationKind,
  Welcome,
} from "../../ring/registration";
import { serverPut, serverTake, serverTakePublish } from "../../ring/server";
import { CALL_OPTION, callEndpoint } from "../memory/call";
import {
  PORT_RING_RECEIVE,
  PORT_RING_TRANSMIT,
  Port,
  port,
  TX_SLOT_SPANS,
  TxSlot,
  txSlot,
} from "../memory/port";
import { root } from "../memory/root";
import { Counter, countBy } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { aboutFrame } from "../stats/subject";
import { linkChanged } from "./addresses";
import { announceBegin, announceEnd } from "./announce";
import { linkInput } from "./input";
import { peerInput } from "./peer-input";
import { txDone } from "./transmit";

/**
 * The doors of a ring port: a shared-memory ring to ltran, which this stack owns as client (ring/), or to
 * another program (peer-port.ts), as client or as server. The shell
 * maps memory and moves descriptors; what is said over the registration socket passes through CALL_OPTION.
 * Behind the region in the window lie the ring's region, then the landing area of RING_LANDING_SIZE bytes,
 * which nobody else can reach: received frames are copied there before anything of them is looked at.
 */

/** Bytes of the landing area. */
export const RING_LANDING_SIZE: u32 = (FRAME_MAX + 4095) & ~4095;

/** Bytes of an IPv4 packet: what any link carries (RFC 791), and the longest, which a ring carries, too. */
const MTU_LEAST: u32 = 68;
const PACKET_MOST: u32 = 65535;

/** What a ring port is. */
export enum RingState {
  /** Not a ring port. */
  none,
  /** There is no ltran: what is sent is lost, as on a cable that is not plugged in. */
  detached,
  attached,
}

/** What is remembered of the ring by which a ring port sends. */
export function transmitEnd(p: Port): RingEnd {
  return changetype<RingEnd>(changetype<usize>(p) + PORT_RING_TRANSMIT);
}

/** What is remembered of the ring by which a ring port receives. */
export function receiveEnd(p: Port): RingEnd {
  return changetype<RingEnd>(changetype<usize>(p) + PORT_RING_RECEIVE);
}

/** Bytes of memory that the shell shares with ltran. */
export function ringRegionSize(): u32 {
  return regionSize(REGION_SLOTS, REGION_BUFFER_SIZE);
}

/**
 * Lays out the empty region mapped at `at`, with the landing area at `landing`, for port `id`, and writes the
 * request for registration to CALL_OPTION; the shell adds the program's name (REGISTER_NAME). The stack's
 * address is in the call area's endpoint. `key` is the same for all stacks of a process, `mac` the hardware
 * address that is wanted or 0. Answers the bytes of the request.
 */
export function ringRegister(
  id: u32,
  at: u32,
  landing: u32,
  prefixLength: u32,
  pid: u32,
  stackIndex: u32,
  stackCount: u32,
  mac: u64,
  key: u64,
  vlan: u32,
): u32 {
  const p = port(id);
  p.ring = RingState.detached;
  p.landing = landing;
  regionLayOut(at, REGION_SLOTS, REGION_BUFFER_SIZE, transmitEnd(p), receiveEnd(p));
  const size = registrationBegin(CALL_OPTION, RegistrationKind.register);
  const register = changetype<Register>(CALL_OPTION);
  const endpoint = callEndpoint();
  register.pid = pid;
  register.stackIndex = <u16>stackIndex;
  register.stackCount = <u16>stackCount;
  register.slots = REGION_SLOTS;
  register.bufferSize = REGION_BUFFER_SIZE;
  register.features =
    RegistrationFeature.vnetHeader | RegistrationFeature.announces | RegistrationFeature.directRings;
  register.regionSize = ringRegionSize();
  register.mac = mac;
  register.addressHigh = endpoint.high;
  register.addressLow = endpoint.low;
  register.processKey = key;
  register.prefixLength = prefixLength;
  register.vlan = <u16>vlan;
  return size;
}

/**
 * Takes ltran's answer of `length` bytes at CALL_OPTION. 0: the port is open, and ltran is told of everything
 * there is. -ECONNREFUSED: refused, the reason is the text at CALL_OPTION + REFUSAL_TEXT, zero at its end;
 * -EADDRNOTAVAIL: ltran's hardware address is another than `mac`, unless that is 0; -EPROTO: no answer of
 * this version. `mtu` is the largest IP packet that is wanted, or 0.
 */
export function ringWelcome(id: u32, length: u32, mac: u64, mtu: u32, now: u64): i32 {
  root().now = now;
  const p = port(id);
  const kind = registrationKind(CALL_OPTION, length);
  if (kind == RegistrationKind.refusal) return -ECONNREFUSED;
  if (kind != RegistrationKind.welcome || p.ring != RingState.detached) return -EPROTO;
  const welcome = changetype<Welcome>(CALL_OPTION);
  if (mac != 0 && welcome.mac != mac) return -EADDRNOTAVAIL;
  if (welcome.mtu < MTU_LEAST) return -EPROTO;
  p.flags = welcome.portFlags;
  p.mac = welcome.mac;
  p.mtu = min(mtu != 0 ? min(mtu, welcome.mtu) : welcome.mtu, PACKET_MOST);
  p.segmentationMax = min(welcome.segmentationMax, PACKET_MOST);
  p.ring = RingState.attached;
  announceBegin(id);
  linkChanged(p, true);
  return 0;
}

/** Drops the frames that wait to be sent; answers how many. */
function dropWaiting(p: Port): u32 {
  const waiting = p.txTail - p.txHead;
  for (let i: u32 = 0; i < waiting; i++) drop(DropReason.ringDetached);
  return waiting;
}

/**
 * ltran is gone: the link is down until ringWelcome(). What waits to be sent, announcements above all, was
 * meant for that ltran.
 */
export function ringDetach(id: u32, now: u64): void {
  root().now = now;
  const p = port(id);
  if (p.ring != RingState.attached) return;
  p.ring = RingState.detached;
  txDone(p, dropWaiting(p));
  announceEnd();
  linkChanged(p, false);
}

/** Whether frames wait. Changes nothing, so that it may be called without the lock. */
export function ringPending(id: u32): u32 {
  const p = port(id);
  const end = receiveEnd(p);
  if (p.ring != RingState.attached || end.broken != 0) return 0;
  return ((loadAcquire16(end.peerIndex) + end.peerBias) & 0xffff) != end.next ? 1 : 0;
}

/**
 * Before the shell sleeps: asks ltran for a kick when frames come and, if some wait for room, when there is
 * room. 1: do not sleep.
 */
export function ringArm(id: u32): u32 {
  const p = port(id);
  if (p.ring != RingState.attached) return 0;
  ringSleep(receiveEnd(p));
  if (p.txTail != p.txHead) {
    ringAwaitRoom(transmitEnd(p));
    // Room for less than the next frame is none: a super-frame takes up to 33 slots.
    const slot = txSlot(p, p.txHead);
    if (clientHasRoom(transmitEnd(p), spansOf(slot), slot.spanCount)) return 1;
  }
  return ringAvailable(receiveEnd(p)) != 0 ? 1 : 0;
}

/** The shell looks by itself again. */
export function ringDisarm(id: u32): void {
  const p = port(id);
  if (p.ring != RingState.attached) return;
  ringAwake(receiveEnd(p));
  ringRoomFound(transmitEnd(p));
}

/** What the shell has to do: ringDue(). */
export enum RingDue {
  nothing,
  /** ltran sleeps: kick it. */
  kick,
  /** A ring broke its rules and nothing moves any more: end the registration. */
  end,
}

/** What is due, a RingDue, after frames were received or, with `sent`, transmitted. */
export function ringDue(id: u32, sent: u32): u32 {
  const p = port(id);
  if (p.ring != RingState.attached) return RingDue.nothing;
  const transmit = transmitEnd(p);
  const receive = receiveEnd(p);
  if ((transmit.broken | receive.broken) != 0) return RingDue.end;
  if (sent != 0 && ringWantsKick(transmit)) return RingDue.kick;
  return ringWantsRoomKick(receive) ? RingDue.kick : RingDue.nothing;
}

function spansOf(slot: TxSlot): usize {
  return changetype<usize>(slot) + TX_SLOT_SPANS;
}

/** Puts a frame into the ring; false when there is no room, or the ring is dead. */
function put(end: RingEnd, slot: TxSlot): bool {
  const spans = spansOf(slot);
  if (end.isClient != 0) return clientTransmit(end, spans, slot.spanCount);
  const done = serverPut(end, spans, slot.spanCount);
  if (done > 0) return true;
  if (done == 0) {
    // With room for it there is none: its buffers are not what they were said to be.
    if (clientHasRoom(end, spans, slot.spanCount)) ringBreak(end, RingFault.buffer);
    return false;
  }
  if (end.broken != 0) return false;
  // Its buffers are too small for this frame, and that it is we who wait for room changes nothing.
  drop(DropReason.ringFault);
  return true;
}

/**
 * Moves frames of the port's transmit ring into the ring to the other end; answers how many are done with.
 */
export function ringTransmit(id: u32): u32 {
  const p = port(id);
  if (p.ring != RingState.attached) return dropWaiting(p);
  const waiting = p.txTail - p.txHead;
  const end = transmitEnd(p);
  let done: u32 = 0;
  while (done < waiting && put(end, txSlot(p, p.txHead + done))) done++;
  ringPublish(end, end.next);
  if (p.peer != 0) countBy(Counter.peerFramesOut, done);
  return done;
}

/** Takes in up to `most` frames that wait in a ring port's ring. */
export function ringReceive(p: Port, most: u32): void {
  if (p.ring != RingState.attached) return;
  const end = receiveEnd(p);
  for (let i: u32 = 0; i < most; i++) {
    const length =
      end.isClient != 0
        ? clientTake(end, p.landing, RING_LANDING_SIZE)
        : serverTake(end, p.landing, RING_LANDING_SIZE);
    if (length == 0) break;
    aboutFrame(0, 0);
    if (length < 0) drop(DropReason.ringFault);
    else if (p.peer != 0) peerInput(p, p.landing, length);
    else linkInput(p, p.landing, length, length, 0);
  }
  if (end.isClient != 0) clientTakePublish(end);
  else serverTakePublish(end);
}
