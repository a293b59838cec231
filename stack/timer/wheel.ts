import { WHEEL } from "../memory/map";

/** Microseconds of one tick. */
const TICK_US: u64 = 1000;

const SLOTS_0: u32 = 256;
const SLOTS_N: u32 = 64;
const LEVELS: u32 = 4;
const SLOT_COUNT: u32 = SLOTS_0 + SLOTS_N * (LEVELS - 1);
/** The farthest tick that fits: about 18 hours; later ones are clamped and set again when they fire. */
const TICKS_MAX: u64 = 1 << 26;

/** What a timer belongs to: timer/dispatch.ts calls the owner. */
export enum TimerKind {
  tcp,
  neighbour,
  reassembly,
  address,
}

/** Extended by what needs a timer; one per object: it fires at the earliest of the object's deadlines. */
@unmanaged
export class Timer {
  next: usize;
  previous: usize;
  /**
   * When it fires, in microseconds. May be later than its place in the wheel says: it is then moved when that
   * comes up.
   */
  expires: u64;
  /** Place in the wheel plus one; 0 when not set. */
  place: u16;
  kind: u16;
}

/** The wheel: four levels, 256 ms, 16 s, 17 min and 18 h wide, of ticks of 1 ms. */
@unmanaged
class Wheel {
  tick: u64;
  armed: u32;
  reserved: u32;
  /** One bit per slot that may hold timers. */
  bits0: u64;
  bits1: u64;
  bits2: u64;
  bits3: u64;
  bitsLevel1: u64;
  bitsLevel2: u64;
  bitsLevel3: u64;
}

@unmanaged
class Slot {
  head: usize;
}

function wheel(): Wheel {
  return changetype<Wheel>(WHEEL);
}

function slot(index: u32): Slot {
  return changetype<Slot>(WHEEL + 128 + <usize>index * 4);
}

@unmanaged
class Bits {
  word: u64;
}

/** The bitmap word that holds slot `index`; its bit is `index & 63`. */
function bits(index: u32): Bits {
  return changetype<Bits>(WHEEL + offsetof<Wheel>("bits0") + ((<usize>(index >> 6)) << 3));
}

/** Starts an empty wheel at `now`, in microseconds. */
export function wheelReset(now: u64): void {
  memory.fill(WHEEL, 0, 128 + SLOT_COUNT * 4);
  wheel().tick = now / TICK_US;
}

function place(timer: Timer): void {
  const w = wheel();
  let tick = (timer.expires + TICK_US - 1) / TICK_US;
  if (tick <= w.tick) tick = w.tick + 1;
  if (tick - w.tick >= TICKS_MAX) tick = w.tick + TICKS_MAX - 1;
  const delta = tick - w.tick;
  let index: u32;
  if (delta < 256) index = <u32>(tick & 255);
  else if (delta < 256 << 6) index = SLOTS_0 + (<u32>(tick >> 8) & 63);
  else if (delta < 256 << 12) index = SLOTS_0 + SLOTS_N + (<u32>(tick >> 14) & 63);
  else index = SLOTS_0 + SLOTS_N * 2 + (<u32>(tick >> 20) & 63);
  const s = slot(index);
  timer.place = <u16>(index + 1);
  timer.previous = 0;
  timer.next = s.head;
  if (s.head != 0) changetype<Timer>(s.head).previous = changetype<usize>(timer);
  s.head = changetype<usize>(timer);
  const word = bits(index);
  word.word = word.word | ((<u64>1) << (index & 63));
  w.armed++;
}

function unlink(timer: Timer): void {
  const index = <u32>timer.place - 1;
  if (timer.next != 0) changetype<Timer>(timer.next).previous = timer.previous;
  if (timer.previous != 0) changetype<Timer>(timer.previous).next = timer.next;
  else {
    slot(index).head = timer.next;
    if (timer.next == 0) {
      const word = bits(index);
      word.word = word.word & ~((<u64>1) << (index & 63));
    }
  }
  timer.place = 0;
  wheel().armed--;
}

/**
 * Makes `timer` fire at `expires` (microseconds), in place of any earlier setting. Cheap when it is only put
 * off.
 */
export function timerSet(timer: Timer, expires: u64): void {
  if (timer.place != 0) {
    if (expires >= timer.expires) {
      timer.expires = expires;
      return;
    }
    unlink(timer);
  }
  timer.expires = expires;
  place(timer);
}

/** Takes `timer` out; harmless when it is not set. */
export function timerStop(timer: Timer): void {
  if (timer.place != 0) unlink(timer);
}

/** The next tick at which a slot fires or cascades; u64.MAX_VALUE when the wheel is empty. */
function nextTick(): u64 {
  const w = wheel();
  if (w.armed == 0) return u64.MAX_VALUE;
  const from = w.tick + 1;
  let position = <u32>(from & 255);
  if (position != 0) {
    while (position < SLOTS_0) {
      const word = bits(position).word >> (position & 63);
      if (word != 0) return from + (position - <u32>(from & 255)) + ctz(word);
      position = (position | 63) + 1;
    }
    return (w.tick | 255) + 1;
  }
  return from;
}

/**
 * When wheelRun() wants to be called next, in microseconds; u64.MAX_VALUE for never. May be early, never
 * late.
 */
export function wheelNext(): u64 {
  const tick = nextTick();
  return tick == u64.MAX_VALUE ? tick : tick * TICK_US;
}

function cascade(index: u32): void {
  let at = slot(index).head;
  slot(index).head = 0;
  const word = bits(index);
  word.word = word.word & ~((<u64>1) << (index & 63));
  while (at != 0) {
    const timer = changetype<Timer>(at);
    at = timer.next;
    wheel().armed--;
    place(timer);
  }
}

/**
 * Advances the wheel towards `now` and returns one expired timer, already taken out, or 0 when none is left:
 * call until 0.
 */
export function wheelExpire(now: u64): usize {
  const w = wheel();
  const nowTick = now / TICK_US;
  while (true) {
    let at = slot(<u32>(w.tick & 255)).head;
    while (at != 0) {
      const timer = changetype<Timer>(at);
      unlink(timer);
      if (timer.expires <= now) return at;
      place(timer);
      at = slot(<u32>(w.tick & 255)).head;
    }
    const tick = nextTick();
    if (tick > nowTick) {
      if (nowTick > w.tick) w.tick = nowTick;
      return 0;
    }
    w.tick = tick;
    if ((tick & 255) == 0) {
      if ((tick & 0x3fff) == 0) {
        if ((tick & 0xfffff) == 0) cascade(SLOTS_0 + SLOTS_N * 2 + (<u32>(tick >> 20) & 63));
        cascade(SLOTS_0 + SLOTS_N + (<u32>(tick >> 14) & 63));
      }
      cascade(SLOTS_0 + (<u32>(tick >> 8) & 63));
    }
  }
}
