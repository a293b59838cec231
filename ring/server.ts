/**
 * The end that trusts nothing: whatever stands in the region may change at any time, so that a word is read
 * once, checked, and used as it was read. The region must be mapped as long as the end is used, and unable to
 * shrink (a sealed memfd).
 */
import { consumeFrame, consumerHold, consumerPublish, consumerRelease } from "./consumer";
import {
  RingEnd,
  RingFault,
  RingRole,
  ringAvailable,
  ringBreak,
  ringDescribe,
  ringPublish,
  ringRefresh,
} from "./end";
import { loadOnce64 } from "./env";
import { gather, gatherStart, spansLength } from "./gather";
import { CHAIN_MAX, DESCRIPTOR_NEXT, descriptorAt, RING_COOKIE } from "./layout";

/**
 * Describes a server's end, `role` serverTake or serverPut, of a ring at address `ring` in a region of
 * `dataSize` bytes mapped at `data`. `marks` is the address of marksSize(slots) bytes of private memory,
 * needed for serverHold(), or 0. False when the ring cannot be one.
 */
export function serverAttach(
  end: RingEnd,
  role: RingRole,
  ring: usize,
  slots: u32,
  data: usize,
  dataSize: u32,
  marks: usize,
): bool {
  if (!ringDescribe(end, role, ring, slots, data, dataSize)) return false;
  if (<u32>loadOnce64(ring) != RING_COOKIE) {
    ringBreak(end, RingFault.header);
    return false;
  }
  end.marks = <u32>marks;
  return true;
}

/**
 * Copies the next frame of the client-to-server ring to `to`, which has room for `limit` bytes. Its length, 0
 * when there is none, -1 when it broke a rule: counted, and skipped; it may take several calls to skip all of
 * it.
 */
export function serverTake(end: RingEnd, to: usize, limit: u32): i32 {
  return consumeFrame(end, to, limit, 0);
}

/**
 * As serverTake(), but only the first `headLimit` bytes are copied to `to`; the rest, if any, is listed as
 * end.spanCount spans (at most CHAIN_MAX) at `spans`. They lie inside the region, but their bytes may change
 * at any time: nothing may be decided by them.
 */
export function serverPeek(end: RingEnd, to: usize, headLimit: u32, spans: usize): i32 {
  return consumeFrame(end, to, headLimit, spans);
}

/**
 * The frame that was taken last waits, for the NIC: its slots stay the server's until serverRelease() with
 * the ticket that is answered here, in whatever order frames are released.
 */
export function serverHold(end: RingEnd): u32 {
  return consumerHold(end);
}

/** A held frame has left. The end must not have been attached anew since. */
export function serverRelease(end: RingEnd, ticket: u32): void {
  consumerRelease(end, ticket);
}

/** Gives the slots of all taken frames back to the client, up to the oldest that is held. */
export function serverTakePublish(end: RingEnd): void {
  consumerPublish(end);
}

/** Slots that may be filled when the next one holds `size` bytes and `left` bytes are to be put. */
function roomFor(end: RingEnd, size: u32, left: u32): u32 {
  const known = (end.seen - end.next) & 0xffff;
  // Buffers are of one size as a rule: a frame that cannot fit is not copied in vain.
  return <u64>size * <u64>known >= <u64>left ? known : ringRefresh(end);
}

/**
 * Copies a frame, `spanCount` spans of 1 to FRAME_MAX bytes together, into the buffers that the client
 * posted. 1: done, the client sees it after serverPutPublish(); 0: no room, counted; -1: never, as the ring
 * is dead (end.broken) or its buffers are so small that the frame would need more than CHAIN_MAX.
 */
export function serverPut(end: RingEnd, spans: usize, spanCount: u32): i32 {
  const total = spansLength(spans, spanCount);
  let available = ringAvailable(end);
  let slots: u32 = 0;
  let left = total;
  gatherStart(end);
  // Nothing of it is the client's before it is published: a frame that turns out not to fit leaves only flags
  // of descriptors behind, which the next frame writes again.
  while (left != 0) {
    if (end.broken != 0) return -1;
    if (slots == available) {
      end.full += 1;
      return 0;
    }
    const descriptor = descriptorAt(end.ring, end.mask, end.next + slots);
    const first = loadOnce64(descriptor);
    const offset = loadOnce64(descriptor + 8) & 0xffff_ffff;
    const size = <u32>(first >> 32);
    const isPosted = size != 0 && ((first >> 16) & 0xffff) == 0;
    if (!isPosted || offset + <u64>size > <u64>end.dataSize) {
      ringBreak(end, RingFault.buffer);
      return -1;
    }
    if (slots == 0 && left > size) {
      if (<u64>size * CHAIN_MAX < <u64>left) return putNever(end);
      available = roomFor(end, size, left);
      if (<u64>size * <u64>available < <u64>left) available = 0;
      if (available == 0) continue;
    }
    if (slots == CHAIN_MAX) return putNever(end);
    const part = min<u32>(left, size);
    gather(end, spans, <usize>end.data + <usize>offset, part);
    left -= part;
    store<u64>(descriptor, ((<u64>part) << 32) | (left != 0 ? DESCRIPTOR_NEXT : 0));
    slots += 1;
  }
  end.next = (end.next + slots) & 0xffff;
  end.frames += 1;
  end.bytes += total;
  return 1;
}

/** Counts a frame that the client's buffers can never hold; -1. */
function putNever(end: RingEnd): i32 {
  end.lastFault = RingFault.chain;
  end.faults += 1;
  return -1;
}

/** Shows the client every frame put since the last time. */
export function serverPutPublish(end: RingEnd): void {
  ringPublish(end, end.next);
}
