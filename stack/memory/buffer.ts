import { BUFFER_SIZE } from "./map";
import { PoolId, pool, poolGive, poolTake } from "./pool";
import { root } from "./root";

/**
 * A packet buffer: this descriptor, and BUFFER_SIZE bytes elsewhere (so that payload stays aligned and a
 * descriptor walk touches no payload). Buffers form singly linked chains.
 */
@unmanaged
export class Buffer {
  /** The next buffer of the chain, 0 at its end. (Also the free list's link.) */
  next: usize;
  /** First valid byte, counted from the start of the buffer's data. */
  start: u16;
  /** Valid bytes. */
  length: u16;
  /** Sequence number of the first valid byte, for buffers that hold a TCP stream. */
  sequence: u32;
  /** Free for the owner: datagram queues keep the bytes of the whole datagram here. */
  extra: u32;
  /** Links whole chains (datagrams, out-of-order runs) to each other. */
  chainNext: usize;
}

/** Address of the first byte of the buffer's data area. */
export function bufferBase(buffer: Buffer): usize {
  const p = pool(PoolId.buffer);
  const index = <u32>((changetype<usize>(buffer) - p.base) / offsetof<Buffer>());
  return root().bufferData + <usize>index * BUFFER_SIZE;
}

/** Address of the first valid byte. */
export function bufferData(buffer: Buffer): usize {
  return bufferBase(buffer) + buffer.start;
}

/** Bytes that still fit behind the valid ones. */
export function bufferRoom(buffer: Buffer): u32 {
  return BUFFER_SIZE - buffer.start - buffer.length;
}

/** An empty buffer, or null (0) when there is none. */
export function bufferTake(): Buffer {
  const address = poolTake(PoolId.buffer);
  if (address != 0) {
    const buffer = changetype<Buffer>(address);
    buffer.next = 0;
    buffer.start = 0;
    buffer.length = 0;
    buffer.chainNext = 0;
  }
  return changetype<Buffer>(address);
}

/** Gives one buffer back. */
export function bufferGive(buffer: Buffer): void {
  poolGive(PoolId.buffer, changetype<usize>(buffer));
}

/** Gives a whole chain back; `head` may be 0. */
export function chainGive(head: usize): void {
  let at = head;
  while (at != 0) {
    const buffer = changetype<Buffer>(at);
    at = buffer.next;
    bufferGive(buffer);
  }
}

/** Buffers not in use. */
export function buffersFree(): u32 {
  const p = pool(PoolId.buffer);
  return p.capacity - p.used;
}

/** Copies `length` bytes from `source` into a new chain; 0 when buffers run out (nothing is kept). */
export function chainFrom(source: usize, length: u32): usize {
  let head: usize = 0;
  let tail: usize = 0;
  let done: u32 = 0;
  do {
    const buffer = bufferTake();
    if (changetype<usize>(buffer) == 0) {
      chainGive(head);
      return 0;
    }
    const part = min(length - done, BUFFER_SIZE);
    memory.copy(bufferBase(buffer), source + done, part);
    buffer.length = <u16>part;
    if (tail == 0) head = changetype<usize>(buffer);
    else changetype<Buffer>(tail).next = changetype<usize>(buffer);
    tail = changetype<usize>(buffer);
    done += part;
  } while (done < length);
  return head;
}
