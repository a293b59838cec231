import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../stack/wire/ipv4";
import { TcpFlag } from "../../../stack/wire/tcp";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { DropReason } from "../stats/drop";
import { Address, addressIsIpv6 } from "../tables/address";
import { connectionEnter } from "../tables/connection";
import { FlowState, flowFind } from "../tables/flow";
import { pairIsMade } from "../tables/pair";
import { Vport, VportState, vport } from "../tables/vport";
import { drain } from "./drain";
import { Frame, FrameLevel } from "./frame";
import { isIcmp, isIcmpError } from "./icmp";
import { lastOwner, ownerOf } from "./owner";
import { discard, isLaterFragment } from "./parse";
import { resetReply } from "./reset";
import { toKernel } from "./to-kernel";
import { toVport } from "./to-vport";
import { portUnreachable } from "./unreachable";

/** Whether a frame belongs to a connection, rather than asks for one: a ring may have been its way before. */
function isOfConnection(f: Frame): bool {
  const isRequest = (f.tcpFlags & (TcpFlag.syn | TcpFlag.ack)) == TcpFlag.syn;
  return f.protocol == <u32>PROTOCOL_TCP && !isRequest;
}

/**
 * Whether what is unknown may be something all the same: a vport of the address may still announce what it
 * had before, or has a ring of its own to who sends it.
 */
function isReturning(a: Address, f: Frame): bool {
  const now = root().now;
  if (now < root().graceUntil) return true;
  for (let at = a.vports; at != 0; at = changetype<Vport>(at).addressNext) {
    const v = changetype<Vport>(at);
    if (now < v.returningUntil) return true;
    const mayBeDirect = f.source != 0 && isOfConnection(f);
    if (mayBeDirect && pairIsMade(changetype<Vport>(f.source).id, v.id)) return true;
  }
  return false;
}

/**
 * Whether the kernel gets what no vport wants. It takes nothing from an address that it has itself, and
 * nothing back.
 */
function isForKernel(f: Frame, a: Address): bool {
  if (a.kernel == 0 || f.isKernel != 0) return false;
  return f.source == 0 || changetype<Address>(changetype<Vport>(f.source).address).kernel == 0;
}

/** The program that sent a segment learns that its connection is gone: no segment will show that. */
function forgetSender(f: Frame): void {
  if (f.source == 0) return;
  const a = changetype<Address>(changetype<Vport>(f.source).address);
  const flow = flowFind(
    a,
    <u8>f.protocol,
    f.sourcePort,
    f.destinationHigh,
    f.destinationLow,
    f.destinationPort,
  );
  if (changetype<usize>(flow) != 0) connectionEnter(flow, FlowState.closing);
}

/** A packet that is nobody's among the vports. */
function refuse(f: Frame, a: Address): void {
  if (isForKernel(f, a)) {
    toKernel(f);
  } else if (isLaterFragment(f)) {
    discard(f, DropReason.fragmentUnknown);
  } else if (f.protocol == <u32>PROTOCOL_TCP) {
    resetReply(f);
    forgetSender(f);
    discard(f, DropReason.tcpUnknown);
  } else if (f.protocol == <u32>PROTOCOL_UDP && a.vports != 0) {
    portUnreachable(f);
    discard(f, DropReason.udpUnknown);
  } else {
    discard(f, isIcmp(f) ? DropReason.icmpUnrelated : DropReason.ipNotOurs);
  }
}

/** Whether an announcement can say whose a packet is: what answers the kernel's pings never is a vport's. */
function canBeAnnounced(f: Frame): bool {
  if (isLaterFragment(f)) return false;
  return !isIcmp(f) || isIcmpError(f);
}

/**
 * The vport of an address that nobody else has, if it announces nothing: what is unknown is its own, and no
 * ring could tell of another owner.
 */
function onlySilent(a: Address): Vport {
  const v = changetype<Vport>(a.vports);
  const isIt = a.vportCount == 1 && v.announces == 0;
  return isIt ? v : changetype<Vport>(0);
}

/**
 * Gives an IP packet to its owner among the vports of address `a`. One that is unknown may have been
 * announced in a ring that nobody has looked at yet: those of the address are emptied, then it is looked for
 * again.
 */
export function deliver(f: Frame, a: Address): void {
  let v = ownerOf(f, a);
  let isCertain = true;
  if (changetype<usize>(v) == 0 && canBeAnnounced(f)) v = onlySilent(a);
  if (changetype<usize>(v) == 0 && canBeAnnounced(f)) {
    if (f.level != FrameLevel.outer || !drain(a, f.source)) isCertain = false;
    v = ownerOf(f, a);
    if (changetype<usize>(v) != 0) count(Counter.drainsFound);
    else if (isCertain && isReturning(a, f)) isCertain = false;
    if (changetype<usize>(v) == 0 && isCertain) v = lastOwner(f, a);
  }
  if (changetype<usize>(v) == 0) {
    if (isCertain) refuse(f, a);
    else discard(f, DropReason.undecided);
    return;
  }
  toVport(v, f);
}

/** Whether a frame for a group may concern a vport: it is of its VLAN, and of the IP that it speaks. */
function hears(v: Vport, f: Frame): bool {
  if (v.state != VportState.open || v.network != f.network || changetype<usize>(v) == f.source) return false;
  return addressIsIpv6(changetype<Address>(v.address)) == (f.isIpv6 != 0);
}

/** Gives a frame for a group to every vport that it may concern, but its sender. */
export function deliverAll(f: Frame): void {
  const touched = root().vportsTouched;
  for (let id: u32 = 0; id < touched; id++) {
    const v = vport(id);
    if (hears(v, f)) toVport(v, f);
  }
}

/**
 * Gives a frame to the vports of an address but its sender: to the first one of each process what asks for an
 * answer, to all of them what may be the answer to any.
 */
export function deliverEach(f: Frame, a: Address, isQuestion: bool): void {
  for (let at = a.vports; at != 0; at = changetype<Vport>(at).addressNext) {
    const v = changetype<Vport>(at);
    if (at != f.source && (!isQuestion || v.isFirst != 0)) toVport(v, f);
  }
}
