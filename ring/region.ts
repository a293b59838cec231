/**
 * The region that a Gazelle client shares with its server: both rings, then the buffers of both. Everything
 * in it is at an offset that follows from the number of slots and the size of a buffer.
 *
 *   client-to-server ring | server-to-client ring | its buffers | its buffers
 */
import { clientDescribe } from "./client";
import { RingEnd, RingRole, ringDescribe } from "./end";
import { FLAG_MASK_INTERRUPT, RING_COOKIE, RING_FLAGS, RING_TAIL, ringSize } from "./layout";
import { serverAttach } from "./server";

/**
 * Slots of each ring of a Gazelle client, and bytes of each of its buffers. A frame of 64 KB takes 33 slots:
 * sixty peers may send one at the same time before any is taken.
 */
export const REGION_SLOTS: u32 = 2048;
/** Slots of each ring between two programs: who finds it full waits, and nothing is lost. */
export const PEER_SLOTS: u32 = 512;
export const REGION_BUFFER_SIZE: u32 = 2048;
/** From one buffer to the next: an odd number of cache lines, so that they spread over the cache's sets. */
const STRIDE_PADDING: u32 = 64;
const PAGE: u32 = 4096;

/** Bytes from one buffer to the next. */
function strideOf(bufferSize: u32): u32 {
  return bufferSize + STRIDE_PADDING;
}

/** Offset of the first buffer: behind both rings. */
function buffersAt(slots: u32): u32 {
  return (2 * ringSize(slots) + PAGE - 1) & ~(PAGE - 1);
}

/** Offset of the client-to-server ring. */
export function transmitRingAt(): u32 {
  return 0;
}

/** Offset of the server-to-client ring. */
export function receiveRingAt(slots: u32): u32 {
  return ringSize(slots);
}

/** Bytes of a whole region: whole pages. Below 4 GiB for 512 slots of up to 64 KB. */
export function regionSize(slots: u32, bufferSize: u32): u32 {
  return (buffersAt(slots) + 2 * slots * strideOf(bufferSize) + PAGE - 1) & ~(PAGE - 1);
}

/**
 * Client: lays an empty region, zeroed memory of regionSize() bytes at `base`, out and describes its two
 * ends. All receive buffers are posted, both consumers ask not to be kicked until they sleep. False when the
 * numbers are impossible.
 */
export function regionLayOut(
  base: usize,
  slots: u32,
  bufferSize: u32,
  transmit: RingEnd,
  receive: RingEnd,
): bool {
  const size = regionSize(slots, bufferSize);
  const forward = base + transmitRingAt();
  const back = base + receiveRingAt(slots);
  if (!ringDescribe(transmit, RingRole.clientTransmit, forward, slots, base, size)) return false;
  if (!ringDescribe(receive, RingRole.clientReceive, back, slots, base, size)) return false;
  layOutRing(transmit, buffersAt(slots), bufferSize, 0);
  layOutRing(receive, buffersAt(slots) + slots * strideOf(bufferSize), bufferSize, slots);
  return true;
}

/** A ring with its cookie, its descriptors, and `head` buffers posted. */
function layOutRing(end: RingEnd, bufferBase: u32, bufferSize: u32, head: u32): void {
  end.bufferBase = bufferBase;
  end.bufferSize = bufferSize;
  end.bufferStride = strideOf(bufferSize);
  const ring = <usize>end.ring;
  for (let i: u32 = 0; i < end.slots; i++) clientDescribe(end, i, bufferSize, 0);
  store<u16>(ring + RING_TAIL, 0);
  // Cookie, flags and head in one: nobody else looks yet.
  store<u64>(ring, <u64>RING_COOKIE | ((<u64>FLAG_MASK_INTERRUPT) << (8 * RING_FLAGS)) | ((<u64>head) << 48));
}

/**
 * Server: describes its two ends of a Gazelle client's region of `size` bytes mapped at `base`; `marks` as
 * for serverAttach(). False when size, slots and buffers do not fit together or there is no ring.
 */
export function regionAttach(
  base: usize,
  size: u32,
  slots: u32,
  bufferSize: u32,
  take: RingEnd,
  put: RingEnd,
  marks: usize,
): bool {
  if (slots > 0x8000 || bufferSize > 0x10000 || size != regionSize(slots, bufferSize)) return false;
  const forward = base + transmitRingAt();
  const back = base + receiveRingAt(slots);
  return (
    serverAttach(take, RingRole.serverTake, forward, slots, base, size, marks) &&
    serverAttach(put, RingRole.serverPut, back, slots, base, size, 0)
  );
}
