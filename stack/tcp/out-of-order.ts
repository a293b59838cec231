import { Buffer, bufferBase, bufferGive, bufferTake, chainGive } from "../memory/buffer";
import { BUFFER_SIZE } from "../memory/map";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { tcpWriteSack, tcpWriteSackBlock } from "../wire/tcp";
import { chainAppend, receiveQueueSplice } from "./receive-queue";
import { after, before, beforeOrAt, earliest } from "./sequence";
import { Tcb, TcbFlag, tcbHas } from "./tcb";

/** A run of bytes received ahead of missing ones, and the chain that holds them. */
@unmanaged
class Run {
  start: u32;
  end: u32;
  head: usize;
  tail: usize;
  /** When it last grew, in kept segments. */
  stamp: u32;
}

/** The table of runs lies in a packet buffer, which is taken when the first run comes. */
const RUNS_MAX: u32 = BUFFER_SIZE / 20;

function run(tcb: Tcb, index: u32): Run {
  assert(index < RUNS_MAX);
  return changetype<Run>(bufferBase(changetype<Buffer>(tcb.runs)) + <usize>index * offsetof<Run>());
}

function runMake(tcb: Tcb, index: u32, start: u32): bool {
  if (tcb.runCount == RUNS_MAX) return false;
  const buffer = bufferTake();
  if (changetype<usize>(buffer) == 0) return false;
  if (tcb.runs == 0) tcb.runs = changetype<usize>(bufferTake());
  if (tcb.runs == 0) {
    bufferGive(buffer);
    return false;
  }
  const at = changetype<usize>(run(tcb, index));
  const size = offsetof<Run>();
  memory.copy(at + size, at, <usize>(tcb.runCount - index) * size);
  tcb.runCount++;
  const r = changetype<Run>(at);
  r.start = start;
  r.end = start;
  r.head = changetype<usize>(buffer);
  r.tail = changetype<usize>(buffer);
  return true;
}

function runForget(tcb: Tcb, index: u32): void {
  tcb.runCount--;
  const at = changetype<usize>(run(tcb, index));
  const size = offsetof<Run>();
  memory.copy(at, at + size, <usize>(tcb.runCount - index) * size);
  if (tcb.runCount == 0) {
    bufferGive(changetype<Buffer>(tcb.runs));
    tcb.runs = 0;
  }
}

/**
 * Appends what fits between the run's end and `end` (not beyond the next run), and joins it to that when they
 * meet.
 */
function runGrow(tcb: Tcb, index: u32, sequence: u32, payload: usize, end: u32): bool {
  const r = run(tcb, index);
  const last = index + 1 == tcb.runCount;
  const stop = last ? end : earliest(end, run(tcb, index + 1).start);
  r.stamp = tcb.runStamp;
  const before = r.end;
  let tail = changetype<Buffer>(r.tail);
  const wanted = stop - before;
  let length: u32 = 0;
  // Buffer by buffer, so that the run stays whole when buffers run out.
  while (length < wanted) {
    const part = min(wanted - length, BUFFER_SIZE / 2);
    const held = <u32>tail.length;
    const grown = chainAppend(tail, payload + (before - sequence) + length, part);
    const taken = changetype<usize>(grown) == changetype<usize>(tail) ? <u32>grown.length - held : part;
    tail = grown;
    length += taken;
    if (taken < part) break;
  }
  r.tail = changetype<usize>(tail);
  r.end = before + length;
  if (length < wanted) return false;
  if (!last && run(tcb, index + 1).start == r.end) {
    const next = run(tcb, index + 1);
    tail.next = next.head;
    r.tail = next.tail;
    r.end = next.end;
    runForget(tcb, index + 1);
  }
  return true;
}

/** Keeps a segment received ahead of missing data, as far as it is new and there is room. */
export function outOfOrderInsert(tcb: Tcb, sequence: u32, payload: usize, length: u32): void {
  const end = sequence + length;
  let at = sequence;
  let kept = false;
  tcb.runStamp++;
  while (before(at, end)) {
    let index: u32 = 0;
    while (index < tcb.runCount && before(run(tcb, index).end, at)) index++;
    if (index < tcb.runCount && beforeOrAt(run(tcb, index).start, at)) {
      run(tcb, index).stamp = tcb.runStamp;
      if (beforeOrAt(end, run(tcb, index).end)) break;
    } else if (!runMake(tcb, index, at)) {
      drop(DropReason.noBuffer);
      break;
    }
    kept = true;
    if (!runGrow(tcb, index, sequence, payload, end)) {
      drop(DropReason.noBuffer);
      if (run(tcb, index).end == run(tcb, index).start) {
        chainGive(run(tcb, index).head);
        runForget(tcb, index);
      }
      break;
    }
    at = run(tcb, index).end;
  }
  count(kept ? Counter.tcpOutOfOrder : Counter.tcpDuplicates);
}

/** Moves the runs that rcvNxt has reached to the receive queue, and rcvNxt behind them. */
export function outOfOrderDrain(tcb: Tcb): void {
  while (tcb.runCount != 0) {
    const r = run(tcb, 0);
    if (after(r.start, tcb.rcvNxt)) return;
    let head = r.head;
    const tail = r.tail;
    const end = r.end;
    let known = tcb.rcvNxt - r.start;
    runForget(tcb, 0);
    if (beforeOrAt(end, tcb.rcvNxt)) {
      chainGive(head);
      continue;
    }
    while (known != 0) {
      const first = changetype<Buffer>(head);
      if (known < first.length) {
        first.start += <u16>known;
        first.length -= <u16>known;
        break;
      }
      known -= first.length;
      head = first.next;
      bufferGive(first);
    }
    receiveQueueSplice(tcb, head, tail, end - tcb.rcvNxt);
    tcb.rcvNxt = end;
  }
}

/** Frees everything. */
export function outOfOrderDiscard(tcb: Tcb): void {
  while (tcb.runCount != 0) {
    chainGive(run(tcb, tcb.runCount - 1).head);
    runForget(tcb, tcb.runCount - 1);
  }
}

/** Blocks of the SACK option that the next segment carries: 0 when there is nothing to report. */
export function sackBlocksToSend(tcb: Tcb): u32 {
  if (tcb.runCount == 0 || !tcbHas(tcb, TcbFlag.sackPermitted)) return 0;
  // RFC 2018, section 3: 40 bytes of options hold four blocks, or three beside timestamps.
  return min<u32>(tcb.runCount, tcbHas(tcb, TcbFlag.timestamps) ? 3 : 4);
}

/**
 * Appends a SACK option: the run that grew last comes first, then those that grew before it (RFC 2018,
 * section 4).
 */
export function sackWrite(tcb: Tcb, at: usize, blocks: u32): usize {
  let cursor = tcpWriteSack(at, blocks);
  let below = tcb.runStamp + 1;
  for (let i: u32 = 0; i < blocks; i++) {
    let best: u32 = 0;
    let found = false;
    for (let j: u32 = 0; j < tcb.runCount; j++) {
      const stamp = run(tcb, j).stamp;
      if (before(stamp, below) && (!found || after(stamp, run(tcb, best).stamp))) {
        best = j;
        found = true;
      }
    }
    // Two runs can have one stamp when a segment bridged a known run; the second one is then left to a later
    // option.
    const r = run(tcb, best);
    cursor = tcpWriteSackBlock(cursor, r.start, r.end);
    below = r.stamp;
  }
  return cursor;
}
