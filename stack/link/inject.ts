import { Buffer, bufferBase, bufferData, bufferTake, chainFrom, chainGive } from "../memory/buffer";
import { INJECTION } from "../memory/map";
import { Port, PortFlag, port } from "../memory/port";
import { root } from "../memory/root";
import { Setting, setting } from "../memory/settings";
import { randomBelow } from "../random/random";
import { DropReason, drop } from "../stats/drop";
import { aboutFrame } from "../stats/subject";
import { VIRTIO_NET_HEADER } from "../wire/virtio-net";
import { linkDeliver } from "./input";

/**
 * Faults on purpose: received frames are lost, doubled, delayed or overtaken as by a bad wire, to try out
 * what an application makes of it. The control socket sets what and how much (memory/settings.ts).
 */

/** The bits of Setting.injecting. */
const LOSS: u64 = 1;
const DUPLICATE: u64 = 2;
const REORDER: u64 = 4;
const DELAY: u64 = 8;

/** Rates are parts of this. */
const RATE_ONE: u32 = 1_000_000;
/** Most copies of one frame. */
const COPIES_MOST: u32 = 16;
/** Most frames that are held back at a time; with more they pass. */
const HELD_MOST: u32 = 256;
/** Longest delay in microseconds. */
const DELAY_MOST: u32 = 10_000_000;
/** A frame that nothing overtakes is held back so long. */
const OVERTAKEN_US: u64 = 10_000;

/** What is under way. */
@unmanaged
class Injection {
  /**
   * Frames that are held back, the oldest first, linked by chainNext: each a buffer with a Held in it, and
   * the frame behind.
   */
  head: usize;
  tail: usize;
  held: u32;
  /** Frames of this row that are still to be lost. */
  losing: u32;
}

/** A frame that is held back. */
@unmanaged
class Held {
  due: u64;
  portId: u32;
  length: u32;
  wireLength: u32;
  flags: u32;
  /** Frames that are still to overtake it; 0: only time counts. */
  ahead: u32;
}

function injection(): Injection {
  return changetype<Injection>(INJECTION);
}

function heldOf(at: usize): Held {
  return changetype<Held>(bufferBase(changetype<Buffer>(at)));
}

function amountOf(index: Setting): u32 {
  return <u32>setting(index);
}

function countOf(index: Setting, most: u32): u32 {
  return min(max(<u32>(setting(index) >> 32), 1), most);
}

function happens(wanted: u64, fault: u64, index: Setting): bool {
  return (wanted & fault) != 0 && randomBelow(RATE_ONE) < amountOf(index);
}

/** Whether this frame is lost: the first of a row by chance, then the rest of the row. */
function isLost(wanted: u64): bool {
  const state = injection();
  if ((wanted & LOSS) == 0) return false;
  if (state.losing != 0) {
    state.losing--;
    return true;
  }
  if (!happens(wanted, LOSS, Setting.injectLoss)) return false;
  state.losing = countOf(Setting.injectLoss, RATE_ONE) - 1;
  return true;
}

/** Keeps a copy of a frame for later; false when there is no room. */
function hold(p: Port, address: usize, length: u32, wireLength: u32, flags: u32, due: u64, ahead: u32): bool {
  const state = injection();
  // Another stack of the process may want the frame, and gets it in this call only.
  if (state.held >= HELD_MOST || root().stackCount > 1) return false;
  const head = bufferTake();
  if (changetype<usize>(head) == 0) return false;
  head.next = chainFrom(address, length);
  if (head.next == 0) {
    chainGive(changetype<usize>(head));
    return false;
  }
  if (state.tail == 0) state.head = changetype<usize>(head);
  else changetype<Buffer>(state.tail).chainNext = changetype<usize>(head);
  state.tail = changetype<usize>(head);
  state.held++;
  const h = heldOf(state.tail);
  h.due = due;
  h.portId = p.id;
  h.length = length;
  h.wireLength = wireLength;
  h.flags = flags;
  h.ahead = ahead;
  return true;
}

