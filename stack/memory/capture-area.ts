import { root } from "./root";

/**
 * Memory of a capture, outside the region, given by the shell (captureMemory): this struct, the filter's
 * state, scratch words and steps, then a ring of records. Who captures writes snap and steps, then
 * Root.capturing; the stack writes everything else. It is read without the lock: a record is whole as long as
 * `written` has not gone so far beyond it that its place was used again.
 */
@unmanaged
export class CaptureArea {
  /** Bytes of records ever written; the next one begins at this place modulo `size`. */
  written: u64;
  /** Frames looked at, and those of them that the filter took. */
  seen: u64;
  taken: u64;
  /** Bytes of the ring, a power of two. */
  size: u32;
  /** Bytes kept of each frame at most. */
  snap: u32;
  /** Instructions of the filter; 0: every frame is taken. */
  steps: u32;
}

/** A captured frame; its bytes follow. Without any it fills the ring up to its end. */
@unmanaged
export class CaptureRecord {
  /** Bytes to the next record, this header included: a multiple of RECORD_ALIGNMENT. */
  length: u32;
  /** Bytes that follow, and that the frame had. */
  captured: u32;
  original: u32;
  port: u16;
  /** 1: sent by the stack, 0: received. */
  isSent: u16;
  /** Microseconds of the stack's clock. */
  at: u64;
  /** The journal's row, counted from one, of the last reason that was counted about it; 0: none. */
  reason: u32;
}

/** Where the parts of the area lie from its beginning. */
export const CAPTURE_STATE: usize = 64;
export const CAPTURE_SCRATCH: usize = 128;
export const CAPTURE_STEPS: usize = 192;
export const CAPTURE_RING: usize = 8192;
/** Instructions of a filter at most. */
export const CAPTURE_STEPS_MAX: u32 = 1000;
/** Bytes of a record's header; records begin at multiples of them. */
export const RECORD_HEADER: u32 = 32;
export const RECORD_ALIGNMENT: u32 = 32;
/** Longest frame: a super-frame with its headers; and its record. */
export const CAPTURE_FRAME_MAX: u32 = 65536 + 128;
export const RECORD_MOST: u32 = RECORD_HEADER + CAPTURE_FRAME_MAX;

/** The capture's memory; null (0) when there is none. */
export function captureArea(): CaptureArea {
  return changetype<CaptureArea>(root().capture);
}

/** A reason was counted about what is being dealt with: the journal's row `row`. */
export function captureReason(row: u32): void {
  const at = root().captured;
  if (at != 0) changetype<CaptureRecord>(at).reason = row + 1;
}
