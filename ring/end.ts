import { fullFence, loadAcquire16, storeRelease16 } from "./env";
import {
  FLAG_MASK_INTERRUPT,
  RING_FLAGS,
  RING_HEAD,
  RING_ROOM_WANTED,
  RING_TAIL,
  ringSize,
  SLOTS_MAX,
} from "./layout";

/** What the other end, or who speaks for it, did wrong. */
export enum RingFault {
  none,
  /** An index moved back, or past what it may: the ring is dead. */
  index,
  /** A posted buffer lies outside the region, or is empty: the ring is dead. */
  buffer,
  /** The ring's address, size or cookie is wrong: never attached. */
  header,
  /** A descriptor names another region than the first. */
  region,
  /** A descriptor's offset and length leave the region, or its buffer. */
  bounds,
  /** A frame of no bytes, or of more than its receiver takes. */
  length,
  /** A frame of more slots than CHAIN_MAX, or one that goes on where nothing was published. */
  chain,
}

/** Which of the four ends of a port's two rings it is. */
export enum RingRole {
  /** Client, client-to-server ring. */
  clientTransmit,
  /** Client, server-to-client ring. */
  clientReceive,
  /** Server, client-to-server ring. */
  serverTake,
  /** Server, server-to-client ring. */
  serverPut,
}

/**
 * What one end of a ring remembers, in memory that the other end cannot reach. Indexes are kept as the 16
 * bits that are shared. For every role the end may use the slots from `next` up to `seen`.
 */
@unmanaged
export class RingEnd {
  /** Address of the ring in linear memory. */
  ring: u32;
  slots: u32;
  mask: u32;
  /** Address of the region in linear memory, and its size in bytes. */
  data: u32;
  dataSize: u32;
  /** Client: offset of its first buffer in the region, bytes of a buffer and from one to the next. */
  bufferBase: u32;
  bufferSize: u32;
  bufferStride: u32;
  /** Next slot to use. */
  next: u32;
  /** `next` as the other end was last told. */
  published: u32;
  /** Where the slots that may be used end, as last read. */
  seen: u32;
  /** Addresses of the words that the other end advances and that we advance. */
  peerIndex: u32;
  ownIndex: u32;
  /** What is added to either word: the client's head runs a whole ring ahead of what it has read. */
  peerBias: u32;
  ownBias: u32;
  isClient: u32;
  /** RingFault that made the ring dead, or 0. */
  broken: u32;
  /** RingFault of the last frame or index that broke a rule. */
  lastFault: u32;
  /** The rest of a chain that broke a rule is still to be skipped. */
  skipping: u32;
  /** As consumer: whether the producer waits for room is to be looked at (consumerPublish). */
  roomDue: u32;
  /** Address of `marksSize(slots)` bytes of private memory for serverHold(), or 0. */
  marks: u32;
  /** Frames taken with serverHold() and not yet released. */
  held: u32;
  /** Spans that the last peek listed. */
  spanCount: u32;
  /** Slots of the frame that was taken last. */
  lastSlots: u32;
  /** While a frame is put together: the span that is copied next, and from where in it. */
  cursorSpan: u32;
  cursorOffset: u32;
  /** Frames and bytes that went through. */
  frames: u64;
  bytes: u64;
  /** Frames and indexes that broke a rule. */
  faults: u64;
  /** Frames that found no room. */
  full: u64;
}

/**
 * Describes an end whose ring lies at `ring` in a region of `dataSize` bytes at `data`. False, and the end is
 * dead, when ring or region are impossible. Buffers and marks are 0 until set.
 */
export function ringDescribe(
  end: RingEnd,
  role: RingRole,
  ring: usize,
  slots: u32,
  data: usize,
  dataSize: u32,
): bool {
  memory.fill(changetype<usize>(end), 0, offsetof<RingEnd>());
  const isClient = role == RingRole.clientTransmit || role == RingRole.clientReceive;
  end.ring = <u32>ring;
  end.slots = slots;
  end.mask = slots - 1;
  end.data = <u32>data;
  end.dataSize = dataSize;
  end.isClient = isClient ? 1 : 0;
  end.ownIndex = <u32>(ring + (isClient ? RING_HEAD : RING_TAIL));
  end.peerIndex = <u32>(ring + (isClient ? RING_TAIL : RING_HEAD));
  end.peerBias = role == RingRole.clientTransmit ? slots : 0;
  end.ownBias = role == RingRole.clientReceive ? slots : 0;
  const isPower = slots >= 2 && slots <= SLOTS_MAX && (slots & (slots - 1)) == 0;
  const limit = <u64>data + <u64>dataSize;
  const inside = isPower && ring >= data && <u64>ring + <u64>ringSize(slots) <= limit;
  const isReachable = data != 0 && limit <= 0x1_0000_0000;
  if (!inside || !isReachable || (ring & 15) != 0) ringBreak(end, RingFault.header);
  else ringReset(end);
  return end.broken == 0;
}

