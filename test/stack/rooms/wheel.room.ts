import { Timer, timerSet, timerStop, wheelExpire, wheelNext, wheelReset } from "../../../stack/timer/wheel";

const TIMERS: usize = 0x100000;

function timer(index: u32): Timer {
  return changetype<Timer>(TIMERS + <usize>index * 64);
}

export function reset(now: u64): void {
  wheelReset(now);
}

export function set(index: u32, expires: u64): void {
  timerSet(timer(index), expires);
}

export function stop(index: u32): void {
  timerStop(timer(index));
}

/** Index of one expired timer, -1 when none is left. */
export function expire(now: u64): i32 {
  const at = wheelExpire(now);
  return at == 0 ? -1 : <i32>((at - TIMERS) / 64);
}

export function next(): u64 {
  return wheelNext();
}
