import { txAppend, txRelease } from "../link/transmit";
import { Buffer, bufferData, bufferRoom, bufferTake, chainGive } from "../memory/buffer";
import { call, callSpan } from "../memory/call";
import { CALL_SPANS, TX_SPANS } from "../memory/map";
import { TxSlot } from "../memory/port";
import { Counter, count } from "../stats/counters";
import { after, before, beforeOrAt } from "./sequence";
import { Tcb } from "./tcb";

/**
 * The bytes from sndUna on, in a chain of buffers, each with the sequence number of its first byte. Segments
 * refer to them; two cursors keep output and recovery from walking the chain from its head.
 */

function planned(index: u32, address: usize, length: u32): void {
  const span = callSpan(index);
  span.address = <u32>address;
  span.length = length;
}

/** Fills the call's spans with room for up to `length` bytes: of the last buffer first, then of new ones. */
export function sendQueuePlan(tcb: Tcb, length: u32): u32 {
  let spans: u32 = 0;
  let done: u32 = 0;
  if (tcb.sendTail != 0) {
    const tail = changetype<Buffer>(tcb.sendTail);
    const room = min(bufferRoom(tail), length);
    if (room != 0) {
      planned(spans++, bufferData(tail) + tail.length, room);
      done = room;
    }
  }
  // A plan that was never committed: its caller gave up.
  chainGive(tcb.planHead);
  tcb.planHead = 0;
  let last: usize = 0;
  while (done < length && spans < CALL_SPANS) {
    const buffer = bufferTake();
    if (changetype<usize>(buffer) == 0) break;
    if (last == 0) tcb.planHead = changetype<usize>(buffer);
    else changetype<Buffer>(last).next = changetype<usize>(buffer);
    last = changetype<usize>(buffer);
    const room = min(bufferRoom(buffer), length - done);
    planned(spans++, bufferData(buffer), room);
    done += room;
  }
  call().spanCount = spans;
  return done;
}

/** Appends the first `length` bytes of the plan to the stream and gives the buffers it did not need back. */
export function sendQueueCommit(tcb: Tcb, length: u32): void {
  let left = length;
  if (tcb.sendTail != 0 && left != 0) {
    const tail = changetype<Buffer>(tcb.sendTail);
    const part = min(bufferRoom(tail), left);
    if (part != 0) count(Counter.socketWritesMerged);
    tail.length += <u16>part;
    left -= part;
    tcb.sndEnd += part;
  }
  while (left != 0) {
    assert(tcb.planHead != 0);
    const buffer = changetype<Buffer>(tcb.planHead);
    tcb.planHead = buffer.next;
    const part = min(bufferRoom(buffer), left);
    buffer.next = 0;
    buffer.length = <u16>part;
    buffer.sequence = tcb.sndEnd;
    tcb.sndEnd += part;
    left -= part;
    if (tcb.sendTail == 0) tcb.sendHead = changetype<usize>(buffer);
    else changetype<Buffer>(tcb.sendTail).next = changetype<usize>(buffer);
    tcb.sendTail = changetype<usize>(buffer);
  }
  chainGive(tcb.planHead);
  tcb.planHead = 0;
}

/** Frees everything before `sequence`. */
export function sendQueueAcknowledge(tcb: Tcb, sequence: u32): void {
  while (tcb.sendHead != 0) {
    const head = changetype<Buffer>(tcb.sendHead);
    const end = head.sequence + head.length;
    if (after(end, sequence)) {
      const gone = sequence - head.sequence;
      if (<i32>gone > 0) {
        head.start += <u16>gone;
        head.length -= <u16>gone;
        head.sequence = sequence;
      }
      return;
    }
    tcb.sendHead = head.next;
    if (tcb.sendHead == 0) tcb.sendTail = 0;
    if (tcb.sendCursor == changetype<usize>(head)) tcb.sendCursor = tcb.sendHead;
    if (tcb.retransmitCursor == changetype<usize>(head)) tcb.retransmitCursor = tcb.sendHead;
    txRelease(head, 0);
  }
}

/** Frees everything: the connection is over. */
export function sendQueueDiscard(tcb: Tcb): void {
  chainGive(tcb.planHead);
  tcb.planHead = 0;
  while (tcb.sendHead != 0) {
    const head = changetype<Buffer>(tcb.sendHead);
    tcb.sendHead = head.next;
    txRelease(head, 0);
  }
  tcb.sendTail = 0;
  tcb.sendCursor = 0;
  tcb.retransmitCursor = 0;
}

/** The buffer that holds `sequence`, looked for from `hint` on when that is not behind it. */
function locate(tcb: Tcb, hint: usize, sequence: u32): Buffer {
  let at = hint;
  if (at == 0 || after(changetype<Buffer>(at).sequence, sequence)) at = tcb.sendHead;
  assert(at != 0);
  let buffer = changetype<Buffer>(at);
  while (!before(sequence, buffer.sequence + buffer.length)) {
    at = buffer.next;
    assert(at != 0);
    buffer = changetype<Buffer>(at);
  }
  return buffer;
}

/**
 * Appends `length` bytes from `sequence` on to a frame, as far as its spans reach; answers the bytes
 * appended.
 */
export function sendQueueAppend(tcb: Tcb, slot: TxSlot, sequence: u32, length: u32): u32 {
  const repeated = before(sequence, tcb.sndNxt);
  let buffer = locate(tcb, repeated ? tcb.retransmitCursor : tcb.sendCursor, sequence);
  let offset = sequence - buffer.sequence;
  let left = length;
  for (;;) {
    const part = min(<u32>buffer.length - offset, left);
    txAppend(slot, bufferData(buffer) + offset, part);
    left -= part;
    if (left == 0 || slot.spanCount == <u16>TX_SPANS) break;
    offset = 0;
    buffer = changetype<Buffer>(buffer.next);
  }
  if (repeated) tcb.retransmitCursor = changetype<usize>(buffer);
  else tcb.sendCursor = changetype<usize>(buffer);
  assert(beforeOrAt(sequence + length - left, tcb.sndEnd));
  return length - left;
}