/** Hands a frame that was held back over; takes its buffers. */
function letGo(at: usize): void {
  const h = heldOf(at);
  const p = port(h.portId);
  const length = h.length;
  const wireLength = h.wireLength;
  const flags = h.flags;
  let to = root().injected;
  for (let part = changetype<Buffer>(at).next; part != 0; part = changetype<Buffer>(part).next) {
    const buffer = changetype<Buffer>(part);
    memory.copy(to, bufferData(buffer), buffer.length);
    to += <usize>buffer.length;
  }
  chainGive(at);
  if (p.open == 0) drop(DropReason.portClosed);
  else linkDeliver(p, root().injected, length, wireLength, flags);
}

/** Hands over what is due; `passed` frames have overtaken the others. */
function release(passed: u32): void {
  const state = injection();
  const now = root().now;
  const isOff = setting(Setting.injecting) == 0;
  let at = state.head;
  state.head = 0;
  state.tail = 0;
  while (at != 0) {
    const buffer = changetype<Buffer>(at);
    const h = heldOf(at);
    const next = buffer.chainNext;
    const isOvertaken = h.ahead != 0 && h.ahead <= passed;
    if (isOff || h.due <= now || isOvertaken) {
      state.held--;
      letGo(at);
    } else {
      h.ahead -= min(h.ahead, passed);
      if (state.tail == 0) state.head = at;
      else changetype<Buffer>(state.tail).chainNext = at;
      buffer.chainNext = 0;
      state.tail = at;
    }
    at = next;
  }
}

/** Whether received frames are to be treated badly: the only question while nothing is injected. */
export function injects(): bool {
  return setting(Setting.injecting) != 0;
}

/** When frames that are held back are due; u64.MAX_VALUE for never. */
export function injectDeadline(): u64 {
  let next = u64.MAX_VALUE;
  for (let at = injection().head; at != 0; at = changetype<Buffer>(at).chainNext) {
    next = min(next, heldOf(at).due);
  }
  return next;
}

/** Hands over frames that were held back for long enough. */
export function injectRun(): void {
  if (injection().head == 0) return;
  release(0);
  aboutFrame(0, 0);
}

/** When a frame leaves again that is delayed. */
function delayUntil(): u64 {
  const time = <i64>min(amountOf(Setting.injectDelay), DELAY_MOST);
  const range = min(<u32>(setting(Setting.injectDelay) >> 32), DELAY_MOST);
  const varied = time + <i64>randomBelow(2 * range + 1) - <i64>range;
  return root().now + <u64>max(varied, 0);
}

/** linkInput() while faults are wanted. */
export function injectInput(p: Port, address: usize, length: u32, wireLength: u32, flags: u32): void {
  const wanted = setting(Setting.injecting);
  if (isLost(wanted)) {
    const hasHeader = (p.flags & PortFlag.vnetHeader) != 0 && length >= VIRTIO_NET_HEADER;
    const header = hasHeader ? VIRTIO_NET_HEADER : 0;
    aboutFrame(address + <usize>header, length - header);
    drop(DropReason.injected);
    return;
  }
  let copies: u32 = 1;
  if (happens(wanted, DUPLICATE, Setting.injectDuplicate)) {
    copies += countOf(Setting.injectDuplicate, COPIES_MOST);
  }
  const isReordered = happens(wanted, REORDER, Setting.injectReorder);
  const ahead = countOf(Setting.injectReorder, HELD_MOST);
  let passed: u32 = 0;
  for (let i: u32 = 0; i < copies; i++) {
    const isDelayed = (wanted & DELAY) != 0;
    const due = isDelayed ? delayUntil() : root().now + OVERTAKEN_US;
    const waits = isDelayed || isReordered;
    if (waits && hold(p, address, length, wireLength, flags, due, isDelayed ? 0 : ahead)) continue;
    linkDeliver(p, address, length, wireLength, flags);
    passed++;
  }
  if (injection().head != 0) release(passed);
}
