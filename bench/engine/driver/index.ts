// The driver of the engine benchmark: two instances of one TCP stack back to back on one thread.
import { clock, EVENTS, EventKind, events, fail, input, output, time } from "./engine";
import { BATCH, client, handle, progress, Row, server, start } from "./rows";

const TIME_WAIT_US: u64 = 130_000_000;
const STEP_US: u64 = 250_000;
/** Nothing moved for so long: something is broken. */
const PATIENCE_US: u64 = 5_000_000;

class Clock {
  /** How far the stacks' clock was put forward. */
  ahead: u64 = 0;
  lastOperations: u64 = 0;
  movedAt: u64 = 0;
}

const state = new Clock();
const list = new StaticArray<u32>(EVENTS * 2);

function now(): u64 {
  return clock(false) + state.ahead;
}

function watchProgress(at: u64): void {
  if (progress.operations != state.lastOperations || state.movedAt == 0) {
    state.lastOperations = progress.operations;
    state.movedAt = at;
  } else if (at - state.movedAt > PATIENCE_US + TIME_WAIT_US) fail("nothing moves any more");
}

/** One turn of both event loops; the time it began. */
function turn(row: Row): u64 {
  const at = now();
  for (let number = 0; number < 2; number++) {
    const side = number == 0 ? client : server;
    time(number, at);
    input(number);
    const count = events(number, changetype<usize>(list));
    for (let i = 0; i < count; i++) {
      const connection = <i32>list[2 * i];
      const kind = <EventKind>list[2 * i + 1];
      if (kind == EventKind.Accepted) side.opened(connection);
      else if (side.isOpen[connection]) handle(row, number == 1, connection, kind);
    }
    output(number);
  }
  watchProgress(at);
  return at;
}

/** Turns until `limit` operations are done or `duration` has passed; answers the processor time they took. */
function measure(row: Row, limit: u64, duration: u64): u64 {
  const begin = now();
  const spent = clock(true);
  let at = begin;
  while (progress.operations < limit && at - begin < duration) at = turn(row);
  return clock(true) - spent;
}

function measureShort(duration: u64): u64 {
  const row = Row.ShortConnections;
  let spent: u64 = 0;
  let done: u64 = 0;
  for (; spent < duration; done += BATCH) {
    for (const end = state.ahead + TIME_WAIT_US; state.ahead < end; state.ahead += STEP_US) turn(row);
    // The first one finds out again what the stacks forgot.
    progress.operations = BATCH - 1;
    start(false);
    while (progress.operations < BATCH) turn(row);
    progress.operations = 0;
    start(false);
    spent += measure(row, BATCH, PATIENCE_US);
  }
  progress.operations = done;
  return spent;
}

/** Opens a row's connections and lets them work for a quarter of `duration` microseconds. */
export function prepare(row: i32, connections: i32, duration: u64): void {
  if (row == Row.ShortConnections) return;
  // Some at a time: no stack need keep a long queue of handshakes.
  for (let i = 0; i < connections; i++) {
    start(row == Row.Bulk);
    if (i % <i32>BATCH == 0) turn(row);
  }
  const begin = clock(false);
  while (turn(row) - begin < duration / 4);
  progress.operations = 0;
  progress.verified = 0;
}

/** Runs a row for `duration` microseconds; answers the processor time it took. */
export function run(row: i32, duration: u64): u64 {
  return row == Row.ShortConnections ? measureShort(duration) : measure(row, u64.MAX_VALUE, duration);
}

/** What the row counts. */
export function operations(): u64 {
  return progress.operations;
}

/** Bytes that were compared with those sent. */
export function verified(): u64 {
  return progress.verified;
}
