import { cellAdd } from "../../../stack/stats/cell";
import { COUNTERS } from "../memory/map";
import { Vport, vportCounters } from "../tables/vport";

/** Everything that is counted, each declared once; a u64 each, one writer (the lock's holder). */
export enum Counter {
  /** Frames received from NICs. */
  nicFramesIn,
  /** Bytes of them, from the Ethernet header on. */
  nicBytesIn,
  /** Frames handed to NICs. */
  nicFramesOut,
  /** Bytes of them, from the Ethernet header on. */
  nicBytesOut,
  /** Frames put into rings of vports. */
  vportFramesOut,
  /** Frames taken from rings of vports. */
  vportFramesIn,
  /** Frames from one vport to another; those for all count once for each. */
  switchedFrames,
  /** Frames handed to the kernel device. */
  kernelFramesOut,
  /** Frames received from the kernel device. */
  kernelFramesIn,
  /** Announcements taken from vports. */
  announcements,
  /** Announcements that say nothing, or something that is not true. */
  announcementsRefused,
  /** Flows made. */
  flowsMade,
  /** Flows ended. */
  flowsEnded,
  /** Flows that were not used for as long as their state lets them be. */
  flowsExpired,
  /** Flows that could not be made: the table, or the vport's share of it, is full. */
  flowsRefused,
  /** Connection requests given to a listener by hash, without a flow, because too many were tentative. */
  statelessChoices,
  /** Listeners and bindings that could not be made. */
  listenersRefused,
  /** Times that rings were emptied because a frame found no flow and no listener. */
  drains,
  /** Frames that found their flow or listener after that. */
  drainsFound,
  /** Resets sent for segments that belong to nothing. */
  resetsUnknown,
  /** Resets sent for connections of a vport that was closed. */
  resetsClosed,
  /** ICMP errors sent. */
  icmpErrorsOut,
  /** Changes of the active NIC. */
  switchOvers,
  /** Gratuitous ARP and unsolicited neighbour advertisements sent after them. */
  announcedAddresses,
  /** LACPDUs taken from partners. */
  lacpdusIn,
  /** LACPDUs sent to partners. */
  lacpdusOut,
  /** Checksums completed for who cannot take partial ones. */
  checksumsCompleted,
  /** Pairs of programs that were found talking to each other. */
  pairsNoted,
  /** Rings that such pairs made. */
  pairsMade,
  /** Vports opened. */
  vportsOpened,
  /** Vports closed. */
  vportsClosed,
  count,
}

/** What is counted for each vport. */
export enum VportCounter {
  /** Frames put into its ring. */
  framesOut,
  /** Bytes of them, from the Ethernet header on. */
  bytesOut,
  /** Frames taken from its ring. */
  framesIn,
  /** Bytes of them, from the Ethernet header on. */
  bytesIn,
  /** Times that it had to wait for its rate limit. */
  rateWaits,
  /** Frames or indexes that broke the ring's rules. */
  ringFaults,
  /** Announcements taken. */
  announced,
  count,
}

/** Counts one. */
export function count(counter: Counter): void {
  cellAdd(COUNTERS, counter, 1);
}

/** Counts `by`. */
export function countBy(counter: Counter, by: u64): void {
  cellAdd(COUNTERS, counter, by);
}

/** Counts `by` for a vport. */
export function countVport(v: Vport, counter: VportCounter, by: u64): void {
  cellAdd(vportCounters(v), counter, by);
}
