import { Span } from "./call";
import { PORTS, PORTS_MAX, RX_BURST, TX_HEADER, TX_RING, TX_SPANS } from "./map";

/** What a port can do for us, and how it hands over frames. */
export enum PortFlag {
  /** A virtio-net header (10 bytes) stands in front of every frame, both ways (PACKET_VNET_HDR). */
  vnetHeader = 1,
  /** The port fills in TCP and UDP checksums. */
  txChecksum = 2,
  /** The port cuts TCP super-frames up to 64 KB. */
  segmentation = 4,
  /** The port verified checksums of frames flagged RxFlag.checksumGood. */
  rxChecksum = 8,
  /** A virtual link to a kernel: an uncomplemented pseudo-header sum is accepted and counted (DESIGN D13). */
  partialChecksum = 16,
}

/** How a received frame was flagged by the shell. */
export enum RxFlag {
  checksumGood = 1,
  checksumBad = 2,
  /** Set by link/input: the frame came to a broadcast or multicast hardware address. */
  linkGroup = 4,
  /** Set by ip/input: the datagram came to a broadcast address. */
  broadcast = 8,
  /** The port has taken a VLAN tag out: its control information stands in the upper 16 bits of the flags. */
  vlan = 16,
  /** Set by ip/input: all stacks of the process get this one, or the fragments that it was made of. */
  everywhere = 32,
  /** Set by link/kernel-port: a socket of one of the process' stacks wants the frame, or a stack itself. */
  claimed = 64,
  /** Set by link/handover: the frame is one that the kernel sends. */
  fromKernel = 128,
}

/** Where RxFrame.flags has the number of stacks that saw a frame, 8 bits above RxFlag. */
export const RX_SEEN_SHIFT: u32 = 8;
/** Where a VLAN tag's control information begins in the flags. */
export const RX_VLAN_SHIFT: u32 = 16;

/** What the port shall do with a transmitted frame. */
export enum TxFlag {
  /** Finish the checksum: its field holds the pseudo-header's sum. */
  checksum = 1,
  /** Cut the payload into segments of `segmentSize`. */
  segment = 2,
  /** The transport is UDP, not TCP. */
  datagram = 4,
  /** The packet is of IPv6, not IPv4. */
  ipv6 = 8,
}

/** A received frame. It is the shell's: the stack copies what it keeps before receive() returns. */
@unmanaged
export class RxFrame {
  /** Address of the first byte (of the virtio-net header on such ports). */
  address: u32;
  /** Bytes present. */
  length: u32;
  /** Bytes the frame had on the wire: more than `length` when the port cut it off. */
  wireLength: u32;
  flags: u32;
}

/**
 * A frame to transmit: spans in order, the first one holds all headers and lies in the slot itself. The shell
 * copies or sends it before outputDone(); until then no header of it is rewritten and no buffer of it reused.
 */
@unmanaged
export class TxSlot {
  spanCount: u16;
  flags: u16;
  /** Payload bytes per segment when TxFlag.segment is set. */
  segmentSize: u16;
  /** Where the checksum starts, counted from the Ethernet header, and where it is stored from there. */
  checksumStart: u16;
  checksumOffset: u16;
  /** Bytes of all headers, from the Ethernet header to the end of the transport header. */
  headerLength: u16;
  /** Bytes of the frame (without a virtio-net header). */
  length: u32;
  /**
   * What is given back once the frame is gone: of the stack a chain, 0 when the payload is a TCP stream's.
   */
  owned: u32;
  /** Next free header byte while the frame is being built, counted from the slot's header area. */
  cursor: u32;
  /** Bytes of the link's header. */
  linkLength: u16;
}

const TX_SLOT_HEADER: usize = 32;
export const TX_SLOT_SPANS: usize = TX_SLOT_HEADER + <usize>TX_HEADER;
/** An odd number of cache lines, so that consecutive slots spread over the cache's sets. */
export const TX_SLOT_STRIDE: usize = 576;

/** A port: one way in and out of the stack. */
@unmanaged
export class Port {
  id: u32;
  flags: u32;
  /** Largest IP packet the link carries. */
  mtu: u32;
  linkUp: u32;
  /** Hardware address, in the low 48 bits, first byte lowest. */
  mac: u64;
  /** Transmit ring: slots head..tail-1 wait for the shell, masked by TX_RING - 1; both 0 when it is empty. */
  txHead: u32;
  txTail: u32;
  /** Most bytes of payload that one super-frame may carry; 0 when the port cannot segment. */
  segmentationMax: u32;
  /** The kernel's number of the interface, 0 when it has none: IP_PKTINFO names it. */
  interfaceIndex: u32;
  /** A ring port (link/ring-port.ts): one of RingState, and where received frames are copied to. */
  ring: u32;
  landing: u32;
  /** 1 between portOpen() and portClose(). */
  open: u32;
  /**
   * A ring port to another program on this machine (link/peer-port.ts): one of PeerState, and who that is.
   */
  peer: u32;
  peerMac: u64;
  peerHigh: u64;
  peerLow: u64;
  /** Which of its stacks is at the other end, and how many it has. */
  peerStack: u32;
  peerStacks: u32;
}

/** Where a ring port keeps what it remembers of its two rings. */
export const PORT_RING_TRANSMIT: usize = 128;
export const PORT_RING_RECEIVE: usize = 320;

export const PORT_RX: usize = 512;
export const PORT_TX: usize = PORT_RX + <usize>RX_BURST * 16;
export const PORT_STRIDE: usize = (PORT_TX + <usize>TX_RING * TX_SLOT_STRIDE + 4095) & ~4095;
export const PORTS_END: usize = PORTS + <usize>PORTS_MAX * PORT_STRIDE;

/** Port number `id`. */
export function port(id: u32): Port {
  assert(id < PORTS_MAX);
  return changetype<Port>(PORTS + <usize>id * PORT_STRIDE);
}

/** Received frame `index` of the burst that the shell put in place. */
export function rxFrame(p: Port, index: u32): RxFrame {
  assert(index < RX_BURST);
  return changetype<RxFrame>(changetype<usize>(p) + PORT_RX + <usize>index * offsetof<RxFrame>());
}

/** The slot that position `at` of the transmit ring falls into. */
export function txSlot(p: Port, at: u32): TxSlot {
  return changetype<TxSlot>(changetype<usize>(p) + PORT_TX + <usize>(at & (TX_RING - 1)) * TX_SLOT_STRIDE);
}

/** Span `index` of a slot. */
export function txSpan(slot: TxSlot, index: u32): Span {
  assert(index < TX_SPANS);
  return changetype<Span>(changetype<usize>(slot) + TX_SLOT_SPANS + <usize>index * offsetof<Span>());
}

/** Moves a frame from one slot to another; spans into the slot itself move along. */
export function txSlotMove(to: TxSlot, from: TxSlot): void {
  const target = changetype<usize>(to);
  const source = changetype<usize>(from);
  memory.copy(target, source, TX_SLOT_STRIDE);
  for (let i: u32 = 0; i < to.spanCount; i++) {
    const span = txSpan(to, i);
    const at = <usize>span.address;
    if (at >= source && at < source + TX_SLOT_STRIDE) span.address = <u32>(at - source + target);
  }
}

/** Address of the slot's header area. */
export function txHeader(slot: TxSlot): usize {
  return changetype<usize>(slot) + TX_SLOT_HEADER;
}
