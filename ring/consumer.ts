/** Taking frames out of a ring: the same for both ends, except for where a slot's bytes lie. */
import { copyBytes } from "./copy";
import { RingEnd, RingFault, ringAvailable, ringPublish, ringRefresh } from "./end";
import { loadOnce64 } from "./env";
import { CHAIN_MAX, DESCRIPTOR_NEXT, descriptorAt, FRAME_MAX } from "./layout";
import { spanAt } from "./span";

/** In a mark: the frame that starts in this slot is held. Below it the number of the frame's slots. */
const MARK_HELD: u32 = 0x8000;

/** Bytes of private memory that an end needs to hold frames. */
export function marksSize(slots: u32): u32 {
  return slots * 2;
}

/** Address of the mark of the slot that index `position` falls into. */
function markOf(end: RingEnd, position: u32): usize {
  return <usize>end.marks + <usize>(position & end.mask) * 2;
}

/**
 * Address of the bytes of slot `position`, whose descriptor's first word is `first`; 0 when the descriptor
 * breaks a rule. A client knows its own buffers and believes no offset.
 */
function slotBytes(end: RingEnd, position: u32, descriptor: usize, first: u64): usize {
  const length = <u32>(first >> 32);
  if (end.isClient != 0) {
    if (length <= end.bufferSize) {
      return <usize>end.data + <usize>end.bufferBase + <usize>(position & end.mask) * <usize>end.bufferStride;
    }
    end.lastFault = RingFault.bounds;
    return 0;
  }
  if (((first >> 16) & 0xffff) != 0) {
    end.lastFault = RingFault.region;
    return 0;
  }
  const offset = loadOnce64(descriptor + 8) & 0xffff_ffff;
  if (offset + <u64>length > <u64>end.dataSize) {
    end.lastFault = RingFault.bounds;
    return 0;
  }
  return <usize>end.data + <usize>offset;
}

/** The frame of `slots` slots at `next` was taken, or skipped. */
function consume(end: RingEnd, slots: u32): void {
  if (end.marks != 0) store<u16>(markOf(end, end.next), <u16>slots);
  end.lastSlots = slots;
  end.next = (end.next + slots) & 0xffff;
}

/** Counts a frame that broke a rule, of which `slots` slots were looked at; -1. */
function refuse(end: RingEnd, slots: u32, goesOn: bool): i32 {
  end.faults += 1;
  end.skipping = goesOn ? 1 : 0;
  consume(end, slots);
  return -1;
}

/** Goes on skipping a broken chain, at most CHAIN_MAX slots a call; -1. */
function skip(end: RingEnd, available: u32): i32 {
  const limit = min<u32>(available, CHAIN_MAX);
  let slots: u32 = 0;
  while (slots < limit && end.skipping != 0) {
    const first = loadOnce64(descriptorAt(end.ring, end.mask, end.next + slots));
    if ((first & DESCRIPTOR_NEXT) == 0) end.skipping = 0;
    slots += 1;
  }
  consume(end, slots);
  return -1;
}

/**
 * Takes the next frame: its first `headLimit` bytes are copied to `to`, the rest is listed as at most
 * CHAIN_MAX `spans` (end.spanCount), or, when `spans` is 0, must not be. The frame's length, 0 when there is
 * none, -1 when it broke a rule, which was counted, and skipped.
 */
export function consumeFrame(end: RingEnd, to: usize, headLimit: u32, spans: usize): i32 {
  const available = ringAvailable(end);
  if (available == 0) return 0;
  if (end.skipping != 0) return skip(end, available);
  const descriptor = descriptorAt(end.ring, end.mask, end.next);
  const first = loadOnce64(descriptor);
  const length = <u32>(first >> 32);
  if ((first & DESCRIPTOR_NEXT) != 0 || length > headLimit) {
    return consumeChain(end, available, first, to, headLimit, spans);
  }
  const bytes = slotBytes(end, end.next, descriptor, first);
  if (bytes == 0) return refuse(end, 1, false);
  if (length == 0) {
    end.lastFault = RingFault.length;
    return refuse(end, 1, false);
  }
  copyBytes(to, bytes, length);
  end.spanCount = 0;
  end.frames += 1;
  end.bytes += length;
  consume(end, 1);
  return <i32>length;
}

