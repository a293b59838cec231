// The stacks under test: what bench/engine/driver.c hands on to their shared objects (engine.h says what each
// call means). Side 0 opens connections to side 1.

/** What happened to a connection. */
export const enum EventKind {
  Accepted,
  Connected,
  Readable,
  Writable,
}

/** Events of one harvest: pairs of u32, connection and EventKind. */
export const EVENTS: i32 = 256;
/** Connections are numbers below this. */
export const CONNECTIONS: i32 = 65536;

export declare function time(side: i32, now: u64): void;
export declare function input(side: i32): void;
export declare function events(side: i32, list: usize): i32;
export declare function output(side: i32): void;
export declare function connect(writes: bool): i32;
export declare function send(side: i32, connection: i32, data: usize, length: i32): i32;
export declare function receive(side: i32, connection: i32, data: usize, length: i32): i32;
export declare function close(side: i32, connection: i32): void;
/** Whether two runs of bytes are the same. */
export declare function same(one: usize, other: usize, length: i32): bool;
/** Microseconds: of the monotonic clock, or the thread's processor time. */
export declare function clock(processor: bool): u64;
/** Ends the process with a message: bytes that end with a zero byte. */
declare function failText(text: usize): void;

/** Ends the process with a message. */
export function fail(text: string): void {
  failText(changetype<usize>(String.UTF8.encode(text, true)));
}
