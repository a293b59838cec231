import { ringWantsKick } from "../../../ring/end";
import { serverPut, serverPutPublish } from "../../../ring/server";
import { PortFlag, RxFlag } from "../../../stack/memory/port";
import { storeChecksum } from "../../../stack/wire/checksum";
import { ETHERNET_HEADER } from "../../../stack/wire/ethernet";
import {
  VIRTIO_NET_HEADER,
  virtioNetSetSender,
  virtioNetWriteChecksum,
  virtioNetWritePlain,
  virtioNetWriteValid,
} from "../../../stack/wire/virtio-net";
import { root } from "../memory/root";
import { Counter, count, countVport, VportCounter } from "../stats/counters";
import { DropReason, dropOf } from "../stats/drop";
import { pairIsMade, pairNote } from "../tables/pair";
import { Vport, VportState, vportFaults, vportIsBroken, vportPut } from "../tables/vport";
import { checksumComplete, checksumIsPlaced } from "./checksum";
import { Frame, frameOut, frameOutAdd, frameSpan, frameWork } from "./frame";
import { shareAdd, shareAllows } from "./share";

/** Says which stack of its program a frame is from, if `v` has a ring to that one: it may answer by that. */
function addSender(v: Vport, f: Frame, header: usize): void {
  if (f.source == 0 || f.isSuper != 0) return;
  const from = changetype<Vport>(f.source);
  if (pairIsMade(from.id, v.id)) virtioNetSetSender(header, <u16>(from.stackIndex + 1));
}

/** Lists the virtio-net header: as the NIC gave it, or made from what is known. */
function addVirtio(v: Vport, f: Frame): u32 {
  if (f.virtio != 0) return frameOutAdd(f, 0, f.virtio, VIRTIO_NET_HEADER);
  const header = frameWork(f);
  if (f.isPartial != 0) {
    const start = <u16>f.checksumStart;
    const size = <u16>f.segmentSize;
    const isIpv6 = f.isIpv6 != 0;
    virtioNetWriteChecksum(header, start, <u16>f.checksumOffset, <u16>f.headerLength, size, isIpv6);
  } else if ((f.flags & RxFlag.checksumGood) != 0) {
    virtioNetWriteValid(header);
  } else {
    virtioNetWritePlain(header);
  }
  addSender(v, f, header);
  return frameOutAdd(f, 0, header, VIRTIO_NET_HEADER);
}

/** Lists the head with its checksum completed. */
function addCompleted(f: Frame): u32 {
  const field = f.checksumStart + f.checksumOffset;
  const checksum = frameWork(f);
  storeChecksum(checksum, checksumComplete(f));
  let index = frameOutAdd(f, 0, f.head, field);
  index = frameOutAdd(f, index, checksum, 2);
  return frameOutAdd(f, index, f.head + <usize>field + 2, f.headLength - field - 2);
}

/** Lists the pieces of a frame as `v` takes them; 0, discarded, when it takes no such frame. */
function pieces(v: Vport, f: Frame): u32 {
  let index: u32 = 0;
  if ((v.flags & PortFlag.vnetHeader) != 0) {
    index = addVirtio(v, f);
    index = frameOutAdd(f, index, f.head, f.headLength);
  } else {
    if (f.isSuper != 0 || f.length > v.mtu + ETHERNET_HEADER) {
      dropOf(v, f.isSuper != 0 ? DropReason.superFrame : DropReason.tooLong);
      return 0;
    }
    if (f.isPartial != 0 && !checksumIsPlaced(f)) {
      dropOf(v, DropReason.virtioHeader);
      return 0;
    }
    index = f.isPartial != 0 ? addCompleted(f) : frameOutAdd(f, 0, f.head, f.headLength);
  }
  for (let i: u32 = 0; i < f.spanCount; i++) {
    const span = frameSpan(f, i);
    index = frameOutAdd(f, index, <usize>span.address, span.length);
  }
  return index;
}

/** Remembers that `v` has something to be shown. */
function listPut(v: Vport): void {
  if (v.isPut != 0) return;
  const r = root();
  v.isPut = 1;
  v.putNext = r.putHead;
  r.putHead = changetype<usize>(v);
}

/** Remembers that `v` sleeps, or waits for room, and is to be kicked. */
export function listKick(v: Vport): void {
  if (v.isKick != 0) return;
  const r = root();
  v.isKick = 1;
  v.kickNext = r.kickHead;
  r.kickHead = changetype<usize>(v);
}

/** `v` is closed: its number may be another's before the list is looked at. */
export function unlistKick(v: Vport): void {
  if (v.isKick == 0) return;
  const r = root();
  v.isKick = 0;
  if (r.kickHead == changetype<usize>(v)) {
    r.kickHead = v.kickNext;
    return;
  }
  let at = changetype<Vport>(r.kickHead);
  while (at.kickNext != changetype<usize>(v)) at = changetype<Vport>(at.kickNext);
  at.kickNext = v.kickNext;
}

/** Counts what broke the rules of either ring since the last time. A dead one is told to the daemon. */
export function countFaults(v: Vport): void {
  const faults = vportFaults(v);
  if (faults == 0) return;
  countVport(v, VportCounter.ringFaults, faults);
  v.faultsCounted += faults;
  if (vportIsBroken(v)) root().notice = 1;
}

/** Puts a frame into the ring of `v`, or discards it with a reason. */
export function toVport(v: Vport, f: Frame): void {
  if (v.state != VportState.open) {
    dropOf(v, DropReason.withdrawn);
    return;
  }
  const pieceCount = pieces(v, f);
  if (pieceCount == 0) return;
  if (f.source != 0 && !shareAllows(v, f)) {
    dropOf(v, DropReason.vportShare);
    return;
  }
  const end = vportPut(v);
  const before = end.next;
  const done = serverPut(end, frameOut(f), pieceCount);
  if (done != 1) {
    dropOf(v, done == 0 ? DropReason.vportFull : DropReason.vportBroken);
    countFaults(v);
    return;
  }
  shareAdd(v, f.source, (end.next - before) & 0xffff);
  listPut(v);
  count(Counter.vportFramesOut);
  countVport(v, VportCounter.framesOut, 1);
  countVport(v, VportCounter.bytesOut, f.length);
  if (f.source == 0) return;
  count(Counter.switchedFrames);
  pairNote(changetype<Vport>(f.source), v);
}

/** Shows every vport what was put for it, and lists those that sleep. */
export function publishPut(): void {
  const r = root();
  while (r.putHead != 0) {
    const v = changetype<Vport>(r.putHead);
    r.putHead = v.putNext;
    v.isPut = 0;
    if (v.state != VportState.open) continue;
    const end = vportPut(v);
    serverPutPublish(end);
    if (ringWantsKick(end)) listKick(v);
  }
}
