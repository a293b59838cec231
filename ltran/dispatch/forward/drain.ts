import { ringPending } from "../../../ring/end";
import { Counter, count } from "../stats/counters";
import { Address } from "../tables/address";
import { Vport, VportState, vportTake } from "../tables/vport";
import { FrameLevel } from "./frame";
import { takeFrames } from "./from-vport";

/**
 * Empties the rings of an address' vports, so that nothing announced before a frame of `source` (0: a NIC)
 * goes unheard. False when that was not possible: a rate limit, or a NIC without room, holds frames back, or
 * a ring is being emptied already. What stands in the ring of `source` was announced after the frame.
 */
export function drain(a: Address, source: usize): bool {
  let isComplete = true;
  count(Counter.drains);
  for (let at = a.vports; at != 0; ) {
    const v = changetype<Vport>(at);
    at = v.addressNext;
    if (v.state != VportState.open) continue;
    const end = vportTake(v);
    if (v.isBusy != 0) {
      if (changetype<usize>(v) != source && ringPending(end)) isComplete = false;
      continue;
    }
    // One ringful at most: whoever publishes all the time was heard up to this moment, which is enough.
    takeFrames(v, FrameLevel.inner, end.slots);
    if (end.broken == 0 && ringPending(end) && v.stalled != 0) isComplete = false;
  }
  return isComplete;
}
