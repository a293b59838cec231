import { CALL, CALL_EVENTS, CALL_SPANS } from "./map";

/** A piece of linear memory handed to the shell. */
@unmanaged
export class Span {
  address: u32;
  length: u32;
}

/**
 * A socket address at a door: 16 bytes of address (IPv4 as ::ffff:a.b.c.d), network byte order; port as a
 * number.
 */
@unmanaged
export class Endpoint {
  high: u64;
  low: u64;
  port: u16;
  /** 4 or 6. */
  version: u16;
  /** IPv6 zone, 0 when none. */
  scope: u32;
}

/** One readiness event at a door, with what the caller registered. */
@unmanaged
export class ReadyEvent {
  data: u64;
  events: u32;
  /** The descriptor; with READY_SPENT when the interest was a one-shot one. */
  fd: u32;
}

export const READY_SPENT: u32 = 0x80000000;

/** A wait set in which a sleeper is to be woken. */
@unmanaged
class Wake {
  id: i32;
}

/**
 * The call area: what does not fit the arguments and results of a door. The caller holds the stack's lock, so
 * there is one; nothing in it lives longer than one call (plan and commit count as one).
 */
@unmanaged
export class Call {
  /** The endpoint given to, or answered by, the call. */
  endpoint: u32;
  spanCount: u32;
  eventCount: u32;
  wakeCount: u32;
  /** A number that a call answers beside its result (an option's value, a flag word). */
  value: u64;
  /** Entropy for create(), 32 bytes. */
  seed0: u64;
  seed1: u64;
  seed2: u64;
  seed3: u64;
  /**
   * The time of day of a receive, in nanoseconds since 1970, when the caller has room for control messages.
   */
  timeOfDay: u64;
  /** Bytes of control messages: that a receive has room for, or that a send was given; and that it got. */
  controlRoom: u32;
  controlLength: u32;
  /** What recvmsg() answers in msg_flags. */
  messageFlags: u32;
}

export const CALL_ENDPOINT: usize = CALL + 0x80;
export const CALL_ENDPOINT2: usize = CALL + 0xa0;
/** Option values that are not one number (struct linger, timeval), up to 256 bytes (TCP_INFO). */
export const CALL_OPTION: usize = CALL + 0x100;
export const CALL_OPTION_SIZE: u32 = 0x200;
export const CALL_SPAN: usize = CALL + 0x400;
export const CALL_EVENT: usize = CALL + 0x800;
export const CALL_WAKE: usize = CALL + 0x1c00;
export const CALL_WAKES: u32 = 256;
/** Control messages of sendmsg() and recvmsg(), as cmsg(3) has them. */
export const CALL_CONTROL: usize = CALL + 0x2000;
export const CALL_CONTROL_SIZE: u32 = 0x400;

/** The call area's head; compiles to a constant address. */
export function call(): Call {
  return changetype<Call>(CALL);
}

/** The endpoint that the call is about. */
export function callEndpoint(): Endpoint {
  return changetype<Endpoint>(CALL_ENDPOINT);
}

/** A second endpoint of the same call: where a received datagram was sent to. */
export function callEndpoint2(): Endpoint {
  return changetype<Endpoint>(CALL_ENDPOINT2);
}

/** Span `index` of a plan. */
export function callSpan(index: u32): Span {
  assert(index < CALL_SPANS);
  return changetype<Span>(CALL_SPAN + <usize>index * offsetof<Span>());
}

/** Event `index` of a harvest. */
export function callEvent(index: u32): ReadyEvent {
  assert(index < CALL_EVENTS);
  return changetype<ReadyEvent>(CALL_EVENT + <usize>index * offsetof<ReadyEvent>());
}

/** Wake-up `index` of takeWakes(). */
export function callWake(index: u32): Wake {
  assert(index < CALL_WAKES);
  return changetype<Wake>(CALL_WAKE + <usize>index * offsetof<Wake>());
}
