import { ringWantsRoomKick } from "../../../ring/end";
import { serverHold, serverRelease, serverTakePublish } from "../../../ring/server";
import { txAppend, txComplete, txEthernet, txReserve, txRewind } from "../../../stack/link/transmit";
import { Port, PortFlag, TxFlag, TxSlot, txSlot, txSlotMove } from "../../../stack/memory/port";
import { storeChecksum } from "../../../stack/wire/checksum";
import { ETHERNET_HEADER } from "../../../stack/wire/ethernet";
import { PROTOCOL_UDP } from "../../../stack/wire/ipv4";
import { VLAN_TAG, vlanCopy } from "../../../stack/wire/vlan";
import { albSign } from "../bond/alb";
import { nicFor } from "../bond/choice";
import { BondMode } from "../bond/member";
import { HEAD_MAX } from "../memory/map";
import { root } from "../memory/root";
import { Counter, count, countBy } from "../stats/counters";
import { DropReason, dropOf } from "../stats/drop";
import { countOut } from "../stats/nic";
import { networkVlan } from "../tables/network";
import { Vport, vport, vportTake } from "../tables/vport";
import { checksumComplete } from "./checksum";
import { Frame, frameSpan } from "./frame";
import { discard } from "./parse";
import { listKick } from "./to-vport";

/** The kernel device in the place of a vport's number, which is smaller. */
const KERNEL_HOLDER: u32 = 0xffff;

/** Why the NIC cannot take a frame, or DropReason.count when it can. */
function refusal(p: Port, f: Frame): DropReason {
  if (f.segmentSize != 0) {
    if ((p.flags & PortFlag.segmentation) == 0 || f.headerLength > HEAD_MAX) return DropReason.superFrame;
    return f.length - f.headerLength > p.segmentationMax ? DropReason.tooLong : DropReason.count;
  }
  return f.length > p.mtu + ETHERNET_HEADER ? DropReason.tooLong : DropReason.count;
}

/** What the NIC shall do with the frame, or what is done in its place. */
function setOffloads(p: Port, slot: TxSlot, f: Frame, tag: u32): void {
  if (f.isPartial == 0) return;
  const start = f.checksumStart + tag;
  if ((p.flags & PortFlag.txChecksum) == 0) {
    storeChecksum(txEthernet(slot) + <usize>(start + f.checksumOffset), checksumComplete(f));
    return;
  }
  const datagram = f.protocol == <u32>PROTOCOL_UDP ? <u32>TxFlag.datagram : 0;
  slot.flags = <u16>(TxFlag.checksum | datagram | (f.isIpv6 != 0 ? <u32>TxFlag.ipv6 : 0));
  slot.checksumStart = <u16>start;
  slot.checksumOffset = <u16>f.checksumOffset;
  if (f.segmentSize != 0) {
    slot.flags |= <u16>TxFlag.segment;
    slot.segmentSize = <u16>f.segmentSize;
  }
}

/** Whose memory the spans of a frame lie in, for slotRelease(); 0: nobody waits for it. */
function holder(f: Frame): u32 {
  if (f.isKernel != 0) {
    root().kernelHeld++;
    return KERNEL_HOLDER << 16;
  }
  if (f.source == 0) return 0;
  const v = changetype<Vport>(f.source);
  return ((v.id + 1) << 16) | serverHold(vportTake(v));
}

/**
 * Hands a frame to a port of the shell, or discards it with a reason, `full` when there is no room. Its head
 * is copied: what was checked is what is sent. The rest stays where it is, and in its ring, until
 * outputDone(). Whether it was handed over.
 */
