import { AGES } from "../memory/map";
import { root } from "../memory/root";
import { Flow, FlowState, flowState } from "./flow";

/**
 * The ages of flows: a list for each state, the flow used longest ago first. Nothing is ever scanned. A flow
 * moves to the end of its list when it is used, but at most once a second.
 */

/** Units of Flow.touched in a second, nearly. */
const SECOND: u32 = 977;
/** From when on a use moves a flow to the end. */
const FRESH: u32 = SECOND;
/** A request that nobody completes: SYN and its first retransmissions (RFC 6298). */
const TENTATIVE: u32 = 5 * SECOND;
/** Five days: for what ended unseen and untold. Connections may be idle for long. */
const ESTABLISHED: u32 = 432000 * SECOND;
/** Two hours and four minutes (RFC 5382, REQ-5). */
const UNCONFIRMED: u32 = 7440 * SECOND;
/** Twice the maximum segment lifetime that TIME_WAIT is commonly given. */
const CLOSING: u32 = 60 * SECOND;
/** RFC 4787, REQ-5. */
const DATAGRAM: u32 = 120 * SECOND;

@unmanaged
class AgeList {
  head: usize;
  tail: usize;
}

function listOf(state: u32): AgeList {
  return changetype<AgeList>(AGES + <usize>state * offsetof<AgeList>());
}

function limitOf(state: u32): u32 {
  switch (state) {
    case FlowState.tentative:
      return TENTATIVE;
    case FlowState.established:
      return ESTABLISHED;
    case FlowState.unconfirmed:
      return UNCONFIRMED;
    case FlowState.closing:
      return CLOSING;
    default:
      return DATAGRAM;
  }
}

function present(): u32 {
  return <u32>(root().now >> 10);
}

/** Puts a flow at the end of the list of its state, as just used. */
export function ageAdd(f: Flow): void {
  f.touched = present();
  f.agePrevious = 0;
  f.ageNext = 0;
  const list = listOf(flowState(f));
  f.agePrevious = list.tail;
  if (list.tail == 0) list.head = changetype<usize>(f);
  else changetype<Flow>(list.tail).ageNext = changetype<usize>(f);
  list.tail = changetype<usize>(f);
}

/** Takes a flow off its list. */
export function ageRemove(f: Flow): void {
  const list = listOf(flowState(f));
  if (f.agePrevious == 0) list.head = f.ageNext;
  else changetype<Flow>(f.agePrevious).ageNext = f.ageNext;
  if (f.ageNext == 0) list.tail = f.agePrevious;
  else changetype<Flow>(f.ageNext).agePrevious = f.agePrevious;
}

/** A flow was used. What is tentative stays as old as it is. */
export function ageTouch(f: Flow): void {
  if (flowState(f) == <u32>FlowState.tentative) return;
  if (present() - f.touched < FRESH) return;
  ageRemove(f);
  ageAdd(f);
}

/** A flow that is past its age, or null (0). */
export function ageExpired(): Flow {
  for (let state: u32 = 0; state <= <u32>FlowState.datagram; state++) {
    const head = listOf(state).head;
    if (head == 0) continue;
    const f = changetype<Flow>(head);
    if (present() - f.touched >= limitOf(state)) return f;
  }
  return changetype<Flow>(0);
}

/** When the next flow is past its age, in microseconds; u64.MAX_VALUE when none can be. */
export function ageDeadline(): u64 {
  let next = u64.MAX_VALUE;
  for (let state: u32 = 0; state <= <u32>FlowState.datagram; state++) {
    const head = listOf(state).head;
    if (head == 0) continue;
    const age = present() - changetype<Flow>(head).touched;
    const limit = limitOf(state);
    const left: u64 = age >= limit ? 0 : limit - age;
    next = min(next, ((root().now >> 10) + left) << 10);
  }
  return next;
}
