import { countReason, DROPS_AT } from "./counters";

/** Why a packet, or a part of one, was discarded. Nothing is discarded without one of these. */
export enum DropReason {
  /** Shorter than its headers say, or cut off by the port. */
  truncated,
  /** An EtherType, or an ARP, that we do not speak. */
  unknownEtherType,
  /** An Ethernet destination that is neither ours nor a group. */
  notOurMac,
  /** Malformed ARP. */
  arpMalformed,
  /** The header of an IP datagram is wrong. */
  ipHeader,
  /** The IP header's checksum is wrong. */
  ipChecksum,
  /** The IP destination is not ours. */
  ipNotOurs,
  /** A source address no host may use. */
  ipMartian,
  /** A protocol that nobody here speaks. */
  ipProtocol,
  /** No route to the destination. */
  ipNoRoute,
  /** A fragment that overlaps another: the datagram is given up (RFC 5722 applied to IPv4). */
  fragmentOverlap,
  /** A fragment no legal datagram can have. */
  fragmentMalformed,
  /** A datagram whose fragments did not arrive in time. */
  fragmentTimeout,
  /** No room to reassemble. */
  fragmentNoRoom,
  /** Malformed ICMP. */
  icmpMalformed,
  /** An ICMP error about something that is not ours. */
  icmpUnrelated,
  /** An ICMP error of ours withheld by the rate limit. */
  icmpRateLimited,
  /** A UDP checksum or length that is wrong. */
  udpMalformed,
  /** No socket on that UDP port. */
  udpNoPort,
  /** The receive queue of a UDP socket is full. */
  udpQueueFull,
  /** A TCP checksum or header that is wrong. */
  tcpMalformed,
  /** No connection and no listener; answered with a reset. */
  tcpNoConnection,
  /** A segment outside the window. */
  tcpOutOfWindow,
  /** A segment that PAWS refused. */
  tcpPaws,
  /** A segment whose ACK or flags the state does not allow. */
  tcpUnacceptable,
  /** The listen backlog is full. */
  tcpBacklogFull,
  /** A SYN-queue entry that was given up. */
  tcpSynQueue,
  /** Data after the application closed its side. */
  tcpAfterClose,
  /** No packet buffer for received data. */
  noBuffer,
  /** No control block for a new connection. */
  noTcb,
  /** The transmit ring of the port is full. */
  txRingFull,
  /** The neighbour's queue is full, or it never answered. */
  neighbourQueue,
  /** No neighbour entry. */
  noNeighbour,
  /** A duplicate of something we hold already. */
  duplicate,
  /** An ARP packet that is none of our business, or would change an entry that was confirmed a moment ago. */
  arpIgnored,
  /** A datagram that would have exceeded rate_limit_pps or rate_limit_mbps. */
  rateLimited,
  /** A frame to be sent while ltran was not there. */
  ringDetached,
  /** A frame from ltran that broke a rule of the ring. */
  ringFault,
  /** A frame to be sent by a port that was closed. */
  portClosed,
  /** A frame from a program on this machine that is not from its address, or not to ours. */
  peerForged,
  /** A frame for another stack of the process that had no room for it. */
  handOverFull,
  /** A frame of the kernel's that speaks for a socket, or from an address that is not ours. */
  kernelForeign,
  /** A received frame lost on purpose: faults are being injected. */
  injected,
  count,
}

/** The one place where something is discarded: counts why. */
export function drop(reason: DropReason): void {
  countReason(DROPS_AT, reason);
}
