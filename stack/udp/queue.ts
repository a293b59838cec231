import {
  Buffer,
  bufferBase,
  bufferData,
  bufferRoom,
  buffersFree,
  bufferTake,
  chainGive,
} from "../memory/buffer";
import { BUFFER_SIZE } from "../memory/map";
import { PoolId, pool } from "../memory/pool";
import { Socket } from "../socket/socket";
import { DropReason, drop } from "../stats/drop";

/**
 * Where a queued datagram came from and went to: in the first bytes of its first buffer, before the payload.
 */
@unmanaged
export class Datagram {
  sourceHigh: u64;
  sourceLow: u64;
  destinationHigh: u64;
  destinationLow: u64;
  sourcePort: u16;
  tos: u8;
  ttl: u8;
  /** The port that it came in by. */
  port: u32;
  /** When, in microseconds. */
  arrived: u64;
}

/** Bytes that a buffer costs beside its payload, so that a queue of tiny datagrams is bounded, too. */
const BUFFER_COST: u32 = 512;
/** One part in so many of all buffers is not for queued datagrams, so that they cannot starve connections. */
const RESERVE: u32 = 16;

/** What a datagram of `length` bytes counts against SO_RCVBUF. */
function cost(length: u32): u32 {
  return length + BUFFER_COST * ((length + <u32>offsetof<Datagram>() + BUFFER_SIZE - 1) / BUFFER_SIZE);
}

/** Copies a datagram into a chain with room for Datagram in front; 0 when buffers run out. */
function chainOf(payload: usize, length: u32): usize {
  const head = bufferTake();
  if (changetype<usize>(head) == 0) return 0;
  head.start = <u16>offsetof<Datagram>();
  let buffer = head;
  let done: u32 = 0;
  while (true) {
    const part = min(length - done, bufferRoom(buffer));
    memory.copy(bufferData(buffer), payload + done, part);
    buffer.length = <u16>part;
    done += part;
    if (done == length) break;
    const next = bufferTake();
    if (changetype<usize>(next) == 0) {
      chainGive(changetype<usize>(head));
      return 0;
    }
    buffer.next = changetype<usize>(next);
    buffer = next;
  }
  return changetype<usize>(head);
}

/**
 * Appends a copy of a datagram to a socket's receive queue and answers where its addresses are to be noted;
 * null (0), and counted, when the queue (SO_RCVBUF) or the buffers are full. An empty queue takes a datagram
 * of any size, as in Linux.
 */
export function datagramPut(socket: Socket, payload: usize, length: u32): Datagram {
  const none = changetype<Datagram>(0);
  if (socket.receiveHead != 0 && socket.receiveBytes + cost(length) > socket.receiveLimit) {
    drop(DropReason.udpQueueFull);
    return none;
  }
  const chain = buffersFree() > pool(PoolId.buffer).capacity / RESERVE ? chainOf(payload, length) : 0;
  if (chain == 0) {
    drop(DropReason.noBuffer);
    return none;
  }
  const head = changetype<Buffer>(chain);
  head.extra = length;
  if (socket.receiveTail != 0) changetype<Buffer>(socket.receiveTail).chainNext = chain;
  else socket.receiveHead = chain;
  socket.receiveTail = chain;
  socket.receiveBytes += cost(length);
  return changetype<Datagram>(bufferBase(head));
}

/**
 * The addresses of the datagram that `chain` (Socket.receiveHead) holds; its length is `extra` of the first
 * buffer.
 */
export function datagramInfo(chain: usize): Datagram {
  return changetype<Datagram>(bufferBase(changetype<Buffer>(chain)));
}

/** Takes the first datagram off the queue and gives its buffers back; the queue must not be empty. */
export function datagramDiscard(socket: Socket): void {
  const chain = socket.receiveHead;
  const head = changetype<Buffer>(chain);
  socket.receiveHead = head.chainNext;
  if (socket.receiveHead == 0) socket.receiveTail = 0;
  socket.receiveBytes -= cost(head.extra);
  chainGive(chain);
}

/** Empties the queue of a socket that is closed. */
export function datagramDiscardAll(socket: Socket): void {
  while (socket.receiveHead != 0) datagramDiscard(socket);
}
