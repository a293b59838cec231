import { Buffer, bufferData, bufferGive, bufferRoom, bufferTake, chainGive } from "../memory/buffer";
import { Tcb } from "./tcb";

/**
 * Received bytes in order, in a chain of buffers. Small segments fill the last buffer up, so that no more
 * than half of the space is ever wasted.
 */

/**
 * Appends `length` bytes at `source` to the chain that ends in `tail`; answers its new tail, or 0 when
 * buffers run out.
 */
export function chainAppend(tail: Buffer, source: usize, length: u32): Buffer {
  let last = tail;
  let done: u32 = 0;
  while (done < length) {
    let room = bufferRoom(last);
    if (room == 0) {
      const buffer = bufferTake();
      if (changetype<usize>(buffer) == 0) break;
      last.next = changetype<usize>(buffer);
      last = buffer;
      room = bufferRoom(last);
    }
    const part = min(room, length - done);
    memory.copy(bufferData(last) + last.length, source + done, part);
    last.length += <u16>part;
    done += part;
  }
  return last;
}

/** Copies received bytes behind those in the queue; answers how many found room. */
export function receiveQueueAppend(tcb: Tcb, source: usize, length: u32): u32 {
  let done: u32 = 0;
  while (done < length) {
    let tail = changetype<Buffer>(tcb.receiveTail);
    if (tcb.receiveTail == 0 || bufferRoom(tail) == 0) {
      const buffer = bufferTake();
      if (changetype<usize>(buffer) == 0) break;
      if (tcb.receiveTail == 0) tcb.receiveHead = changetype<usize>(buffer);
      else tail.next = changetype<usize>(buffer);
      tcb.receiveTail = changetype<usize>(buffer);
      tcb.receiveBuffers++;
      tail = buffer;
    }
    const part = min(bufferRoom(tail), length - done);
    memory.copy(bufferData(tail) + tail.length, source + done, part);
    tail.length += <u16>part;
    done += part;
  }
  tcb.receiveBytes += done;
  return done;
}

/** Takes over a whole chain of `bytes` bytes; a first buffer that fits into the last one is copied there. */
export function receiveQueueSplice(tcb: Tcb, head: usize, tail: usize, bytes: u32): void {
  let first = changetype<Buffer>(head);
  let at = head;
  if (tcb.receiveTail != 0 && first.length <= bufferRoom(changetype<Buffer>(tcb.receiveTail))) {
    const last = changetype<Buffer>(tcb.receiveTail);
    memory.copy(bufferData(last) + last.length, bufferData(first), first.length);
    last.length += first.length;
    at = first.next;
    bufferGive(first);
  }
  tcb.receiveBytes += bytes;
  if (at == 0) return;
  if (tcb.receiveTail == 0) tcb.receiveHead = at;
  else changetype<Buffer>(tcb.receiveTail).next = at;
  tcb.receiveTail = tail;
  while (at != 0) {
    tcb.receiveBuffers++;
    first = changetype<Buffer>(at);
    at = first.next;
  }
}

/** Frees the first `length` bytes. */
export function receiveQueueCommit(tcb: Tcb, length: u32): void {
  assert(length <= tcb.receiveBytes);
  tcb.receiveBytes -= length;
  let left = length;
  while (left != 0) {
    const head = changetype<Buffer>(tcb.receiveHead);
    if (left < head.length) {
      head.start += <u16>left;
      head.length -= <u16>left;
      return;
    }
    left -= head.length;
    tcb.receiveHead = head.next;
    if (tcb.receiveHead == 0) tcb.receiveTail = 0;
    tcb.receiveBuffers--;
    bufferGive(head);
  }
}

/** Frees everything. */
export function receiveQueueDiscard(tcb: Tcb): void {
  chainGive(tcb.receiveHead);
  tcb.receiveHead = 0;
  tcb.receiveTail = 0;
  tcb.receiveBytes = 0;
  tcb.receiveBuffers = 0;
}
