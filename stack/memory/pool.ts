import { POOLS } from "./map";

/** Every kind of object that is taken and given back at run time. */
export enum PoolId {
  /** socket/socket.ts: Socket */
  socket,
  /** tcp/tcb.ts: Tcb */
  tcb,
  /** memory/buffer.ts: Buffer */
  buffer,
  /** socket/waitset.ts: WaitSet */
  waitSet,
  /** socket/waitset.ts: Interest */
  interest,
  /** link/neighbours.ts: Neighbour */
  neighbour,
  /** ip/reassembly.ts: Reassembly */
  reassembly,
  count,
}

/**
 * Pools that the control socket shows, a bit each: their objects hold no payload and no keys, and tell by a
 * field that they are free.
 */
export const POOLS_SHOWN: u32 =
  (1 << PoolId.socket) | (1 << PoolId.tcb) | (1 << PoolId.interest) | (1 << PoolId.neighbour);

/**
 * An array of equal objects with a list of the free ones. Memory that was never taken is never touched,
 * so a large region costs only what is used. Objects keep their kind for ever: a stale reference can see an
 * object freed or reused, never one of another kind.
 * The first four bytes of a free object link to the next free one.
 */
@unmanaged
export class Pool {
  base: usize;
  stride: u32;
  capacity: u32;
  /** Objects taken now. */
  used: u32;
  /** Objects ever taken: those behind are untouched memory. */
  touched: u32;
  /** Most objects taken at one time. */
  peak: u32;
  free: usize;
  /** Times that take() had to say no. */
  exhausted: u64;
}

@unmanaged
class FreeObject {
  next: usize;
}

/** The header of pool `id`. */
export function pool(id: PoolId): Pool {
  return changetype<Pool>(POOLS + <usize>id * offsetof<Pool>());
}

/** Lays a pool out at `base`; returns the address behind it. */
export function poolBegin(p: Pool, base: usize, stride: u32, capacity: u32): usize {
  p.base = base;
  p.stride = stride;
  p.capacity = capacity;
  p.used = 0;
  p.touched = 0;
  p.peak = 0;
  p.free = 0;
  p.exhausted = 0;
  return base + <usize>stride * capacity;
}

/** Lays pool `id` out at `base`; returns the address behind it. */
export function poolLayOut(id: PoolId, base: usize, stride: u32, capacity: u32): usize {
  return poolBegin(pool(id), base, stride, capacity);
}

/** An object of a pool, its content undefined but for what the last owner left; 0 when there is none. */
export function poolTakeFrom(p: Pool): usize {
  let object = p.free;
  if (object != 0) {
    p.free = changetype<FreeObject>(object).next;
  } else if (p.touched < p.capacity) {
    object = p.base + <usize>p.touched * p.stride;
    p.touched++;
  } else {
    p.exhausted++;
    return 0;
  }
  p.used++;
  if (p.used > p.peak) p.peak = p.used;
  return object;
}

/** An object of pool `id`, its content undefined but for what the last owner left; 0 when there is none. */
export function poolTake(id: PoolId): usize {
  return poolTakeFrom(pool(id));
}

/** Gives `object` back to the pool it is of. */
export function poolGiveTo(p: Pool, object: usize): void {
  assert(p.used > 0);
  changetype<FreeObject>(object).next = p.free;
  p.free = object;
  p.used--;
}

/** Gives `object` back to pool `id`. */
export function poolGive(id: PoolId, object: usize): void {
  poolGiveTo(pool(id), object);
}

/** The place of `object` in its pool. */
export function poolIndex(id: PoolId, object: usize): u32 {
  const p = pool(id);
  return <u32>((object - p.base) / p.stride);
}

/** The object at `index`, or 0 when it was never taken. */
export function poolAt(id: PoolId, index: u32): usize {
  const p = pool(id);
  if (index >= p.touched) return 0;
  return p.base + <usize>index * p.stride;
}
