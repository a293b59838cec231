import { countReason, RESETS_AT } from "./counters";

/** Why a reset was sent. */
export enum ResetReason {
  /** A segment for which there is no connection (RFC 9293, section 3.5.2, group 1). */
  noConnection,
  /** A wrong ACK before the connection was synchronised (group 2). */
  badAcknowledgement,
  /** The application closed with unread data, or with SO_LINGER 0. */
  aborted,
  /** Data arrived after the application closed (RFC 9293, section 3.10.7.4; RFC 2525, section 2.17). */
  dataAfterClose,
  /** The listener went away before accept. */
  listenerClosed,
  /** The peer was silent too long. */
  timeout,
  count,
}

/** Counts why a reset is sent. */
export function countReset(reason: ResetReason): void {
  countReason(RESETS_AT, reason);
}
