import { ErrorTokens } from "./error-tokens";
import { ROOT } from "./map";

/** The root of a region: what there is only one of. Addresses are offsets in linear memory. */
@unmanaged
export class Root extends ErrorTokens {
  magic: u64;
  /** Tells the build that made the region: another one may lay structs out differently. */
  buildHash: u64;
  /** Size of the region in bytes, as given to create(). */
  size: u32;
  /** The time of the current call, in microseconds of a clock that never goes back. */
  now: u64;
  /** What is being dealt with, for the journal: a received frame, or the name of a connection; 0: neither. */
  frame: usize;
  frameLength: u32;
  connection: usize;
  /** Memory for captures, 0: none; not 0 while a capture runs; the record of the received frame, 0: none. */
  capture: usize;
  capturing: u32;
  captured: usize;

  /** Keys drawn from the seed; SipHash keys are used in pairs. */
  isnKey0: u64;
  isnKey1: u64;
  portKey0: u64;
  portKey1: u64;
  cookieKey0: u64;
  cookieKey1: u64;
  tableKey: u64;
  /** State of the pseudo-random generator (random/random.ts). */
  random0: u64;
  random1: u64;

  /** Connection hash table: an array of Tcb references. */
  connections: usize;
  connectionMask: u32;
  /** Listener hash table by local port: an array of Socket references. */
  listeners: usize;
  listenerMask: u32;
  /** Bound datagram sockets by local port: an array of Socket references. */
  datagrams: usize;
  datagramMask: u32;
  /**
   * Every socket that has a local port, by that port: an array of Socket references (socket/bind-table.ts).
   */
  binds: usize;
  bindMask: u32;
  /** Neighbour hash table: an array of Neighbour references. */
  neighbours: usize;
  neighbourMask: u32;
  /** Contiguous copy of a reassembled datagram, 64 KB. */
  reassembled: usize;
  /** Contiguous copy of a frame that was held back on purpose (link/inject.ts), 64 KB and headers. */
  injected: usize;

  /** Data of packet buffer 0; the others follow. */
  bufferData: usize;

  /** TCBs that have something to send, first in first out (tcp/output.ts). */
  outputHead: usize;
  outputTail: usize;
  /** How many of them must not wait for the application's next call: data, handshakes, retransmissions. */
  outputUrgent: u32;

  /** Wait sets to be woken by the shell (socket/waitset.ts). */
  wakeHead: usize;

  ports: u32;
  /** How many addresses of its own the stack has (link/addresses.ts). */
  addresses: u32;
  /** The own address, counted from one, whose subnet the gateway lies in; 0: no gateway. */
  gateway: u32;

  /** Stack-wide defaults set by configure(). */
  congestionControl: u32;
  challengeAckWindowStart: u64;
  challengeAckCount: u32;
  ephemeralOffset: u32;
  /** TIME_WAIT connections, the oldest first (tcp/time-wait.ts). */
  timeWaitHead: usize;
  timeWaitTail: usize;
  timeWaitCount: u32;
  cookieUntil: u64;

  /** The gateway's address (ip/addresses.ts). */
  gatewayHigh: u64;
  gatewayLow: u64;
  /** Result of sourceFor(). */
  sourceHigh: u64;
  sourceLow: u64;
  /** Buffers that hold fragments (ip/reassembly.ts), so that they stay below their share. */
  reassemblyBuffers: u32;

  /** Networks of the kernel's interfaces that the shell told of (ip/sides.ts). */
  kernelNetworks: u32;

  /** 1: the kernel has the stack's address, too, and what no socket of the process wants is for it. */
  kernelShares: u32;
  /** The kernel's device, counted from one, 0: another stack has it, or there is none. */
  kernel: u32;
  /** The port by which the kernel's frames leave. */
  kernelWire: u32;
  /** The port that leads back to us, counted from one, 0: none; and the port whose address that is. */
  loop: u32;
  loopWire: u32;
  /** Where a frame to ourselves is put together (link/loop.ts). */
  loopFrame: usize;

  /** The ring port to ltran, counted from one; 0 while there is none (link/announce.ts). */
  announcePort: u32;
  /** Counts registrations: what an earlier ltran was told is worth nothing to this one. Never 0. */
  announceEpoch: u32;
  /** Sockets with something to be announced, first in first out. */
  announceHead: usize;
  announceTail: usize;
  /** Open ports to other programs on this machine by which packets leave (link/peer-port.ts). */
  peers: u32;
  /**
   * Of the frame that is being received: which stack of the program that sent it ltran says it is from,
   * counted from one; 0: it does not say. Kept up to date while there are such ports.
   */
  sender: u32;
  /** One of AnnouncePhase, and the place in its pool where it goes on. */
  announcePhase: u32;
  announceAt: u32;

  /** Which of the process' stacks this is, and how many there are; 0 of 0 or 1: the only one. */
  stackIndex: u32;
  stackCount: u32;
  /** Entries of the table by which the device chooses a queue (link/rss.ts); 0: its way is not known. */
  hashEntries: u32;
  /**
   * Of the frame that is being received: how many stacks saw it before, how many may see it after us,
   * whether it goes to the next one, and RxFlag.claimed if one of them wants it (link/handover.ts).
   */
  seenBefore: u32;
  mayFollow: u32;
  handedOn: u32;
  claimed: u32;
}

/** The region's root; compiles to a constant address. */
export function root(): Root {
  return changetype<Root>(ROOT);
}
