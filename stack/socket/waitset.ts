import { ENOMEM } from "../../build/generated/system";
import { PoolId, poolAt, poolGive, poolIndex, poolTake } from "../memory/pool";
import { interestFree } from "./interest";
import { faceEnd } from "./nested";
import { wakeList, wakeUnlist } from "./wake";

/**
 * A wait set: what an epoll instance, a poll(), a select() and a blocking call all are. It holds interests,
 * and a queue of those that may be ready, in the order in which they became so.
 */
@unmanaged
export class WaitSet {
  /** Links the sets whose sleepers are to be woken. Also the free list's link. */
  wakeNext: usize;
  /** Raised when the set ends; part of its id. */
  generation: u32;
  open: bool;
  /** Whether the set is in the list of sets to be woken. */
  listed: bool;
  /** Threads that sleep until something here is ready. */
  sleepers: u32;
  interests: usize;
  readyHead: usize;
  readyTail: usize;
  readyCount: u32;
  /** What other sets watch this one by, 0 when none ever did (socket/nested.ts). */
  face: usize;
}

/** What a wait set wants to know of one socket under one descriptor. */
@unmanaged
export class Interest {
  /** Next interest of the set. Also the free list's link. */
  setNext: usize;
  setPrevious: usize;
  socketNext: usize;
  socketPrevious: usize;
  /** The set's queue of ready interests. */
  readyNext: usize;
  readyPrevious: usize;
  set: usize;
  socket: usize;
  fd: i32;
  /** EPOLL* bits; EPOLLERR and EPOLLHUP are always among them, unless a one-shot was spent. */
  events: u32;
  data: u64;
  queued: bool;
}

const INDEX_BITS: u32 = 20;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/** What an id says about the generation; a place in the pool fits below it. */
function generationBits(set: WaitSet): u32 {
  return (set.generation << INDEX_BITS) & 0x7fffffff;
}

/**
 * The id of a set at the doors: its place in the pool, and the low 11 bits of its generation; never negative.
 */
export function setId(set: WaitSet): i32 {
  const index = poolIndex(PoolId.waitSet, changetype<usize>(set));
  return <i32>(generationBits(set) | index);
}

/** The set that `id` names, or null (0) when it ended or was never given out. */
export function setOf(id: i32): WaitSet {
  const address: usize = id < 0 ? 0 : poolAt(PoolId.waitSet, <u32>id & INDEX_MASK);
  if (address == 0) return changetype<WaitSet>(0);
  const set = changetype<WaitSet>(address);
  const stale = (<u32>id & ~INDEX_MASK) != generationBits(set);
  return stale || !set.open ? changetype<WaitSet>(0) : set;
}

/** A new, empty set: its id, or -ENOMEM. */
export function setOpen(): i32 {
  const address = poolTake(PoolId.waitSet);
  if (address == 0) return -ENOMEM;
  const set = changetype<WaitSet>(address);
  set.wakeNext = 0;
  set.open = true;
  set.listed = false;
  set.sleepers = 0;
  set.interests = 0;
  set.readyHead = 0;
  set.readyTail = 0;
  set.readyCount = 0;
  set.face = 0;
  return setId(set);
}

/** Ends a set and frees its interests. */
export function setEnd(set: WaitSet): i32 {
  while (set.interests != 0) interestFree(changetype<Interest>(set.interests));
  faceEnd(set);
  wakeUnlist(set);
  set.open = false;
  set.generation++;
  poolGive(PoolId.waitSet, changetype<usize>(set));
  return 0;
}

/** Puts an interest at the end of its set's queue; no effect when it stands there already. */
export function readyAppend(set: WaitSet, interest: Interest): void {
  if (interest.queued) return;
  const address = changetype<usize>(interest);
  interest.queued = true;
  interest.readyNext = 0;
  interest.readyPrevious = set.readyTail;
  if (set.readyTail == 0) set.readyHead = address;
  else changetype<Interest>(set.readyTail).readyNext = address;
  set.readyTail = address;
  set.readyCount++;
}

/** Takes an interest out of its set's queue; no effect when it does not stand there. */
export function readyRemove(set: WaitSet, interest: Interest): void {
  if (!interest.queued) return;
  interest.queued = false;
  if (interest.readyNext == 0) set.readyTail = interest.readyPrevious;
  else changetype<Interest>(interest.readyNext).readyPrevious = interest.readyPrevious;
  if (interest.readyPrevious == 0) set.readyHead = interest.readyNext;
  else changetype<Interest>(interest.readyPrevious).readyNext = interest.readyNext;
  set.readyCount--;
}

/**
 * Counts a sleeper: 0; or 1 when the queue is not empty, and the caller shall look into it instead of
 * sleeping.
 */
export function sleepIn(set: WaitSet): i32 {
  if (set.readyHead != 0) return 1;
  set.sleepers++;
  return 0;
}

/** A sleeper is back. */
export function leave(set: WaitSet): i32 {
  if (set.sleepers > 0) set.sleepers--;
  return 0;
}

/** One who was woken goes away without harvesting: whoever still sleeps gets the wake-up. */
export function pass(set: WaitSet): i32 {
  if (set.readyHead != 0 && set.sleepers > 0) wakeList(set);
  return 0;
}
