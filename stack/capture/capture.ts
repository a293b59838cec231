import {
  CAPTURE_FRAME_MAX,
  CAPTURE_RING,
  CaptureArea,
  CaptureRecord,
  captureArea,
  RECORD_ALIGNMENT,
  RECORD_HEADER,
  RECORD_MOST,
} from "../memory/capture-area";
import { Port, TxSlot, txSpan } from "../memory/port";
import { root } from "../memory/root";
import { filterTakes } from "./filter";

/**
 * Capture at the stack, both ways. A frame is copied into the ring, shown to the filter, and stays there when
 * that takes it: the oldest records are written over, and nothing waits for who reads them.
 */

/** Smallest ring: several of the longest frames. */
const RING_MIN: u32 = 1 << 19;

function rounded(length: u32): u32 {
  return (length + RECORD_ALIGNMENT - 1) & ~(RECORD_ALIGNMENT - 1);
}

/**
 * Memory of `size` bytes at `at`, zeroed, for captures; Root.capturing starts and stops them. 0, or -1 when
 * it is too small.
 */
export function captureOpen(at: u32, size: u32): i32 {
  if (size < <u32>CAPTURE_RING + RING_MIN) return -1;
  const area = changetype<CaptureArea>(<usize>at);
  const ring = size - <u32>CAPTURE_RING;
  area.size = (<u32>1) << (31 - clz<u32>(ring));
  root().capture = <usize>at;
  return 0;
}

/** Where the next record goes: there is room for the longest frame. */
function nextRecord(area: CaptureArea): CaptureRecord {
  const ring = changetype<usize>(area) + CAPTURE_RING;
  const place = <u32>area.written & (area.size - 1);
  const rest = area.size - place;
  const record = changetype<CaptureRecord>(ring + <usize>place);
  if (rest >= rounded(RECORD_MOST)) return record;
  record.length = rest;
  record.captured = 0;
  record.original = 0;
  area.written += rest;
  return changetype<CaptureRecord>(ring);
}

/** Keeps the frame of `length` bytes behind a record's header if the filter takes it. */
function keep(area: CaptureArea, record: CaptureRecord, p: Port, isSent: bool, length: u32): bool {
  const frame = changetype<usize>(record) + <usize>RECORD_HEADER;
  area.seen++;
  if (!filterTakes(area, frame, length)) return false;
  area.taken++;
  record.captured = min(length, area.snap);
  record.length = rounded(RECORD_HEADER + record.captured);
  record.original = length;
  record.port = <u16>p.id;
  record.isSent = isSent ? 1 : 0;
  record.at = root().now;
  record.reason = 0;
  area.written += record.length;
  return true;
}

/** A received frame of `length` bytes at `frame`. */
export function captureReceived(p: Port, frame: usize, length: u32): void {
  const r = root();
  r.captured = 0;
  // Another stack of the process has seen it before, and keeps it.
  if (r.seenBefore != 0 || length > CAPTURE_FRAME_MAX) return;
  const area = captureArea();
  const record = nextRecord(area);
  memory.copy(changetype<usize>(record) + <usize>RECORD_HEADER, frame, length);
  if (keep(area, record, p, false, length)) r.captured = changetype<usize>(record);
}

/** A frame that was put into the transmit ring. */
export function captureSent(p: Port, slot: TxSlot): void {
  const area = captureArea();
  const record = nextRecord(area);
  const begin = changetype<usize>(record) + <usize>RECORD_HEADER;
  let at = begin;
  for (let i: u32 = 0; i < slot.spanCount; i++) {
    const span = txSpan(slot, i);
    const skipped: u32 = i == 0 ? span.length - slot.headerLength : 0;
    const length = span.length - skipped;
    if (<u32>(at - begin) + length > CAPTURE_FRAME_MAX) return;
    memory.copy(at, <usize>(span.address + skipped), length);
    at += <usize>length;
  }
  keep(area, record, p, true, <u32>(at - begin));
}
