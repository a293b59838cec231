import { PAIR_ROW, PAIRS, PAIRS_NEW, PAIRS_WAITING, VPORTS_MAX } from "../memory/map";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { Address } from "./address";
import { Vport, VportState, vport } from "./vport";

/**
 * Vports whose programs talk to each other, for the daemon to introduce them (docs/control-protocol.md): a
 * bit for each pair that was noted, another for each that has a ring of its own. A pair is noted once, until
 * it is forgotten; those not yet taken wait in a ring of PAIRS_NEW.
 */

/** Frames in a row from one to another before the pair is noted: a short exchange is not worth a ring. */
const PAIR_AFTER: u32 = 32;

/** What is known of a pair. */
enum Known {
  noted,
  made,
}

@unmanaged
class Word {
  bits: u64;
}

@unmanaged
class NewPair {
  /** Numbers of both vports, the lower one in the low half. */
  numbers: u32;
}

function word(known: Known, first: u32, second: u32): Word {
  const row = PAIRS + <usize>(<u32>known * VPORTS_MAX + first) * PAIR_ROW;
  return changetype<Word>(row + ((<usize>(second >> 6)) << 3));
}

function has(known: Known, first: u32, second: u32): bool {
  return ((word(known, first, second).bits >> (second & 63)) & 1) != 0;
}

function set(known: Known, first: u32, second: u32): void {
  const a = word(known, first, second);
  a.bits = a.bits | ((<u64>1) << (second & 63));
  const b = word(known, second, first);
  b.bits = b.bits | ((<u64>1) << (first & 63));
}

function clear(known: Known, first: u32, second: u32): void {
  const a = word(known, first, second);
  a.bits = a.bits & ~((<u64>1) << (second & 63));
  const b = word(known, second, first);
  b.bits = b.bits & ~((<u64>1) << (first & 63));
}

function newPair(at: u32): NewPair {
  return changetype<NewPair>(PAIRS_WAITING + ((<usize>(at & (PAIRS_NEW - 1))) << 2));
}

/** Whether one process has the address of a vport, so that the address says who is meant. */
function isAlone(v: Vport): bool {
  return changetype<Address>(v.address).processes == 1;
}

/** A frame goes from one program to another. */
export function pairNote(from: Vport, to: Vport): void {
  if ((from.takesRings & to.takesRings) == 0 || has(Known.noted, from.id, to.id)) return;
  if (from.address == to.address || !isAlone(from) || !isAlone(to)) return;
  // Of two that talk with several in turns, one talks with the other alone as a rule: all of its stacks.
  if (from.switchedTo != to.address) from.switched = 0;
  from.switchedTo = to.address;
  from.switched++;
  const r = root();
  if (from.switched < PAIR_AFTER || r.pairTail - r.pairHead >= PAIRS_NEW) return;
  set(Known.noted, from.id, to.id);
  newPair(r.pairTail++).numbers = min(from.id, to.id) | (max(from.id, to.id) << 16);
  r.notice = 1;
  count(Counter.pairsNoted);
}

/** The next pair that was noted, the lower number in the low half; -1 when there is none. */
export function pairNext(): i32 {
  const r = root();
  while (r.pairHead != r.pairTail) {
    const numbers = newPair(r.pairHead++).numbers;
    const first = numbers & 0xffff;
    const second = numbers >> 16;
    const areOpen = vport(first).state == VportState.open && vport(second).state == VportState.open;
    if (areOpen && has(Known.noted, first, second)) return <i32>numbers;
  }
  return -1;
}

/** Both have a ring of their own: what ltran does not know of their connections proves nothing. */
export function pairMake(first: u32, second: u32): void {
  set(Known.noted, first, second);
  set(Known.made, first, second);
}

/** Both have no ring any more. */
export function pairEnd(first: u32, second: u32): void {
  clear(Known.made, first, second);
}

/** They may be noted again. */
export function pairForget(first: u32, second: u32): void {
  clear(Known.noted, first, second);
}

/** A vport is opened or closed: nobody has a ring to it. */
export function pairsForget(v: Vport): void {
  const touched = root().vportsTouched;
  for (let id: u32 = 0; id < touched; id++) {
    pairEnd(v.id, id);
    pairForget(v.id, id);
  }
}

/** Whether two vports have a ring of their own. */
export function pairIsMade(first: u32, second: u32): bool {
  return has(Known.made, first, second);
}
