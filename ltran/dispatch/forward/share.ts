import { RingEnd, ringRefresh } from "../../../ring/end";
import { BUFFER_SIZE } from "../../../stack/memory/map";
import { VPORT_SHARES } from "../memory/map";
import { Vport, vportPut, vportShares } from "../tables/vport";
import { Frame } from "./frame";

/**
 * How much of a ring each of its senders has filled, so that one program of this machine that floods another
 * leaves room for what comes from others and from the NIC. A sender may have twice as many slots as are free
 * (a dynamic threshold: Choudhury and Hahne, 1998): alone it gets two thirds of the ring, two get two fifths
 * each. The NIC, whose traffic is of many senders, may fill the ring.
 *
 * What the client has read is not known by sender: each one's part of what is left is taken to be in
 * proportion, which is right for a queue in the long run.
 */

const FREE_SHARES: u32 = 2;

@unmanaged
class Share {
  /** Slots that it has filled. */
  slots: u32;
}

/** The share of vport number `id`, some of which have it together; number 0 is the NIC's. */
function shareOf(v: Vport, source: usize): Share {
  const index = source == 0 ? 0 : 1 + (changetype<Vport>(source).id % (VPORT_SHARES - 1));
  return changetype<Share>(vportShares(v) + ((<usize>index) << 2));
}

function freeSlots(end: RingEnd): u32 {
  return (end.seen - end.next) & 0xffff;
}

/** Brings the shares down to `filled` slots in all. */
function settle(v: Vport, filled: u32): void {
  const total = v.shareTotal;
  if (total <= filled) return;
  v.shareTotal = 0;
  for (let i: u32 = 0; i < VPORT_SHARES; i++) {
    const share = changetype<Share>(vportShares(v) + ((<usize>i) << 2));
    share.slots = <u32>((<u64>share.slots * filled) / total);
    v.shareTotal += share.slots;
  }
}

/** Whether a frame from another vport may be put into the ring of `v`. */
export function shareAllows(v: Vport, f: Frame): bool {
  const end = vportPut(v);
  const share = shareOf(v, f.source);
  const wanted = (f.length + BUFFER_SIZE - 1) / BUFFER_SIZE;
  if (share.slots + wanted <= FREE_SHARES * freeSlots(end)) return true;
  const free = ringRefresh(end);
  if (end.broken != 0) return true;
  settle(v, end.slots - free);
  // With little in the ring, a frame that needs all of it goes too.
  return share.slots + wanted <= FREE_SHARES * free || share.slots == 0;
}

/** A frame has filled so many slots. */
export function shareAdd(v: Vport, source: usize, slots: u32): void {
  const end = vportPut(v);
  shareOf(v, source).slots += slots;
  v.shareTotal += slots;
  // Without a flood nobody asks: what was read long ago is forgotten here.
  if (v.shareTotal > 2 * end.slots) settle(v, end.slots - min(freeSlots(end), end.slots));
}
