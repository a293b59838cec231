import { EADDRINUSE, EINVAL, ENOSPC } from "../../build/generated/system";
import { Introduction } from "../../ring/introduction";
import { PEER_SLOTS, REGION_BUFFER_SIZE, regionAttach, regionLayOut, regionSize } from "../../ring/region";
import { RegistrationKind, registrationBegin, registrationKind } from "../../ring/registration";
import { CALL_OPTION } from "../memory/call";
import { Port, PortFlag, port } from "../memory/port";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { connectionsMove, connectionsReturn } from "../tcp/peer-move";
import { portForget } from "../tcp/port-forget";
import { ipv4Raw, isIpv4, isIpv4Martian } from "../wire/address";
import { isGroupMac } from "../wire/ethernet";
import { addressFind } from "./addresses";
import { neighbourLearn } from "./neighbours";
import { PeerState, peerFind, peerIsAlone } from "./peers";
import { portTake } from "./ports";
import { RingState, receiveEnd, transmitEnd } from "./ring-port";

/**
 * The doors of ports to other programs on this machine. ltran introduces two of its clients to each other
 * (ring/introduction.ts): the first one makes a region and is the ring's client, the second one its server.
 * Neither trusts the other: both ends check what they read, frames are copied out before they are looked at,
 * and are taken only from the peer's address to ours. The messages pass through CALL_OPTION; the shell maps
 * memory and carries descriptors. A port of which the other end is gone is closed, and everything goes
 * through ltran again.
 */

/** Payload of a super-frame: what an IP packet holds. */
const SEGMENTATION_MAX: u32 = 65535;

/** What the shell has to do with a message from ltran. */
export enum IntroductionStep {
  nothing,
  /** Make memory and a pair of sockets, then peerMake(). */
  make,
  /** Map the memory that came along, then peerTake(). */
  take,
  /** Send the answer at CALL_OPTION: no. */
  answer,
  /** Close the port whose number is in the bits from INTRODUCTION_PORT on. */
  close,
}

/** Where the port's number begins in the answer of introductionInput(). */
export const INTRODUCTION_PORT: u32 = 8;

function message(): Introduction {
  return changetype<Introduction>(CALL_OPTION);
}

/** Makes the message at CALL_OPTION an answer of a kind. */
function answer(kind: RegistrationKind): void {
  message().kind = <u16>kind;
}

/** Writes a message about the peer of a port to CALL_OPTION; its bytes. */
function tell(p: Port, kind: RegistrationKind): u32 {
  const size = registrationBegin(CALL_OPTION, kind);
  const about = message();
  about.mac = p.peerMac;
  about.addressHigh = p.peerHigh;
  about.addressLow = p.peerLow;
  about.stackIndex = <u16>p.peerStack;
  about.stackCount = <u16>p.peerStacks;
  return size;
}

/** What is wrong with a peer that is offered, as an errno, or 0. */
function judge(about: Introduction): i32 {
  const isHost = isIpv4(about.addressHigh, about.addressLow) && !isIpv4Martian(ipv4Raw(about.addressLow));
  if (!isHost || about.mac == 0 || about.mac >> 48 != 0 || isGroupMac(about.mac)) return EINVAL;
  if (changetype<usize>(addressFind(about.addressHigh, about.addressLow)) != 0) return EADDRINUSE;
  if (about.stackIndex != 0 && about.stackIndex >= about.stackCount) return EINVAL;
  if (changetype<usize>(peerFind(about.addressHigh, about.addressLow, about.stackIndex)) != 0)
    return EADDRINUSE;
  return root().announcePort == 0 ? EINVAL : 0;
}

/** Bytes of memory that two programs share. */
export function peerRegionSize(): u32 {
  return regionSize(PEER_SLOTS, REGION_BUFFER_SIZE);
}

function hasOurGeometry(about: Introduction): bool {
  return (
    about.slots == PEER_SLOTS &&
    about.bufferSize == REGION_BUFFER_SIZE &&
    about.regionSize == <u64>peerRegionSize()
  );
}

/**
 * Packets to the peer may leave by its port from now on. Connections that exist move there at once when it is
 * certain which they are, otherwise when a segment tells (tcp/peer-path.ts).
 */
function begin(p: Port): void {
  p.peer = PeerState.open;
  root().peers++;
  count(Counter.peersOpened);
  if (peerIsAlone(p)) connectionsMove(p.peerHigh, p.peerLow);
}

/**
 * Takes a message of ltran's of `length` bytes at CALL_OPTION: what the shell has to do, an IntroductionStep.
 * What it does not know is nothing to it.
 */
