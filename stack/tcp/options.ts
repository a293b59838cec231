import {
  TCP_HEADER,
  TcpOption,
  tcpHasAlignedTimestamps,
  tcpOptionByte,
  tcpOptionHalf,
  tcpOptionWord,
} from "../wire/tcp";
import { Has, Segment } from "./segment";

/** Largest shift count (RFC 7323, section 2.3). */
const WINDOW_SCALE_MAX: u32 = 14;

function option(s: Segment, kind: u32, at: usize, length: u32): void {
  if (kind == TcpOption.timestamps && length == 10) {
    s.has |= Has.timestamps;
    s.timestampValue = tcpOptionWord(at + 2);
    s.timestampEcho = tcpOptionWord(at + 6);
  } else if (kind == TcpOption.sack && length >= 10 && ((length - 2) & 7) == 0) {
    s.sackBlocks = at + 2;
    s.sackCount = (length - 2) >> 3;
  } else if (kind == TcpOption.maximumSegmentSize && length == 4) {
    s.has |= Has.mss;
    s.mss = tcpOptionHalf(at + 2);
  } else if (kind == TcpOption.windowScale && length == 3) {
    s.has |= Has.windowScale;
    // RFC 7323, section 2.3: a larger count is treated as 14.
    s.windowScale = min(tcpOptionByte(at + 2), WINDOW_SCALE_MAX);
  } else if (kind == TcpOption.sackPermitted && length == 2) {
    s.has |= Has.sackPermitted;
  }
}

/**
 * Reads the options of the header at `at` into `s`. Options that are unknown or of a wrong length are skipped
 * (RFC 9293, section 3.1, MUST-6); false when one does not fit the header (MUST-7: treated as an error, not a
 * crash).
 */
export function optionsParse(s: Segment, at: usize, headerLength: u32): bool {
  s.has = 0;
  s.sackCount = 0;
  if (headerLength == TCP_HEADER) return true;
  if (tcpHasAlignedTimestamps(at)) {
    s.has = Has.timestamps;
    s.timestampValue = tcpOptionWord(at + 24);
    s.timestampEcho = tcpOptionWord(at + 28);
    return true;
  }
  let cursor = at + TCP_HEADER;
  const end = at + headerLength;
  while (cursor < end) {
    const kind = tcpOptionByte(cursor);
    if (kind == TcpOption.end) return true;
    if (kind == TcpOption.noOperation) {
      cursor++;
      continue;
    }
    if (cursor + 1 >= end) return false;
    const length = tcpOptionByte(cursor + 1);
    if (length < 2 || cursor + length > end) return false;
    option(s, kind, cursor, length);
    cursor += length;
  }
  return true;
}
