/**
 * The end that owns the region: it knows where its buffers are and believes nothing that it finds in a
 * descriptor but a length, which it checks.
 */
import { consumeFrame, consumerPublish } from "./consumer";
import { copyBytes } from "./copy";
import { RingEnd, ringAvailable, ringHasRoom, ringPublish, ringRefresh } from "./end";
import { gather, gatherStart, spansLength } from "./gather";
import { CHAIN_MAX, DESCRIPTOR_NEXT, descriptorAt } from "./layout";
import { spanAt } from "./span";

/** Address of the buffer of the slot that index `position` falls into. */
function bufferOf(end: RingEnd, position: u32): usize {
  return <usize>end.data + <usize>bufferOffset(end, position);
}

/** Its offset in the region. */
function bufferOffset(end: RingEnd, position: u32): u32 {
  return end.bufferBase + (position & end.mask) * end.bufferStride;
}

/** Writes the descriptor of slot `position`: `length` bytes of its buffer, in region 0. */
export function clientDescribe(end: RingEnd, position: u32, length: u32, flags: u64): void {
  const descriptor = descriptorAt(end.ring, end.mask, position);
  store<u64>(descriptor, flags | ((<u64>length) << 32));
  store<u64>(descriptor, <u64>bufferOffset(end, position), 8);
}

/**
 * Copies one frame, `spanCount` spans of at most FRAME_MAX bytes together, into as many slots as it takes.
 * False when there is no room, which is counted, or the ring is dead. The server sees it after
 * clientTransmitPublish().
 */
export function clientTransmit(end: RingEnd, spans: usize, spanCount: u32): bool {
  const total = spansLength(spans, spanCount);
  if (total == 0 || total > end.bufferSize) return transmitChain(end, spans, total);
  if (ringAvailable(end) == 0) {
    end.full += 1;
    return false;
  }
  let to = bufferOf(end, end.next);
  for (let i: u32 = 0; i < spanCount; i++) {
    const span = spanAt(spans, i);
    copyBytes(to, <usize>span.address, span.length);
    to += <usize>span.length;
  }
  clientDescribe(end, end.next, total, 0);
  end.next = (end.next + 1) & 0xffff;
  end.frames += 1;
  end.bytes += total;
  return true;
}

/** Slots that `length` bytes take. */
function slotsOf(end: RingEnd, length: u32): u32 {
  return (length + end.bufferSize - 1) / end.bufferSize;
}

/** Whether there is room now for one frame, `spanCount` spans together. */
export function clientHasRoom(end: RingEnd, spans: usize, spanCount: u32): bool {
  return ringHasRoom(end, slotsOf(end, spansLength(spans, spanCount)));
}

/** clientTransmit() for a frame of several slots. */
function transmitChain(end: RingEnd, spans: usize, total: u32): bool {
  const slots = slotsOf(end, total);
  assert(slots != 0 && slots <= CHAIN_MAX);
  if (((end.seen - end.next) & 0xffff) < slots && ringRefresh(end) < slots) {
    end.full += 1;
    return false;
  }
  gatherStart(end);
  let left = total;
  for (let i: u32 = 0; i < slots; i++) {
    const part = min<u32>(left, end.bufferSize);
    gather(end, spans, bufferOf(end, end.next + i), part);
    left -= part;
    clientDescribe(end, end.next + i, part, left != 0 ? DESCRIPTOR_NEXT : 0);
  }
  end.next = (end.next + slots) & 0xffff;
  end.frames += 1;
  end.bytes += total;
  return true;
}

/** Shows the server every frame transmitted since the last time. */
export function clientTransmitPublish(end: RingEnd): void {
  ringPublish(end, end.next);
}

/**
 * Copies the next received frame to `to`, which has room for `limit` bytes. Its length, 0 when there is none,
 * -1 when it broke a rule: counted, and skipped. Its slots are the server's again after clientTakePublish().
 */
export function clientTake(end: RingEnd, to: usize, limit: u32): i32 {
  return consumeFrame(end, to, limit, 0);
}

/** Posts the buffers of what was taken again. */
export function clientTakePublish(end: RingEnd): void {
  if (end.broken != 0) return;
  for (let position = end.published; position != end.next; position = (position + 1) & 0xffff) {
    clientDescribe(end, position, end.bufferSize, 0);
  }
  consumerPublish(end);
}