export function introductionInput(length: u32, now: u64): u32 {
  root().now = now;
  const kind = registrationKind(CALL_OPTION, length);
  if (kind < RegistrationKind.offer || kind > RegistrationKind.withdrawn) return IntroductionStep.nothing;
  const about = message();
  const p = peerFind(about.addressHigh, about.addressLow, about.stackIndex);
  const isKnown = changetype<usize>(p) != 0;
  switch (kind) {
    case RegistrationKind.offer:
    case RegistrationKind.introduction: {
      const isOffer = kind == RegistrationKind.offer;
      if (judge(about) == 0 && (isOffer || hasOurGeometry(about))) {
        return isOffer ? IntroductionStep.make : IntroductionStep.take;
      }
      answer(RegistrationKind.declined);
      return IntroductionStep.answer;
    }
    case RegistrationKind.ready:
      if (isKnown && p.peer == PeerState.offered) begin(p);
      return IntroductionStep.nothing;
    case RegistrationKind.withdrawn:
      if (isKnown) return IntroductionStep.close | (p.id << INTRODUCTION_PORT);
      connectionsReturn(about.addressHigh, about.addressLow);
      return IntroductionStep.nothing;
    default:
      return IntroductionStep.nothing;
  }
}

/** A port to the peer that the message is about, without rings; null (0) when there is none left. */
function openPort(about: Introduction, landing: u32): Port {
  const wire = port(root().announcePort - 1);
  const flags = PortFlag.txChecksum | PortFlag.segmentation;
  const id = portTake(flags, wire.mtu, wire.mac, SEGMENTATION_MAX);
  if (id < 0) return changetype<Port>(0);
  const p = port(id);
  p.landing = landing;
  p.peer = PeerState.offered;
  p.peerMac = about.mac;
  p.peerHigh = about.addressHigh;
  p.peerLow = about.addressLow;
  p.peerStack = about.stackIndex;
  p.peerStacks = about.stackCount;
  return p;
}

/** The port of the message's peer with its ends described, or -errno and the answer that there is none. */
function establish(at: u32, landing: u32, kind: RegistrationKind): i32 {
  const about = message();
  const wrong = judge(about);
  const p = wrong == 0 ? openPort(about, landing) : changetype<Port>(0);
  if (changetype<usize>(p) == 0) {
    answer(RegistrationKind.declined);
    return wrong == 0 ? -ENOSPC : -wrong;
  }
  const isDescribed =
    kind == RegistrationKind.offered
      ? regionLayOut(at, PEER_SLOTS, REGION_BUFFER_SIZE, transmitEnd(p), receiveEnd(p))
      : regionAttach(at, peerRegionSize(), PEER_SLOTS, REGION_BUFFER_SIZE, receiveEnd(p), transmitEnd(p), 0);
  if (!isDescribed) {
    portForget(p);
    answer(RegistrationKind.declined);
    return -EINVAL;
  }
  // Of the other end's buffers we know how large they were said to be.
  transmitEnd(p).bufferSize = REGION_BUFFER_SIZE;
  p.ring = RingState.attached;
  answer(kind);
  return <i32>p.id;
}

/**
 * Lays a ring to the peer that is offered at CALL_OPTION out in the empty region mapped at `at`; `landing` as
 * in ringRegister(). The port's number, with the message to be sent with the descriptors in place; or -errno,
 * with the answer in place.
 */
export function peerMake(at: u32, landing: u32, now: u64): i32 {
  root().now = now;
  const id = establish(at, landing, RegistrationKind.offered);
  if (id < 0) return id;
  const about = message();
  about.slots = PEER_SLOTS;
  about.bufferSize = REGION_BUFFER_SIZE;
  about.regionSize = peerRegionSize();
  return id;
}

/** The same for the peer that is introduced, whose region was mapped at `at`: packets leave by it at once. */
export function peerTake(at: u32, landing: u32, now: u64): i32 {
  root().now = now;
  const id = establish(at, landing, RegistrationKind.attached);
  if (id >= 0) begin(port(id));
  return id;
}

/**
 * Closes port `id`: its other end is gone, or may not be used any more. Connections go through ltran again,
 * and say something at once. The message for ltran is at CALL_OPTION: its bytes, or 0 when it is no such
 * port.
 */
export function peerClose(id: u32, now: u64): u32 {
  const r = root();
  r.now = now;
  const p = port(id);
  if (p.open == 0 || p.peer == PeerState.none) return 0;
  const high = p.peerHigh;
  const low = p.peerLow;
  const size = tell(p, RegistrationKind.declined);
  if (p.peer == PeerState.open) {
    r.peers--;
    count(Counter.peersClosed);
  }
  p.peer = PeerState.none;
  // Who is gone answers no question for its hardware address any more.
  if (r.announcePort != 0) neighbourLearn(port(r.announcePort - 1), high, low, p.peerMac, true);
  portForget(p);
  connectionsReturn(high, low);
  return size;
}

/**
 * Writes what a new ltran is told of port `id` to CALL_OPTION: its bytes, or 0 when there is nothing to say.
 */
export function peerAttached(id: u32): u32 {
  const p = port(id);
  if (p.open == 0 || p.peer != PeerState.open) return 0;
  return tell(p, RegistrationKind.attached);
}