/** consumeFrame() for frames of several slots, and for those that are not copied whole. */
function consumeChain(end: RingEnd, known: u32, begin: u64, to: usize, headLimit: u32, spans: usize): i32 {
  let available = known;
  let first = begin;
  let total: u32 = 0;
  let slots: u32 = 0;
  end.spanCount = 0;
  while (true) {
    const position = end.next + slots;
    const descriptor = descriptorAt(end.ring, end.mask, position);
    const length = <u32>(first >> 32);
    const goesOn = (first & DESCRIPTOR_NEXT) != 0;
    const bytes = slotBytes(end, position, descriptor, first);
    slots += 1;
    if (bytes == 0) return refuse(end, slots, goesOn);
    const copied = min<u32>(length, headLimit > total ? headLimit - total : 0);
    // FRAME_MAX is checked at each slot, so that the sum cannot wrap.
    if (length > FRAME_MAX - total || (spans == 0 && copied < length)) {
      end.lastFault = RingFault.length;
      return refuse(end, slots, goesOn);
    }
    copyBytes(to + <usize>total, bytes, copied);
    if (copied < length) {
      const span = spanAt(spans, end.spanCount);
      span.address = <u32>bytes + copied;
      span.length = length - copied;
      end.spanCount += 1;
    }
    total += length;
    if (!goesOn) break;
    if (slots == available) available = ringRefresh(end);
    if (end.broken != 0) return -1;
    if (slots == available || slots == CHAIN_MAX) {
      end.lastFault = RingFault.chain;
      return refuse(end, slots, true);
    }
    first = loadOnce64(descriptorAt(end.ring, end.mask, end.next + slots));
  }
  if (total == 0) {
    end.lastFault = RingFault.length;
    return refuse(end, slots, false);
  }
  end.frames += 1;
  end.bytes += total;
  consume(end, slots);
  return <i32>total;
}

/** The frame taken last stays where it is until consumerRelease(ticket). */
export function consumerHold(end: RingEnd): u32 {
  assert(end.marks != 0);
  const ticket = (end.next - end.lastSlots) & 0xffff;
  store<u16>(markOf(end, ticket), <u16>(end.lastSlots | MARK_HELD));
  end.held += 1;
  return ticket;
}

/** A held frame is done with; in any order. */
export function consumerRelease(end: RingEnd, ticket: u32): void {
  const mark = <u32>load<u16>(markOf(end, ticket));
  assert((mark & MARK_HELD) != 0);
  store<u16>(markOf(end, ticket), <u16>(mark & ~MARK_HELD));
  end.held -= 1;
}

/** Where the slots end that may be given back: at the oldest held frame. */
function consumed(end: RingEnd): u32 {
  if (end.held == 0) return end.next;
  let position = end.published;
  while (position != end.next) {
    const mark = <u32>load<u16>(markOf(end, position));
    if ((mark & MARK_HELD) != 0) break;
    assert(mark != 0);
    position = (position + mark) & 0xffff;
  }
  return position;
}

/**
 * Gives back the slots of the frames that were taken. A producer that waits for room left less than CHAIN_MAX
 * slots free, so that what it waits for crosses a quarter of the ring: only there is a look, with its fence,
 * due.
 */
export function consumerPublish(end: RingEnd): void {
  const index = consumed(end);
  const quarter = end.slots < 64 ? 1 : end.slots >> 2;
  if (((index ^ end.published) & ~(quarter - 1)) != 0) end.roomDue = 1;
  ringPublish(end, index);
}
