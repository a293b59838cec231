import { SEGMENT } from "../memory/map";

/** Which options a segment carried. */
export enum Has {
  timestamps = 1,
  mss = 2,
  windowScale = 4,
  sackPermitted = 8,
  /** No option: the segment ended a connection in TIME_WAIT, and `successorFirst` is set. */
  predecessor = 16,
}

/**
 * The TCP segment that is being processed, parsed. There is one: the caller holds the stack's lock and a
 * segment is done with before the next one is looked at.
 */
@unmanaged
export class Segment {
  /** Port it came from. */
  port: usize;
  sourceHigh: u64;
  sourceLow: u64;
  destinationHigh: u64;
  destinationLow: u64;
  sourcePort: u16;
  destinationPort: u16;
  sequence: u32;
  acknowledgement: u32;
  flags: u32;
  /** The window field, not scaled. */
  window: u32;
  /** Address and bytes of the payload; both move when the segment is trimmed to the window. */
  payload: usize;
  length: u32;
  /** Bits of Has. */
  has: u32;
  timestampValue: u32;
  timestampEcho: u32;
  mss: u32;
  windowScale: u32;
  /** Address and number of the SACK blocks. */
  sackBlocks: usize;
  sackCount: u32;
  /** The least initial sequence number of the connection that takes the place of one in TIME_WAIT. */
  successorFirst: u32;
}

/** The segment being processed; compiles to a constant address. */
export function segment(): Segment {
  return changetype<Segment>(SEGMENT);
}
