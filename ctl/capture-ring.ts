/** The ring of a capture (stack/memory/capture-area.ts), read while the stack writes it. */
import { COUNTERS } from "../build/generated/node/counters.js";
import * as layout from "../build/generated/node/layout.js";

/** Why something was dropped, reset, sent again or left to the kernel. */
export interface Reason {
  name: string;
  doc: string;
}

/** A frame of a capture. */
export interface CapturedFrame {
  /** Microseconds of the stack's clock. */
  at: bigint;
  port: number;
  isSent: boolean;
  /** Bytes that the frame had; `bytes` may be fewer. */
  original: number;
  bytes: Buffer;
  /** What was counted about it last, if anything was. */
  reason?: Reason;
}

/** What a look at the ring found. */
export interface CaptureLook {
  frames: CapturedFrame[];
  /** Where the next look begins, in bytes ever written. */
  next: bigint;
  /** Bytes of records that were written over before they were read. */
  lost: bigint;
}

const TABLES = [
  ["DropReason", layout.JOURNAL_DROPS],
  ["ResetReason", layout.JOURNAL_RESETS],
  ["FallbackReason", layout.JOURNAL_FALLBACKS],
  ["RetransmissionReason", layout.JOURNAL_RETRANSMISSIONS],
] as const;

/** The reasons by their rows in the journal. */
const REASONS = new Map(
  TABLES.flatMap(([table, first]) =>
    COUNTERS.filter((entry) => entry.enum === table).map(({ name, doc, index }) => [
      first + index,
      { name, doc },
    ]),
  ),
);

/** How many bytes of records were ever written. */
function captureWritten(header: Buffer): bigint {
  return header.readBigUInt64LE(layout.CAPTURE_WRITTEN);
}

function frameAt(ring: Buffer, at: number): CapturedFrame | undefined {
  const captured = ring.readUInt32LE(at + layout.RECORD_CAPTURED);
  if (captured === 0) return undefined;
  const reason = REASONS.get(ring.readUInt32LE(at + layout.RECORD_REASON) - 1);
  const begin = at + layout.RECORD_HEADER;
  return {
    at: ring.readBigUInt64LE(at + layout.RECORD_AT),
    port: ring.readUInt16LE(at + layout.RECORD_PORT),
    isSent: ring.readUInt16LE(at + layout.RECORD_IS_SENT) !== 0,
    original: ring.readUInt32LE(at + layout.RECORD_ORIGINAL),
    bytes: Buffer.from(ring.subarray(begin, begin + captured)),
    ...(reason === undefined ? {} : { reason }),
  };
}

/**
 * The frames in a copy of the whole area, from `from` on. `later` is its header as it was after the copy was
 * made: what the stack may have written over meanwhile is lost.
 */
export function readCapture(area: Buffer, later: Buffer, from: bigint): CaptureLook {
  const size = BigInt(area.readUInt32LE(layout.CAPTURE_SIZE));
  const end = captureWritten(area);
  const safe = captureWritten(later) + BigInt(layout.RECORD_MOST) - size;
  const ring = area.subarray(layout.CAPTURE_RING);
  const frames: CapturedFrame[] = [];
  // Where a record begins is known for the next one to be read, and for the ring's own beginning.
  const lap = end - (end % size);
  let at = from >= safe ? from : lap >= safe && lap > from ? lap : end;
  const lost = at - from;
  while (at < end) {
    const place = Number(at % size);
    const frame = frameAt(ring, place);
    if (frame !== undefined) frames.push(frame);
    at += BigInt(ring.readUInt32LE(place));
  }
  return { frames, next: at, lost };
}
