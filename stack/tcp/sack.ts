import { Buffer, bufferBase, bufferGive, bufferTake } from "../memory/buffer";
import { BUFFER_SIZE } from "../memory/map";
import { tcpOptionWord } from "../wire/tcp";
import { segment } from "./segment";
import { after, before, beforeOrAt, earliest, latest } from "./sequence";
import { Tcb } from "./tcb";

/**
 * The sender's scoreboard of RFC 6675, section 3: the ranges above sndUna that the peer has reported, sorted,
 * apart from each other. It lies in a packet buffer taken when the first report comes.
 */
@unmanaged
class Range {
  start: u32;
  end: u32;
}

const RANGES_MAX: u32 = BUFFER_SIZE / 8;
/** RFC 6675, section 2. */
const DUP_THRESH: u32 = 3;

function range(tcb: Tcb, index: u32): Range {
  assert(index < RANGES_MAX);
  return changetype<Range>(bufferBase(changetype<Buffer>(tcb.scoreboard)) + ((<usize>index) << 3));
}

function forget(tcb: Tcb, index: u32, count: u32): void {
  const at = changetype<usize>(range(tcb, index));
  const gone = (<usize>count) << 3;
  memory.copy(at, at + gone, (<usize>(tcb.sackCount - index - count)) << 3);
  tcb.sackCount -= count;
}

/**
 * Adds start..end-1; true when any of it was not known. When the table is full a new range is not taken: RFC
 * 2018 allows it.
 */
function add(tcb: Tcb, start: u32, end: u32): bool {
  if (tcb.scoreboard == 0) {
    tcb.scoreboard = changetype<usize>(bufferTake());
    if (tcb.scoreboard == 0) return false;
  }
  let first: u32 = 0;
  while (first < tcb.sackCount && before(range(tcb, first).end, start)) first++;
  let behind = first;
  while (behind < tcb.sackCount && beforeOrAt(range(tcb, behind).start, end)) behind++;
  if (behind == first) {
    if (tcb.sackCount == RANGES_MAX) return false;
    const at = changetype<usize>(range(tcb, first));
    memory.copy(at + 8, at, (<usize>(tcb.sackCount - first)) << 3);
    tcb.sackCount++;
    range(tcb, first).start = start;
    range(tcb, first).end = end;
    return true;
  }
  const r = range(tcb, first);
  const last = range(tcb, behind - 1).end;
  const known = behind == first + 1 && beforeOrAt(r.start, start) && beforeOrAt(end, last);
  r.start = earliest(r.start, start);
  r.end = latest(last, end);
  if (behind > first + 1) forget(tcb, first + 1, behind - first - 1);
  return !known;
}

/** Takes the segment's SACK blocks in; true when they report anything new. Nonsense is skipped. */
export function sackUpdate(tcb: Tcb): bool {
  const s = segment();
  let news = false;
  for (let i: u32 = 0; i < s.sackCount; i++) {
    const at = s.sackBlocks + ((<usize>i) << 3);
    const start = tcpOptionWord(at);
    const end = tcpOptionWord(at + 4);
    // A block at or below the cumulative ACK is a D-SACK (RFC 2883): it says nothing about what is missing.
    if (!before(start, end) || beforeOrAt(end, tcb.sndUna) || after(end, tcb.sndMax)) continue;
    if (before(start, tcb.sndUna)) continue;
    if (add(tcb, start, end)) news = true;
  }
  return news;
}

/** Drops what the cumulative ACK has reached. */
export function sackAdvance(tcb: Tcb): void {
  let gone: u32 = 0;
  while (gone < tcb.sackCount && beforeOrAt(range(tcb, gone).end, tcb.sndUna)) gone++;
  if (gone != 0) forget(tcb, 0, gone);
  if (tcb.sackCount == 0) sackClear(tcb);
  else if (before(range(tcb, 0).start, tcb.sndUna)) range(tcb, 0).start = tcb.sndUna;
}

/** Forgets every report. */
export function sackClear(tcb: Tcb): void {
  tcb.sackCount = 0;
  if (tcb.scoreboard == 0) return;
  bufferGive(changetype<Buffer>(tcb.scoreboard));
  tcb.scoreboard = 0;
}

/** Whether the byte at sndUna is reported: the peer has taken its reports back (RFC 2018, section 8). */
export function sackReneged(tcb: Tcb): bool {
  return tcb.sackCount != 0 && range(tcb, 0).start == tcb.sndUna;
}

/** Bytes reported below `sequence`. */
export function sackedBelow(tcb: Tcb, sequence: u32): u32 {
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < tcb.sackCount; i++) {
    const r = range(tcb, i);
    if (beforeOrAt(sequence, r.start)) break;
    bytes += earliest(r.end, sequence) - r.start;
  }
  return bytes;
}

/** `sequence`, or the end of the reported range it lies in. */
export function sackSkip(tcb: Tcb, sequence: u32): u32 {
  for (let i: u32 = 0; i < tcb.sackCount; i++) {
    const r = range(tcb, i);
    if (before(sequence, r.start)) break;
    if (before(sequence, r.end)) return r.end;
  }
  return sequence;
}

/** Start of the first reported range above `sequence`, or `otherwise`. */
export function sackNext(tcb: Tcb, sequence: u32, otherwise: u32): u32 {
  for (let i: u32 = 0; i < tcb.sackCount; i++) {
    const start = range(tcb, i).start;
    if (after(start, sequence)) return start;
  }
  return otherwise;
}

/** End of the highest reported range; sndUna when there is none. */
export function sackHighest(tcb: Tcb): u32 {
  return tcb.sackCount == 0 ? tcb.sndUna : range(tcb, tcb.sackCount - 1).end;
}

/**
 * IsLost() of RFC 6675, section 4, for all bytes at once: what is not reported below the answer is lost,
 * since DUP_THRESH ranges, or more than DUP_THRESH - 1 full segments, were reported above it.
 */
export function sackLostEdge(tcb: Tcb): u32 {
  let bytes: u32 = 0;
  for (let i = tcb.sackCount; i > 0; i--) {
    const r = range(tcb, i - 1);
    bytes += r.end - r.start;
    const above = tcb.sackCount - (i - 1);
    if (above >= DUP_THRESH || bytes > (DUP_THRESH - 1) * tcb.mss) return r.start;
  }
  return tcb.sndUna;
}

function overlap(start: u32, end: u32, edge: u32): u32 {
  return before(start, edge) ? earliest(end, edge) - start : 0;
}

/** SetPipe() of RFC 6675, section 4: what is neither reported nor lost, and what was retransmitted. */
export function sackPipe(tcb: Tcb): u32 {
  let pipe: u32 = 0;
  let at = tcb.sndUna;
  for (let i: u32 = 0; i <= tcb.sackCount; i++) {
    const end = i == tcb.sackCount ? tcb.sndMax : range(tcb, i).start;
    if (before(at, end)) {
      if (!before(at, tcb.lostEdge)) pipe += end - at;
      pipe += overlap(at, end, tcb.highRetransmit);
    }
    if (i < tcb.sackCount) at = range(tcb, i).end;
  }
  return pipe;
}
