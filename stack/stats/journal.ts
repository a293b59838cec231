import { captureReason } from "../memory/capture-area";
import { JOURNAL, JOURNAL_ENTRIES } from "../memory/map";
import { root } from "../memory/root";

/**
 * The journal: for each reason that is counted (why something was dropped, reset, retransmitted, left to the
 * kernel) its last occasions, so that a flood for one reason hides no other. Written when the reason is
 * counted and at no other time; read without the lock (ctl/journal.ts).
 */

/**
 * What an entry is about: nothing that has a name; a received frame, whose first bytes are the subject; a
 * connection, whose name as in a Tcb is.
 */
const SUBJECT_NONE: u32 = 0;
export const SUBJECT_FRAME: u32 = 1;
export const SUBJECT_CONNECTION: u32 = 2;

/** Bytes of the frame or of the connection's name that an entry keeps: Ethernet, IP and the ports of TCP. */
export const SUBJECT_SIZE: u32 = 72;
/** A connection's name within a Tcb: from localPort to remoteLow. */
export const CONNECTION_SIZE: u32 = 40;

/** One occasion; SUBJECT_SIZE bytes of subject follow it. */
@unmanaged
export class JournalEntry {
  /** Microseconds of the stack's clock. */
  at: u64;
  /** How often the reason had been counted by then, this occasion included; 0: never written. */
  number: u64;
  /** SUBJECT_NONE, SUBJECT_FRAME or SUBJECT_CONNECTION. */
  about: u32;
  /** Length of the frame in bytes, from the Ethernet header on. */
  length: u32;
}

/** Bytes of an entry and its subject. */
export const JOURNAL_STRIDE: u32 = 96;

/** Notes occasion `number` of the reason in row `row`. */
export function journal(row: u32, number: u64): void {
  const r = root();
  captureReason(row);
  const place = row * JOURNAL_ENTRIES + (<u32>number & (JOURNAL_ENTRIES - 1));
  const entry = changetype<JournalEntry>(JOURNAL + <usize>(place * JOURNAL_STRIDE));
  const subject = changetype<usize>(entry) + offsetof<JournalEntry>();
  // A reader that finds the same number before and after has a whole entry.
  entry.number = 0;
  entry.at = r.now;
  entry.about = SUBJECT_NONE;
  if (r.connection != 0) {
    entry.about = SUBJECT_CONNECTION;
    memory.copy(subject, r.connection, CONNECTION_SIZE);
  } else if (r.frame != 0) {
    entry.about = SUBJECT_FRAME;
    entry.length = r.frameLength;
    memory.copy(subject, r.frame, min(r.frameLength, SUBJECT_SIZE));
  }
  entry.number = number;
}
