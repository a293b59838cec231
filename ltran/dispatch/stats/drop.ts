import { cellAdd } from "../../../stack/stats/cell";
import { COUNTERS, VPORT_DROPS } from "../memory/map";
import { Vport, vportCounters } from "../tables/vport";

export const DROPS_AT: usize = COUNTERS + 0x400;

/** Why a frame was discarded. Nothing is discarded without one of these. */
export enum DropReason {
  /** Shorter than its headers say, or cut off by the port. */
  truncated,
  /** An EtherType that is not dispatched. */
  unknownEtherType,
  /** An Ethernet destination that is neither ours nor a group. */
  notOurMac,
  /** Received by a member of the bond that is not the active one. */
  backupNic,
  /** The header of an IP packet is wrong. */
  ipHeader,
  /** Extension headers of IPv6 that are too many, or reach beyond what is looked at. */
  extensionHeaders,
  /** The IP header's checksum is wrong. */
  ipChecksum,
  /** From the link, with its destination as its source: only a program can send to its own address. */
  ipMartian,
  /** No vport has the IP destination. */
  ipNotOurs,
  /** The header of a TCP segment, UDP datagram or ICMP message is wrong. */
  transportHeader,
  /** A segment that belongs to no connection and no listener, answered with a reset. */
  tcpUnknown,
  /** A datagram for a port that nobody is bound to. */
  udpUnknown,
  /** An ICMP message about a packet that nobody sent. */
  icmpUnrelated,
  /** A later fragment of a packet whose first one was not seen. */
  fragmentUnknown,
  /** An ICMP error of ours withheld by the rate limit. */
  icmpRateLimited,
  /** What it belongs to may be announced in a ring that could not be emptied now. */
  undecided,
  /** The receiver's ring has no room. */
  vportFull,
  /** Its sender, another vport, has filled more of the receiver's ring than the others leave it. */
  vportShare,
  /** The receiver's ring is broken. */
  vportBroken,
  /** A super-frame for who takes none. */
  superFrame,
  /** Longer than the receiver takes. */
  tooLong,
  /** The virtio-net header does not fit the frame. */
  virtioHeader,
  /** The source MAC is not the vport's. */
  foreignMac,
  /** The IP source is not the vport's address. */
  foreignAddress,
  /** A segment of a connection that belongs to another vport of the same address. */
  foreignFlow,
  /** The sender in an ARP packet is not the vport. */
  foreignArp,
  /** Malformed ARP. */
  arpMalformed,
  /** ARP about an address that no vport has. */
  arpNotOurs,
  /** A message of neighbour discovery that is not for who sends it to send. */
  foreignNeighbour,
  /** A message of neighbour discovery of a wrong form, or that was forwarded. */
  neighbourMalformed,
  /** Neighbour discovery about an address that no vport has. */
  neighbourNotOurs,
  /** No NIC has a link. */
  linkDown,
  /** The transmit ring of the NIC is full. */
  txRingFull,
  /** The kernel device has no room. */
  kernelFull,
  /** It waited for a NIC that lost its link, or came from a vport that was closed. */
  withdrawn,
  /** A frame that breaks the rules of the ring. */
  ringFault,
  count,
}

/** The one place where something is discarded: counts why. */
export function drop(reason: DropReason): void {
  cellAdd(DROPS_AT, reason, 1);
}

/** Discards a frame that came from, or was meant for, a vport; `v` may be null (0). */
export function dropOf(v: Vport, reason: DropReason): void {
  drop(reason);
  if (changetype<usize>(v) != 0) cellAdd(vportCounters(v) + VPORT_DROPS, reason, 1);
}
