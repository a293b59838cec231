import { ipClose, ipOpen, transportHeader } from "../ip/output";
import { routeTo } from "../ip/routes";
import { Neighbour, neighbourFor, neighbourReady } from "../link/neighbours";
import { peerAnswers } from "../link/peers";
import { unsentReason } from "../link/rate-limit";
import { Port, TxSlot } from "../memory/port";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { PROTOCOL_TCP } from "../wire/ipv4";
import { tcpWriteHeader } from "../wire/tcp";
import { segment } from "./segment";

/** Segments that no connection's output queue holds: they go at once or never. */
const REPLY_TTL: u8 = 64;

/**
 * A slot for a segment to `n` (which may be null), open at the TCP header; null (0), and a drop is counted,
 * when there is none. `unreachable` is the reason when the next hop is not known.
 */
export function unqueuedOpen(
  n: Neighbour,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
  tos: u8,
  ttl: u8,
  unreachable: DropReason,
): TxSlot {
  if (changetype<usize>(n) == 0 || !neighbourReady(n)) {
    drop(unreachable);
    return changetype<TxSlot>(0);
  }
  const slot = ipOpen(n, sourceHigh, sourceLow, destinationHigh, destinationLow, PROTOCOL_TCP, tos, ttl);
  if (changetype<usize>(slot) == 0) drop(unsentReason());
  return slot;
}

/** Where an answer to the current segment goes; null (0) when there is no route back. */
export function replyNeighbour(): Neighbour {
  const s = segment();
  const direct = peerAnswers(changetype<Port>(s.port), s.sourceHigh, s.sourceLow);
  if (changetype<usize>(direct) != 0) return neighbourFor(direct, s.sourceHigh, s.sourceLow);
  return routeTo(s.sourceHigh, s.sourceLow);
}

/** The same for an answer to the current segment, to its replyNeighbour(). */
export function replyOpen(n: Neighbour, unreachable: DropReason): TxSlot {
  const s = segment();
  return unqueuedOpen(
    n,
    s.destinationHigh,
    s.destinationLow,
    s.sourceHigh,
    s.sourceLow,
    0,
    REPLY_TTL,
    unreachable,
  );
}

/**
 * Completes a segment without data in an open slot, its options written behind the header already: it is
 * counted, and sent.
 */
export function unqueuedSend(
  n: Neighbour,
  slot: TxSlot,
  localPort: u16,
  remotePort: u16,
  sequence: u32,
  acknowledgement: u32,
  headerLength: u32,
  flags: u32,
  window: u32,
): void {
  const at = transportHeader(slot);
  tcpWriteHeader(at, localPort, remotePort, sequence, acknowledgement, headerLength, flags, window);
  ipClose(n, slot, headerLength, 0);
  count(Counter.tcpSegmentsOut);
}
