import { COUNTERS, JOURNAL_ROWS } from "../memory/map";
import { cellAdd } from "./cell";
import { journal } from "./journal";

/** Everything that is counted, each declared once; a u64 each, one writer (the lock's holder). */
export enum Counter {
  /** Frames taken from ports. */
  rxFrames,
  /** Bytes of them, from the Ethernet header on. */
  rxBytes,
  /** Frames handed to ports. */
  txFrames,
  /** Bytes of them, from the Ethernet header on. */
  txBytes,
  /** Announcements made to ltran. */
  announcementsOut,
  /** Times that transmission had to wait for the rate limit. */
  txRateWaits,
  /** Frames whose wrong checksum was the uncomplemented pseudo-header sum of a sender on the same machine. */
  rxPartialChecksum,
  /** ARP requests received. */
  arpRequestsIn,
  /** ARP replies received. */
  arpRepliesIn,
  /** ARP requests sent, probes and announcements included. */
  arpRequestsOut,
  /** ARP replies sent. */
  arpRepliesOut,
  /** Address conflicts seen (RFC 5227). */
  arpConflicts,
  /** Neighbours that did not answer. */
  neighbourFailures,
  /** IP datagrams received. */
  ipIn,
  /** IP datagrams delivered to a transport. */
  ipDelivered,
  /** IP datagrams sent. */
  ipOut,
  /** Fragments received. */
  ipFragmentsIn,
  /** Datagrams reassembled. */
  ipReassembled,
  /** Fragments sent. */
  ipFragmentsOut,
  /** Datagrams sent as fragments. */
  ipFragmented,
  /** ICMP messages received. */
  icmpIn,
  /** ICMP echo requests among them. */
  icmpEchoRequestsIn,
  /** ICMP destination unreachable messages among them. */
  icmpUnreachableIn,
  /** ICMP time exceeded messages among them. */
  icmpTimeExceededIn,
  /** ICMP parameter problem messages among them. */
  icmpParameterProblemsIn,
  /** ICMP echo requests answered. */
  icmpEchoReplies,
  /** ICMP errors sent. */
  icmpErrorsOut,
  /** ICMP destination unreachable messages among them. */
  icmpUnreachableOut,
  /** ICMP errors that reached a socket. */
  icmpErrorsIn,
  /** UDP datagrams delivered to a socket. */
  udpIn,
  /** Payload bytes of them. */
  udpInBytes,
  /** UDP datagrams that the application read only a part of. */
  udpTruncated,
  /** UDP datagrams sent. */
  udpOut,
  /** Payload bytes of them. */
  udpOutBytes,
  /** TCP segments received. */
  tcpSegmentsIn,
  /** TCP segments sent, a super-frame counted once. */
  tcpSegmentsOut,
  /** TCP segments received that held an acknowledgement and nothing else. */
  tcpEmptyAcksIn,
  /** Payload bytes taken into receive queues in order. */
  tcpBytesIn,
  /** Payload bytes sent for the first time. */
  tcpBytesOut,
  /** Connections opened by connect. */
  tcpActiveOpens,
  /** Connections opened by a peer, handshake done. */
  tcpPassiveOpens,
  /** Handshakes that failed. */
  tcpAttemptFails,
  /** Connections reset by the peer. */
  tcpResetsIn,
  /** Resets sent. */
  tcpResetsOut,
  /** Connections that went from ESTABLISHED or CLOSE-WAIT to CLOSED at once (RFC 4022, tcpEstabResets). */
  tcpEstablishedResets,
  /** Segments retransmitted. */
  tcpRetransmits,
  /** Retransmission time-outs. */
  tcpTimeouts,
  /** Entries into fast recovery. */
  tcpFastRetransmits,
  /** Recoveries driven by SACK. */
  tcpSackRecoveries,
  /** Segments received out of order and kept. */
  tcpOutOfOrder,
  /** Segments received that held nothing new. */
  tcpDuplicates,
  /** Zero-window probes sent. */
  tcpZeroWindowProbes,
  /** Times a peer's window closed on data waiting to be sent. */
  tcpZeroWindows,
  /** Keep-alive probes sent. */
  tcpKeepAliveProbes,
  /** Challenge ACKs sent. */
  tcpChallengeAcks,
  /** Delayed ACKs sent by their timer. */
  tcpDelayedAcks,
  /** Segments refused by PAWS. */
  tcpPawsRejects,
  /** SYN cookies sent. */
  tcpCookiesSent,
  /** Connections made from a valid cookie. */
  tcpCookiesAccepted,
  /** Closes that crossed (CLOSING was entered). */
  tcpSimultaneousCloses,
  /** Sequence numbers that wrapped around within a connection. */
  tcpSequenceWraps,
  /** Connections that reused a TIME_WAIT. */
  tcpTimeWaitReuses,
  /** Sockets made on this stack, accepted ones included: accelerated sockets. */
  socketsAccelerated,
  /** Calls of accept that failed. */
  socketAcceptFails,
  /** Times that a call found nothing to read. */
  socketReadsEmpty,
  /** Writes of which something went into a buffer that was partly filled. */
  socketWritesMerged,
  /** Writes refused, or cut short, because there were no packet buffers. */
  socketWritesNoBuffer,
  /** Reads of up to 64 bytes. */
  socketReads64,
  /** Reads of 65 to 512 bytes. */
  socketReads512,
  /** Reads of 513 to 1460 bytes. */
  socketReads1460,
  /** Reads of 1461 to 8192 bytes. */
  socketReads8192,
  /** Longer reads. */
  socketReadsLonger,
  /** Writes of up to 64 bytes. */
  socketWrites64,
  /** Writes of 65 to 512 bytes. */
  socketWrites512,
  /** Writes of 513 to 1460 bytes. */
  socketWrites1460,
  /** Writes of 1461 to 8192 bytes. */
  socketWrites8192,
  /** Longer writes. */
  socketWritesLonger,
  /** Bytes given to applications by recv. */
  socketBytesIn,
  /** Bytes taken from applications by send. */
  socketBytesOut,
  /** Events handed out by wait sets. */
  waitSetEvents,
  /** Wait sets marked to be woken. */
  waitSetWakes,
  /** Times that a thread asleep was woken by frames. */
  wakesByFrame,
  /** Times that it was woken by another thread. */
  wakesByThread,
  /** Times that it was woken by a descriptor of the kernel's. */
  wakesByDescriptor,
  /** Times that it was woken by a timer, or its time-out. */
  wakesByTime,
  /** Frames handed to the kernel's device. */
  kernelFramesOut,
  /** Frames of the kernel's device that were sent. */
  kernelFramesIn,
  /** Rings to other programs on this machine that were opened. */
  peersOpened,
  /** Those of them that were closed. */
  peersClosed,
  /** Frames sent by such rings. */
  peerFramesOut,
  /** Frames received from such rings. */
  peerFramesIn,
  /** Frames handed on to the process' next stack. */
  framesHandedOn,
  count,
}

const DROPS: usize = COUNTERS + 0x400;
const RESETS: usize = COUNTERS + 0x600;
const FALLBACKS: usize = COUNTERS + 0x680;
const RETRANSMISSIONS: usize = COUNTERS + 0x700;
export const DROPS_AT: usize = DROPS;
export const RESETS_AT: usize = RESETS;
export const FALLBACKS_AT: usize = FALLBACKS;
export const RETRANSMISSIONS_AT: usize = RETRANSMISSIONS;

/** The row of the journal for the first reason of the table at `base`: the tables of reasons lie in a row. */
export function journalRow(base: usize): u32 {
  return <u32>((base - DROPS) >> 3);
}

/** Counts one. */
export function count(counter: Counter): void {
  cellAdd(COUNTERS, counter, 1);
}

/** Counts `by`. */
export function countBy(counter: Counter, by: u64): void {
  cellAdd(COUNTERS, counter, by);
}

/** Counts a reason in the table at `base` and notes the occasion; the reason files in this folder wrap it. */
export function countReason(base: usize, reason: u32): void {
  const row = journalRow(base) + reason;
  assert(row < JOURNAL_ROWS);
  journal(row, cellAdd(base, reason, 1));
}