export function toPort(p: Port, f: Frame, full: DropReason): bool {
  const reason = refusal(p, f);
  if (reason != DropReason.count) {
    discard(f, reason);
    return false;
  }
  const slot = txReserve(p);
  if (changetype<usize>(slot) == 0) {
    discard(f, full);
    return false;
  }
  const ethernet = txEthernet(slot);
  const vlan = networkVlan(f.network);
  const tag: u32 = vlan == 0 ? 0 : VLAN_TAG;
  const head = min(f.headLength, HEAD_MAX + VLAN_TAG - tag);
  if (tag == 0) memory.copy(ethernet, f.head, head);
  else vlanCopy(ethernet, f.head, head, vlan);
  if (root().bondMode == BondMode.adaptive) albSign(p, ethernet, f, tag);
  slot.linkLength = <u16>(ETHERNET_HEADER + tag);
  setOffloads(p, slot, f, tag);
  // A port that segments wants the headers by themselves.
  const copied = head + tag;
  const headers = (slot.flags & TxFlag.segment) != 0 ? f.headerLength + tag : copied;
  slot.headerLength = <u16>headers;
  if (copied > headers) txAppend(slot, ethernet + <usize>headers, copied - headers);
  if (f.headLength > head) txAppend(slot, f.head + <usize>head, f.headLength - head);
  for (let i: u32 = 0; i < f.spanCount; i++) {
    const span = frameSpan(f, i);
    txAppend(slot, <usize>span.address, span.length);
  }
  if (f.spanCount > 0) slot.owned = holder(f);
  txComplete(p, slot);
  return true;
}

/** Hands a frame to the NIC that transmits, or discards it with a reason. */
export function toNic(f: Frame): void {
  const p = nicFor(f);
  if (changetype<usize>(p) == 0) discard(f, DropReason.linkDown);
  else nicSend(p, f);
}

/** Hands a frame to a certain NIC, or discards it with a reason. */
export function nicSend(p: Port, f: Frame): void {
  if (!toPort(p, f, DropReason.txRingFull)) return;
  count(Counter.nicFramesOut);
  countBy(Counter.nicBytesOut, f.length);
  countOut(p, f.length);
}

/** Gives what was taken from the ring of `v` back to it; it may wait for that. */
export function giveBack(v: Vport): void {
  const end = vportTake(v);
  serverTakePublish(end);
  if (ringWantsRoomKick(end)) listKick(v);
}

/** Frees what a slot holds in a ring; answers whose it is, or null (0). */
function slotRelease(slot: TxSlot): Vport {
  if (slot.owned == 0) return changetype<Vport>(0);
  if (slot.owned >> 16 == KERNEL_HOLDER) {
    root().kernelHeld--;
    slot.owned = 0;
    return changetype<Vport>(0);
  }
  const v = vport((slot.owned >> 16) - 1);
  serverRelease(vportTake(v), slot.owned & 0xffff);
  slot.owned = 0;
  return v;
}

/** The first `sent` frames of a NIC have left, or are given up for `reason`. More than there are: all. */
export function nicDone(p: Port, sent: u32, reason: DropReason): void {
  let left = min(sent, p.txTail - p.txHead);
  let last = changetype<Vport>(0);
  while (left > 0) {
    const v = slotRelease(txSlot(p, p.txHead));
    if (reason != DropReason.count) dropOf(v, reason);
    if (changetype<usize>(v) != changetype<usize>(last) && changetype<usize>(last) != 0) giveBack(last);
    if (changetype<usize>(v) != 0) last = v;
    p.txHead++;
    left--;
  }
  if (changetype<usize>(last) != 0) giveBack(last);
  txRewind(p);
}

/** Takes every frame of `v` that still lies in its region out of a NIC's ring: the region is going. */
export function nicForget(p: Port, v: Vport): void {
  let kept = p.txHead;
  for (let at = p.txHead; at != p.txTail; at++) {
    const slot = txSlot(p, at);
    if (slot.owned != 0 && (slot.owned >> 16) - 1 == v.id) {
      slotRelease(slot);
      dropOf(v, DropReason.withdrawn);
      continue;
    }
    if (kept != at) txSlotMove(txSlot(p, kept), slot);
    kept++;
  }
  p.txTail = kept;
  txRewind(p);
}
