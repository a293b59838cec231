import {
  Buffer,
  bufferBase,
  bufferGive,
  buffersFree,
  bufferTake,
  chainFrom,
  chainGive,
} from "../../../stack/memory/buffer";
import { PoolId, pool, poolAt, poolGive, poolIndex, poolLayOut, poolTake } from "../../../stack/memory/pool";
import { root } from "../../../stack/memory/root";

const BASE: usize = 0x200000;

/** Lays out a pool of `capacity` buffers; answers the address behind it. */
export function layOut(capacity: u32): usize {
  const end = poolLayOut(PoolId.buffer, BASE, offsetof<Buffer>(), capacity);
  root().bufferData = (end + 63) & ~(<usize>63);
  return end;
}

export function take(): usize {
  return poolTake(PoolId.buffer);
}

export function give(object: usize): void {
  poolGive(PoolId.buffer, object);
}

export function index(object: usize): u32 {
  return poolIndex(PoolId.buffer, object);
}

export function at(position: u32): usize {
  return poolAt(PoolId.buffer, position);
}

export function used(): u32 {
  return pool(PoolId.buffer).used;
}

export function touched(): u32 {
  return pool(PoolId.buffer).touched;
}

export function exhausted(): u64 {
  return pool(PoolId.buffer).exhausted;
}

export function free(): u32 {
  return buffersFree();
}

export function dataOf(object: usize): usize {
  return bufferBase(changetype<Buffer>(object));
}

export function takeBuffer(): usize {
  return changetype<usize>(bufferTake());
}

export function giveBuffer(object: usize): void {
  bufferGive(changetype<Buffer>(object));
}

export function copyIn(source: usize, length: u32): usize {
  return chainFrom(source, length);
}

export function giveChain(head: usize): void {
  chainGive(head);
}

export function nextOf(object: usize): usize {
  return changetype<Buffer>(object).next;
}

export function lengthOf(object: usize): u32 {
  return changetype<Buffer>(object).length;
}
