import { port } from "../../stack/memory/port";
import { bondOf } from "./bond/bond";
import { nicHasRoom } from "./bond/choice";
import { resetFlow } from "./forward/reset";
import { nicForget } from "./forward/to-nic";
import { publishPut, unlistKick } from "./forward/to-vport";
import { root } from "./memory/root";
import { Counter, count } from "./stats/counters";
import { Address, addressLeave, addressRelease } from "./tables/address";
import { connectionEnd } from "./tables/connection";
import { Flow } from "./tables/flow";
import { Listener, listenerFree } from "./tables/listener";
import { pairsForget } from "./tables/pair";
import { Vport, VportState } from "./tables/vport";

/** Listeners and flows that one call ends. */
const BUDGET: u32 = 256;
/** How long the address of a closed vport answers segments with resets, for peers that missed theirs. */
const LINGER_US: u64 = 10_000_000;

/** Ends listeners and flows of `v`, `budget` at most; answers how much of that is left. */
function endSome(v: Vport, budget: u32): u32 {
  const b = bondOf(v.network);
  let left = budget;
  while (left > 0 && v.listenerHead != 0) {
    listenerFree(changetype<Listener>(v.listenerHead));
    left--;
  }
  while (left > 0 && v.flowHead != 0 && nicHasRoom(b)) {
    const flow = changetype<Flow>(v.flowHead);
    resetFlow(flow);
    connectionEnd(flow);
    left--;
  }
  return left;
}

function isEmpty(v: Vport): bool {
  return v.flowHead == 0 && v.listenerHead == 0;
}

/** Goes on closing; each vport in turn, those first that were closed first. */
export function closeSome(): void {
  const r = root();
  let budget = BUDGET;
  let previous: usize = 0;
  let at = r.closingHead;
  while (at != 0) {
    const v = changetype<Vport>(at);
    at = v.closingNext;
    budget = endSome(v, budget);
    if (!isEmpty(v) || r.now < v.closingUntil) {
      previous = changetype<usize>(v);
      continue;
    }
    if (previous == 0) r.closingHead = at;
    else changetype<Vport>(previous).closingNext = at;
    v.state = VportState.free;
    addressRelease(changetype<Address>(v.address));
  }
  publishPut();
}

/** When closing goes on; u64.MAX_VALUE when there is nothing to do. */
export function closeDeadline(): u64 {
  let next = u64.MAX_VALUE;
  for (let at = root().closingHead; at != 0; at = changetype<Vport>(at).closingNext) {
    const v = changetype<Vport>(at);
    next = min(next, isEmpty(v) ? v.closingUntil : root().now);
  }
  return next;
}

/** A vport's region is going: nothing of it is touched from here on. */
export function closeBegin(v: Vport): void {
  const r = root();
  for (let id: u32 = 0; id < r.nics; id++) nicForget(port(id), v);
  unlistKick(v);
  if (r.kernel != 0) nicForget(port(r.kernel - 1), v);
  v.state = VportState.closing;
  v.closingUntil = r.now + LINGER_US;
  v.closingNext = 0;
  if (r.closingHead == 0) {
    r.closingHead = changetype<usize>(v);
  } else {
    let last = changetype<Vport>(r.closingHead);
    while (last.closingNext != 0) last = changetype<Vport>(last.closingNext);
    last.closingNext = changetype<usize>(v);
  }
  r.vportsOpen--;
  pairsForget(v);
  addressLeave(changetype<Address>(v.address), v);
  count(Counter.vportsClosed);
  closeSome();
}

/** Cuts the lingering of closed vports that have nothing left to do short: their numbers are needed. */
export function closeHurry(): void {
  for (let at = root().closingHead; at != 0; at = changetype<Vport>(at).closingNext) {
    changetype<Vport>(at).closingUntil = 0;
  }
  closeSome();
}
