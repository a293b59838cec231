import { RX_BURST } from "../../../stack/memory/map";

/** Bytes of the stack's region. What this module keeps lies behind it, in the same memory. */
export const REGION: u32 = 256 << 20;
/** Room for one received frame; there is some for each of a burst. */
export const SLOT: u32 = 2048;
const STATE: u32 = REGION + RX_BURST * SLOT;
const EVENTS: u32 = STATE + 64;
/** Most events of one harvest. */
export const EVENTS_MOST: u32 = 256;
const HANDLES: u32 = EVENTS + EVENTS_MOST * 8;
/** A connection's number is its socket's place in the pool; the rest of a handle is its age. */
const NUMBER: i32 = 65535;

/** What this side knows beside its stack. */
@unmanaged
class State {
  now: u64;
  set: i32;
  listener: i32;
  /** Frames that were delivered and not yet taken in. */
  received: u32;
}

/** What happened to a connection: bench/engine/engine.h. */
@unmanaged
class HostEvent {
  connection: i32;
  kind: u32;
}

@unmanaged
class Handle {
  value: i32;
}

/** The one State; compiles to a constant address. */
export function state(): State {
  return changetype<State>(STATE);
}

/** Event `index` of a harvest. */
export function hostEvent(index: u32): HostEvent {
  return changetype<HostEvent>(EVENTS + index * offsetof<HostEvent>());
}

/** The number of a socket's connection. */
export function numberOf(handle: i32): i32 {
  return handle & NUMBER;
}

/** The handle of connection `number`. */
export function handleAt(number: i32): Handle {
  return changetype<Handle>(HANDLES + number * offsetof<Handle>());
}