/** Private indexes as they are before the first frame. */
export function ringReset(end: RingEnd): void {
  end.next = 0;
  end.published = 0;
  end.seen = end.peerBias;
  end.broken = 0;
  end.skipping = 0;
  end.roomDue = 0;
  end.held = 0;
}

/** The ring is dead: no end of it moves any more. */
export function ringBreak(end: RingEnd, fault: RingFault): void {
  end.broken = fault;
  end.lastFault = fault;
  end.faults += 1;
  end.seen = end.next;
}

/** Reads the other end's index and answers how many slots may be used: 0 when it is impossible. */
export function ringRefresh(end: RingEnd): u32 {
  if (end.broken != 0) return 0;
  const limit = (loadAcquire16(end.peerIndex) + end.peerBias) & 0xffff;
  const known = (end.seen - end.published) & 0xffff;
  const now = (limit - end.published) & 0xffff;
  if (now < known || now > end.slots) {
    ringBreak(end, RingFault.index);
    return 0;
  }
  end.seen = limit;
  return (limit - end.next) & 0xffff;
}

/** Slots that may be used: the other end's index is read again only when there is none left. */
export function ringAvailable(end: RingEnd): u32 {
  const known = (end.seen - end.next) & 0xffff;
  return known != 0 ? known : ringRefresh(end);
}

/** Tells the other end that everything before `index` is its own now. */
export function ringPublish(end: RingEnd, index: u32): void {
  if (index == end.published || end.broken != 0) return;
  end.published = index;
  storeRelease16(end.ownIndex, (index + end.ownBias) & 0xffff);
}

/** As consumer: whether there is something to take. */
export function ringPending(end: RingEnd): bool {
  return ringAvailable(end) != 0;
}

/**
 * As consumer: asks to be kicked. The caller looks at ringPending() once more, then sleeps: either it sees
 * what was published, or the producer sees that it sleeps.
 */
export function ringSleep(end: RingEnd): void {
  if (end.broken != 0) return;
  storeRelease16(<usize>end.ring + RING_FLAGS, 0);
  fullFence();
}

/** As consumer: kicks would be wasted, it looks by itself. */
export function ringAwake(end: RingEnd): void {
  if (end.broken != 0) return;
  storeRelease16(<usize>end.ring + RING_FLAGS, FLAG_MASK_INTERRUPT);
}

/** As producer, after publishing: whether the consumer sleeps. */
export function ringWantsKick(end: RingEnd): bool {
  if (end.broken != 0) return false;
  fullFence();
  return (loadAcquire16(<usize>end.ring + RING_FLAGS) & FLAG_MASK_INTERRUPT) == 0;
}

/** As producer: whether `slots` slots are free now. */
export function ringHasRoom(end: RingEnd, slots: u32): bool {
  return ((end.seen - end.next) & 0xffff) >= slots || ringRefresh(end) >= slots;
}

/**
 * As producer without room: asks to be kicked when there is some. The caller looks at ringHasRoom() once
 * more, then sleeps. Ends that are not Gazelle's never kick for this: have a deadline too.
 */
export function ringAwaitRoom(end: RingEnd): void {
  if (end.broken != 0) return;
  storeRelease16(<usize>end.ring + RING_ROOM_WANTED, 1);
  fullFence();
}

/** As producer that found room, or has given up waiting for it. */
export function ringRoomFound(end: RingEnd): void {
  if (end.broken != 0) return;
  storeRelease16(<usize>end.ring + RING_ROOM_WANTED, 0);
}

/**
 * As consumer, after giving slots back: whether the producer waits for them. Costs a fence once a quarter
 * ring.
 */
export function ringWantsRoomKick(end: RingEnd): bool {
  if (end.roomDue == 0 || end.broken != 0) return false;
  end.roomDue = 0;
  fullFence();
  return loadAcquire16(<usize>end.ring + RING_ROOM_WANTED) != 0;
}
