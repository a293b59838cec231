/** Both ends of a ring as the tests call them: references are addresses. */
import { consumerPublish, marksSize } from "../../../ring/consumer";
import { RingEnd } from "../../../ring/end";

export * from "../../../ring/client";
export {
  ringAvailable,
  ringAwaitRoom,
  ringAwake,
  ringBreak,
  ringDescribe,
  ringHasRoom,
  ringPending,
  ringReset,
  ringRoomFound,
  ringSleep,
  ringWantsKick,
  ringWantsRoomKick,
} from "../../../ring/end";
export * from "../../../ring/region";
export {
  serverAttach,
  serverHold,
  serverPeek,
  serverPut,
  serverPutPublish,
  serverRelease,
  serverTake,
  serverTakePublish,
} from "../../../ring/server";
export { consumerPublish, marksSize };

export function endSize(): u32 {
  return <u32>offsetof<RingEnd>();
}
