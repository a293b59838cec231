import { EBADF } from "../../../build/generated/system";
import { harvest } from "../harvest";
import { interestChange, interestCreate, interestDelete } from "../interest";
import { faceOf } from "../nested";
import { leave, pass, setEnd, setOf, setOpen, sleepIn } from "../waitset";
import { wakesTake } from "../wake";

/** A new wait set. Answers its id (>= 0), or -ENOMEM when the pool is exhausted. */
export function waitSetOpen(): i32 {
  return setOpen();
}

/** Ends a wait set with all its interests. 0, or -EBADF for a stale id. */
export function waitSetClose(id: i32): i32 {
  const set = setOf(id);
  return changetype<usize>(set) == 0 ? -EBADF : setEnd(set);
}

/**
 * A handle that stands for a wait set in interestAdd() and its kin, so that another set can watch it:
 * readable (EPOLLIN, EPOLLRDNORM) while something in the set is ready. It is good for nothing else, and ends
 * with its set. -ENOBUFS, -EBADF.
 */
export function waitSetFace(id: i32): i32 {
  const set = setOf(id);
  return changetype<usize>(set) == 0 ? -EBADF : faceOf(set);
}

/**
 * EPOLL_CTL_ADD: `fd` is the descriptor that names the socket, and with it the key of the interest: a socket
 * may be in a set under several. `events` are EPOLL* bits with EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE,
 * EPOLLWAKEUP; `data` comes back with every event. Reported at once when the socket is ready. 0, -EEXIST,
 * -ENOMEM, -EINVAL (bits that EPOLLEXCLUSIVE forbids), -ELOOP (the set would watch itself), -EBADF.
 */
export function interestAdd(id: i32, handle: i32, fd: i32, events: u32, data: u64): i32 {
  return interestCreate(id, handle, fd, events, data);
}

/**
 * EPOLL_CTL_MOD: replaces events and data, arms a one-shot again, looks at readiness anew. 0, -ENOENT,
 * -EINVAL, -EBADF.
 */
export function interestModify(id: i32, handle: i32, fd: i32, events: u32, data: u64): i32 {
  return interestChange(id, handle, fd, events, data);
}

/** EPOLL_CTL_DEL. 0, -ENOENT, -EBADF. */
export function interestRemove(id: i32, handle: i32, fd: i32): i32 {
  return interestDelete(id, handle, fd);
}

/**
 * Takes up to `max` (at most CALL_EVENTS) ready interests and writes them to callEvent(): data, events,
 * socket handle. Answers how many. Level-triggered ones go to the end of the line and are looked at again
 * next time. The cost depends on ready interests alone.
 */
export function waitSetHarvest(id: i32, max: u32): i32 {
  const set = setOf(id);
  return changetype<usize>(set) == 0 ? -EBADF : <i32>harvest(set, max);
}

/**
 * A thread wants to sleep until something in the set is ready. 0: it is counted as a sleeper now, and the set
 * will be among the answers of takeWakes() when something becomes ready. 1: something is ready already,
 * harvest again instead; it isn't counted.
 */
export function waitSetSleep(id: i32): i32 {
  const set = setOf(id);
  return changetype<usize>(set) == 0 ? -EBADF : sleepIn(set);
}

/** A sleeper is back, for whatever reason (woken, time-out, signal). 0 or -EBADF. */
export function waitSetWake(id: i32): i32 {
  const set = setOf(id);
  return changetype<usize>(set) == 0 ? -EBADF : leave(set);
}

/**
 * A thread that came back from its sleep goes away without harvesting (time-out, signal): if a wake-up was
 * meant for it, another sleeper gets it. 0 or -EBADF.
 */
export function waitSetPass(id: i32): i32 {
  const set = setOf(id);
  return changetype<usize>(set) == 0 ? -EBADF : pass(set);
}

/**
 * Writes to CALL_WAKE the ids of the wait sets in which ready interests and sleepers meet, and answers how
 * many: for each, the caller wakes ONE sleeper (an id may come again for the next one). Call again while it
 * answers CALL_WAKES.
 */
export function takeWakes(): u32 {
  return wakesTake();
}
