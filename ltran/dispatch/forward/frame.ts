import { Span } from "../../../stack/memory/call";
import { TX_SPANS } from "../../../stack/memory/map";
import { VIRTIO_NET_HEADER } from "../../../stack/wire/virtio-net";
import { FRAMES, HEAD_MAX } from "../memory/map";

/** Whose a frame's place is: frames are looked at one inside the other, but never deeper. */
export enum FrameLevel {
  /** What a NIC or a vport handed over. */
  outer,
  /** What a ring held that was emptied on the way. */
  inner,
  /** What dispatch says itself. */
  own,
}

/** A frame that is being looked at, and what its headers say. */
@unmanaged
export class Frame {
  /** FrameLevel */
  level: u32;
  /** Address of the Ethernet header, and the bytes that follow in one piece. */
  head: usize;
  headLength: u32;
  /** Bytes of the frame, without a virtio-net header. */
  length: u32;
  /** What is behind the piece at `head`: pieces of memory that its sender may still change. */
  spanCount: u32;
  /** The vport it came from; 0: a NIC, or dispatch itself. */
  source: usize;
  /** It came from the kernel device. */
  isKernel: u32;
  /** A virtio-net header as a NIC handed it over, or 0. */
  virtio: usize;
  /** RxFlag */
  flags: u32;
  /** Network that it belongs to (tables/network.ts). A VLAN's tag is not in the frame. */
  network: u32;
  /** The checksum field holds the pseudo-header's sum: where it starts and where it is stored from there. */
  isPartial: u32;
  checksumStart: u32;
  checksumOffset: u32;
  /** A super-frame; payload of its segments, and bytes of its headers. */
  isSuper: u32;
  segmentSize: u32;
  headerLength: u32;

  /** The packet is of IPv6. */
  isIpv6: u32;
  /** IP: address of the packet, bytes of its headers (extension headers too), and of all of it. */
  packet: usize;
  packetHeader: u32;
  packetLength: u32;
  protocol: u32;
  /** Flags and offset, as IPv4 has them; whether there is a fragment header, and the packet's number. */
  fragment: u32;
  isFragment: u32;
  identification: u32;
  sourceHigh: u64;
  sourceLow: u64;
  destinationHigh: u64;
  destinationLow: u64;
  /** TCP, UDP: address of the header, bytes of header and payload as the IP header says. */
  transport: usize;
  transportLength: u32;
  sourcePort: u16;
  destinationPort: u16;
  /** TCP: TcpFlag, numbers, and how much of the sequence space it takes. */
  tcpFlags: u32;
  sequence: u32;
  acknowledgement: u32;
  space: u32;

  /** ICMP errors: what the quoted packet says (icmp.ts). */
  quotedSourceHigh: u64;
  quotedSourceLow: u64;
  quotedDestinationHigh: u64;
  quotedDestinationLow: u64;
  quotedSourcePort: u16;
  quotedDestinationPort: u16;
  quotedProtocol: u32;
}

const STRIDE: usize = 1024;
const WORK: usize = 216;
const HEAD: usize = 240;
const SPANS: usize = 384;
const OUT: usize = 672;

/** Most pieces of a frame on its way into a ring: virtio-net header, a head cut in three, spans. */
const OUT_MAX: u32 = TX_SPANS + 4;

/** The frame of a level, cleared. */
export function frameBegin(level: FrameLevel): Frame {
  assert(offsetof<Frame>() <= WORK && HEAD + VIRTIO_NET_HEADER + HEAD_MAX <= SPANS);
  assert(SPANS + TX_SPANS * offsetof<Span>() <= OUT && OUT + OUT_MAX * offsetof<Span>() <= STRIDE);
  const at = FRAMES + <usize>level * STRIDE;
  memory.fill(at, 0, offsetof<Frame>());
  const f = changetype<Frame>(at);
  f.level = level;
  return f;
}

/** Room for a virtio-net header and HEAD_MAX bytes of the frame: for heads that must be copied. */
export function frameRoom(f: Frame): usize {
  return changetype<usize>(f) + HEAD;
}

/** Room for a virtio-net header that is made on the way out, and a checksum behind it. */
export function frameWork(f: Frame): usize {
  return changetype<usize>(f) + WORK;
}

/** Address of the list of what is behind the head. */
export function frameSpans(f: Frame): usize {
  return changetype<usize>(f) + SPANS;
}

/** Piece `index` of what is behind the head. */
export function frameSpan(f: Frame, index: u32): Span {
  assert(index < TX_SPANS);
  return changetype<Span>(frameSpans(f) + <usize>index * offsetof<Span>());
}

/** Address of the list of pieces on the way out. */
export function frameOut(f: Frame): usize {
  return changetype<usize>(f) + OUT;
}

/** Puts a piece on that list at `index`; answers the next index. Empty pieces are left out. */
export function frameOutAdd(f: Frame, index: u32, address: usize, length: u32): u32 {
  if (length == 0) return index;
  assert(index < OUT_MAX);
  const span = changetype<Span>(frameOut(f) + <usize>index * offsetof<Span>());
  span.address = <u32>address;
  span.length = length;
  return index + 1;
}
