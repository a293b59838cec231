import { countReason, RETRANSMISSIONS_AT } from "./counters";

/** Why something was sent again. */
export enum RetransmissionReason {
  /** A SYN or SYN-ACK was not answered in time (RFC 6298, section 5.7). */
  handshake,
  /** The retransmission timer fired (RFC 6298, section 5.4). */
  timeout,
  /** Duplicate ACKs or SACK blocks said that it was lost (RFC 5681, RFC 6675). */
  fast,
  /** A probe of a window that the peer has closed (RFC 9293, section 3.8.6.1). */
  windowProbe,
  /** The way to the peer changed, or takes shorter packets only (RFC 1191). */
  path,
  count,
}

/** Counts why a segment is sent again. */
export function countRetransmission(reason: RetransmissionReason): void {
  countReason(RETRANSMISSIONS_AT, reason);
}
