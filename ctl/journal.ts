/** The journal of a stack (stack/stats/journal.ts): the last occasions of each reason. */
import { COUNTERS } from "../build/generated/node/counters.js";
import * as layout from "../build/generated/node/layout.js";
import { TABLES } from "./statistics.js";

/** The tables of reasons, and the row of the journal in which each begins. */
const ROWS = {
  drops: layout.JOURNAL_DROPS,
  resets: layout.JOURNAL_RESETS,
  fallbacks: layout.JOURNAL_FALLBACKS,
  retransmissions: layout.JOURNAL_RETRANSMISSIONS,
} as const;
export type ReasonTable = keyof typeof ROWS;

/** A connection as seen from the stack; addresses as text. */
export interface ConnectionName {
  local: string;
  localPort: number;
  remote: string;
  remotePort: number;
}

/** One occasion. */
export interface Occasion {
  table: ReasonTable;
  reason: string;
  doc: string;
  /** Microseconds of the stack's clock. */
  at: bigint;
  /** How often the reason had been counted by then. */
  number: bigint;
  /** A received frame: its length and its first bytes. */
  frame?: { length: number; head: Buffer };
  /** A connection that acted by itself. */
  connection?: ConnectionName;
}

const IPV4_MAPPED = "00000000000000000000ffff";

/** An address as the stack keeps it: two words of network-order bytes. */
export function addressText(bytes: Buffer): string {
  if (bytes.toString("hex", 0, 12) === IPV4_MAPPED) return bytes.subarray(12, 16).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

function nameOf(bytes: Buffer): ConnectionName {
  return {
    local: addressText(bytes.subarray(layout.CONNECTION_LOCAL)),
    localPort: bytes.readUInt16LE(layout.CONNECTION_LOCAL_PORT),
    remote: addressText(bytes.subarray(layout.CONNECTION_REMOTE)),
    remotePort: bytes.readUInt16LE(layout.CONNECTION_REMOTE_PORT),
  };
}

function subjectOf(entry: Buffer): Pick<Occasion, "frame" | "connection"> {
  const about = entry.readUInt32LE(layout.JOURNAL_ABOUT);
  const subject = entry.subarray(layout.JOURNAL_SUBJECT);
  if (about === layout.SUBJECT_CONNECTION) return { connection: nameOf(subject) };
  if (about !== layout.SUBJECT_FRAME) return {};
  const length = entry.readUInt32LE(layout.JOURNAL_LENGTH);
  return { frame: { length, head: subject.subarray(0, Math.min(length, layout.JOURNAL_SUBJECT_SIZE)) } };
}

/**
 * The occasions in a copy of the region from JOURNAL to JOURNAL_END, the latest first. The stack may have
 * written while it was copied: `again` is a second copy, and what differs in it is left out.
 */
export function readJournal(block: Buffer, again = block): Occasion[] {
  const occasions: Occasion[] = [];
  for (const table of Object.keys(ROWS) as ReasonTable[]) {
    for (const { name, doc, index } of COUNTERS.filter((entry) => entry.enum === TABLES[table])) {
      for (let i = 0; i < layout.JOURNAL_ENTRIES; i++) {
        const at = ((ROWS[table] + index) * layout.JOURNAL_ENTRIES + i) * layout.JOURNAL_STRIDE;
        const entry = block.subarray(at, at + layout.JOURNAL_STRIDE);
        const number = entry.readBigUInt64LE(layout.JOURNAL_NUMBER);
        if (number === 0n || !entry.equals(again.subarray(at, at + layout.JOURNAL_STRIDE))) continue;
        const when = entry.readBigUInt64LE(layout.JOURNAL_AT);
        occasions.push({ table, reason: name, doc, at: when, number, ...subjectOf(entry) });
      }
    }
  }
  const order = (first: bigint, second: bigint) => (first < second ? 1 : first > second ? -1 : 0);
  return occasions.sort((one, two) => order(one.at, two.at) || order(one.number, two.number));
}
