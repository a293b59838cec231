import { PORTS_MAX, RX_BURST } from "../../../stack/memory/map";
import { Port } from "../../../stack/memory/port";
import { cellAdd } from "../../../stack/stats/cell";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../stack/wire/ipv4";
import { NICS, NICS_END } from "../memory/map";

/** What is counted for each NIC. */
export enum NicCounter {
  /** Frames received. */
  framesIn,
  /** Bytes of them, from the Ethernet header on. */
  bytesIn,
  /** Frames handed to it. */
  framesOut,
  /** Bytes of them, from the Ethernet header on. */
  bytesOut,
  /** Received ARP packets. */
  arpIn,
  /** Received TCP segments. */
  tcpIn,
  /** Received UDP datagrams. */
  udpIn,
  /** Received ICMP messages. */
  icmpIn,
  count,
}

/** Bytes of one NIC's numbers: how often so many frames were received at once, from one on; NicCounter. */
export const NIC_STRIDE: usize = 640;
/** Where its counters begin. */
export const NIC_COUNTERS: usize = (<usize>RX_BURST) << 3;

function numbersOf(p: Port): usize {
  assert(NIC_COUNTERS + ((<usize>NicCounter.count) << 3) <= NIC_STRIDE);
  assert(NICS + <usize>PORTS_MAX * NIC_STRIDE <= NICS_END);
  return NICS + <usize>p.id * NIC_STRIDE;
}

/** Counts that `frames` frames were received at once. */
export function countBurst(p: Port, frames: u32): void {
  if (frames != 0) cellAdd(numbersOf(p), min(frames, RX_BURST) - 1, 1);
}

/** Counts a received frame. */
export function countIn(p: Port, length: u32): void {
  const at = numbersOf(p) + NIC_COUNTERS;
  cellAdd(at, NicCounter.framesIn, 1);
  cellAdd(at, NicCounter.bytesIn, length);
}

/** Counts a received frame of which is known what it is: an IP protocol, or ARP. */
export function countKind(p: Port, isArp: bool, protocol: u32): void {
  const at = numbersOf(p) + NIC_COUNTERS;
  if (isArp) cellAdd(at, NicCounter.arpIn, 1);
  else if (protocol == <u32>PROTOCOL_TCP) cellAdd(at, NicCounter.tcpIn, 1);
  else if (protocol == <u32>PROTOCOL_UDP) cellAdd(at, NicCounter.udpIn, 1);
  else if (protocol == <u32>PROTOCOL_ICMP) cellAdd(at, NicCounter.icmpIn, 1);
}

/** Counts a frame that was put into its ring. */
export function countOut(p: Port, length: u32): void {
  const at = numbersOf(p) + NIC_COUNTERS;
  cellAdd(at, NicCounter.framesOut, 1);
  cellAdd(at, NicCounter.bytesOut, length);
}
