/** Both ends of rings as the tests call them: references are addresses. */
import { Announcement, announcementAt, announcementBegin } from "../../../ring/announcement";
import { marksSize } from "../../../ring/consumer";
import { RingEnd } from "../../../ring/end";
import {
  REFUSAL_SIZE,
  REGISTER_SIZE,
  Refusal,
  Register,
  registrationBegin,
  registrationKind,
  WELCOME_SIZE,
  Welcome,
} from "../../../ring/registration";

export * from "../../../ring/client";
export { copyBytes } from "../../../ring/copy";
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
export { marksSize, registrationBegin, registrationKind };

export function endSize(): u32 {
  return <u32>offsetof<RingEnd>();
}

export function endNext(end: RingEnd): u32 {
  return end.next;
}

export function endPublished(end: RingEnd): u32 {
  return end.published;
}

export function endBroken(end: RingEnd): u32 {
  return end.broken;
}

export function endLastFault(end: RingEnd): u32 {
  return end.lastFault;
}

export function endFaults(end: RingEnd): u32 {
  return <u32>end.faults;
}

export function endFull(end: RingEnd): u32 {
  return <u32>end.full;
}

export function endHeld(end: RingEnd): u32 {
  return end.held;
}

export function endFrames(end: RingEnd): u32 {
  return <u32>end.frames;
}

export function endBytes(end: RingEnd): u32 {
  return <u32>end.bytes;
}

export function endSpanCount(end: RingEnd): u32 {
  return end.spanCount;
}

/** Moves a fresh end's indexes on, as if `index` slots had gone through; the shared ones are the test's. */
export function endMove(end: RingEnd, index: u32): void {
  end.next = index & 0xffff;
  end.published = index & 0xffff;
  end.seen = (end.seen + index) & 0xffff;
}

/** Sizes of the messages, and the offsets of some fields that other programs rely on. */
export function registrationShape(what: u32): u32 {
  switch (what) {
    case 0:
      return REGISTER_SIZE;
    case 1:
      return WELCOME_SIZE;
    case 2:
      return REFUSAL_SIZE;
    case 3:
      return <u32>offsetof<Register>("regionSize");
    case 4:
      return <u32>offsetof<Register>("prefixLength");
    case 5:
      return <u32>offsetof<Welcome>("mac");
    case 6:
      return <u32>offsetof<Refusal>("code");
    default:
      return <u32>offsetof<Announcement>();
  }
}

export function announcementMake(address: usize, kind: i32): usize {
  return changetype<usize>(announcementBegin(address, kind));
}

export function announcementFind(address: usize, length: u32): usize {
  return changetype<usize>(announcementAt(address, length));
}
