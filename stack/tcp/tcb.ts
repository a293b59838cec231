import { Parked } from "../link/parked";
import { PoolId, poolGive, poolTake } from "../memory/pool";
import { root } from "../memory/root";
import { Socket } from "../socket/socket";

/**
 * The states of RFC 9293, section 3.3.2, in the order that comparisons rely on; LISTEN is a Socket, not a
 * Tcb.
 */
export enum TcpState {
  closed,
  synSent,
  synReceived,
  established,
  closeWait,
  finWait1,
  finWait2,
  closing,
  lastAck,
  timeWait,
}

/** What is true of a connection beyond its state. */
export enum TcbFlag {
  /** RFC 7323 timestamps go with every segment. */
  timestamps = 1,
  /** RFC 7323 window scaling is on in both directions. */
  windowScaling = 2,
  /** The peer takes SACK options (RFC 2018). */
  sackPermitted = 4,
  /** An ACK is due. */
  ackNow = 8,
  /** The application has closed its side: a FIN follows the last queued byte. */
  finQueued = 16,
  /** A FIN was received, perhaps ahead of missing data; `finSequence` is its place. */
  finSeen = 32,
  /** The FIN was reached: nothing more will be received. */
  finReceived = 64,
  /** Opened by a peer: goes back to the listener's queue when it fails. */
  passive = 128,
  /** On the listener's list of handshakes. */
  inSynQueue = 256,
  /** On the listener's list of connections that wait for accept. */
  inAcceptQueue = 512,
  /** The segment at sndUna is to be retransmitted now. */
  retransmitHead = 1024,
  /** A zero-window probe is to be sent now. */
  windowProbe = 2048,
  /** A keep-alive probe is to be sent now. */
  keepAliveProbe = 4096,
  /** A round trip is being timed: `timedSequence` was sent at `timedAt`. */
  timing = 8192,
  /** The application was told that there is no room to send. */
  unwritable = 16384,
  /** The last commit said that more is to come (MSG_MORE): a partial segment waits. */
  moreToCome = 32768,
  /** A held-back partial segment has waited long enough. */
  forcePartial = 65536,
  /** The rescue retransmission of this recovery was used (RFC 6675, section 4, rule 4). */
  rescued = 131072,
  /** The application closed: nobody will read. */
  orphan = 262144,
  /** The SYN was retransmitted: the first RTO afterwards is 3 s (RFC 6298, section 5.7). */
  synRetransmitted = 524288,
  /** In the connection table. */
  hashed = 1048576,
  /** On the TIME_WAIT list. */
  inTimeWait = 2097152,
  /** A writer waits for packet buffers, not for room in its own queue. */
  memoryWait = 4194304,
  /** SYN_RECEIVED, and the peer has answered, but the accept queue had no room. */
  handshakeWaits = 8388608,
  /** ltran knows of it, but will not see its end: it goes by a ring now, or had closed when ltran came. */
  forwarded = 16777216,
}

/** How lost data is being recovered. */
export enum Recovery {
  open,
  /** Fast recovery: SACK-based (RFC 6675) or NewReno (RFC 6582). */
  fast,
  /**
   * After a retransmission time-out: everything not yet acknowledged is sent again (RFC 5681, section 3.1).
   */
  loss,
}

/** Whether a TCB waits in the output queue. */
export enum Queued {
  no,
  /** May wait for the application's next call. */
  patient,
  urgent,
}

/**
 * A transmission control block (RFC 9293, section 3.3.1). What demultiplexing and in-order reception touch
 * comes first. Sequence numbers are absolute; windows, limits and congestion state are bytes; times are
 * microseconds.
 */
@unmanaged
export class Tcb extends Parked {
  state: i32;
  /** One of Queued. */
  outputQueued: u8;
  /** One of Recovery. */
  recovery: u8;
  /** One of Congestion (congestion.ts). */
  congestion: u8;
  hashNext: usize;
  /** Bits of TcbFlag. */
  flags: u32;
  localPort: u16;
  remotePort: u16;
  localHigh: u64;
  localLow: u64;
  remoteHigh: u64;
  remoteLow: u64;

  rcvNxt: u32;
  /** Right edge of the window that was advertised last: it never moves left. */
  rcvAdv: u32;
  /** rcvNxt as it was last acknowledged (Last.ACK.sent of RFC 7323). */
  lastAckSent: u32;
  sndUna: u32;
  sndNxt: u32;
  /** Highest sequence number sent, plus one. */
  sndMax: u32;
  /** Sequence number behind the last queued byte; the FIN's, once one is queued. */
  sndEnd: u32;
  sndWnd: u32;
  sndWl1: u32;
  sndWl2: u32;
  /** Largest window the peer ever offered. */
  sndWndMax: u32;
  timestampRecent: u32;
  /** When timestampRecent was taken. */
  timestampRecentAt: u64;
  /** Added to the millisecond clock to form our timestamps. */
  timestampOffset: u32;
  /** Payload bytes of a full segment, options counted in. */
  mss: u32;
  /** Payload bytes of a full segment of the peer's, for the rule "every second full segment". */
  rcvMss: u32;
  sndScale: u8;
  rcvScale: u8;
  /** Duplicate ACKs in a row. */
  dupAcks: u8;
  /** ACKs that go at once at the start of a connection. */
  quickAcks: u8;
  /** Duplicate ACKs owed to the peer for segments out of order. */
  acksOwed: u8;
  tos: u8;
  ttl: u8;
  /** Retransmissions of the same data in a row. */
  backoff: u8;
  /** How often a SYN is repeated. */
  synTries: u8;

  /** Received data in order: head and tail of a chain, and its bytes. */
  receiveHead: usize;
  receiveTail: usize;
  receiveBytes: u32;
  receiveBuffers: u32;
  /** Buffer that holds the table of runs received out of order; 0 when there are none. */
  runs: usize;
  runCount: u32;
  /** Counts segments kept out of order: the run with the highest stamp comes first in a SACK option. */
  runStamp: u32;
  finSequence: u32;

  /**
   * Data from sndUna on: head and tail of a chain; the bytes queued are sndEnd - its first sequence number.
   */
  sendHead: usize;
  sendTail: usize;
  /** The buffer that holds sndNxt, or an earlier one, or 0. */
  sendCursor: usize;
  /** The same for retransmissions. */
  retransmitCursor: usize;
  /** Buffers of the plan that has not been committed. */
  planHead: usize;

  cwnd: u32;
  ssthresh: u32;
  /** Most bytes in flight while the data up to `flightMark` was sent: whether cwnd is what limits us. */
  flightMost: u32;
  flightMark: u32;
  /** Bytes acknowledged in congestion avoidance, not yet worth a segment. */
  ackedCredit: u32;
  recoveryPoint: u32;
  /** Highest sequence number retransmitted in this recovery, plus one. */
  highRetransmit: u32;
  /** Bytes estimated to be in the network (RFC 6675, section 4). */
  pipe: u32;
  /** Everything below that was not SACKed counts as lost (IsLost of RFC 6675, section 4). */
  lostEdge: u32;
  /** What recovery chose to send next. */
  pieceStart: u32;
  pieceLength: u32;
  /** Buffer that holds the scoreboard; 0 when it is empty. */
  scoreboard: usize;
  sackCount: u32;
  /** End of the last partial segment sent: Nagle's rule looks at it alone. */
  smallEnd: u32;

  /** Smoothed round trip and its variation; 0 before the first measurement. */
  srtt: u32;
  rttvar: u32;
  rto: u32;
  timedSequence: u32;
  timedAt: u64;

  /** Deadlines in microseconds; 0 is off. */
  retransmitAt: u64;
  persistAt: u64;
  delayedAckAt: u64;
  keepAliveAt: u64;
  /** Of the state: FIN_WAIT_2 of an orphan, TIME_WAIT. */
  stateAt: u64;
  /** A partial segment held back by TCP_CORK, or a writer waiting for memory. */
  holdAt: u64;

  /** When something was received last. */
  receivedAt: u64;
  /** When data was sent last. */
  sentAt: u64;
  /** Since when there is something to be read; since when something written waits for a frame; 0: nothing. */
  readableAt: u64;
  writtenAt: u64;
  /** When data came that was read, and not answered yet; 0: there is none. */
  requestAt: u64;
  /** When a segment outside the window was answered last. */
  strayAckAt: u64;
  /** Since when the oldest unacknowledged data has made no progress. */
  stalledAt: u64;

  /** CUBIC: start of the epoch, K and the origin point's window (RFC 9438, section 4.2). */
  cubicEpoch: u64;
  cubicK: u32;
  cubicMax: u32;
  /** CUBIC: the window Reno would have. */
  cubicEstimate: u32;
  cubicCredit: u32;

  outputNext: usize;
  outputPrevious: usize;
  /** Links of the SYN queue or of the TIME_WAIT list. */
  listNext: usize;
  listPrevious: usize;
  acceptNext: usize;

  /** The Socket, or 0. */
  socket: usize;
  /** The listening Socket while the connection waits for accept. */
  listener: usize;
  /** The Neighbour segments go to. */
  neighbour: usize;
  /** Copy of the socket's SocketFlag bits: see tcpOptionsChanged(). */
  options: u32;
  sendLimit: u32;
  receiveLimit: u32;
  keepIdle: u32;
  keepInterval: u32;
  keepCount: u32;
  /** Keep-alive and window probes in a row after which nothing was heard of the peer. */
  keepProbes: u32;
  userTimeoutMs: u32;
  iss: u32;
  irs: u32;
  /** The MSS the peer announced, and ours. */
  peerMss: u32;
  localMss: u32;
  /**
   * Soft error remembered for the time-out (RFC 9293, section 3.9.2.2), or why the connection ended; positive
   * errno.
   */
  error: i32;
  pathMtu: u32;
  retransmits: u32;
}

/** Whether any of the flags is set. */
export function tcbHas(tcb: Tcb, flag: TcbFlag): bool {
  return (tcb.flags & flag) != 0;
}

/** Sets flags. */
export function tcbSet(tcb: Tcb, flag: TcbFlag): void {
  tcb.flags |= flag;
}

/** Clears flags. */
export function tcbClear(tcb: Tcb, flag: TcbFlag): void {
  tcb.flags &= ~(<u32>flag);
}

/** A zeroed block from the pool, or null (0). */
export function tcbTake(): Tcb {
  const address = poolTake(PoolId.tcb);
  if (address != 0) memory.fill(address, 0, offsetof<Tcb>());
  return changetype<Tcb>(address);
}

/** Gives a block back that nothing refers to any more. */
export function tcbGive(tcb: Tcb): void {
  assert(tcb.outputQueued == Queued.no);
  assert(!tcbHas(tcb, TcbFlag.hashed));
  tcb.state = TcpState.closed;
  poolGive(PoolId.tcb, changetype<usize>(tcb));
}

/** The socket, or null (0). */
export function tcbSocket(tcb: Tcb): Socket {
  return changetype<Socket>(tcb.socket);
}

/** Whether the handshake is done and the connection not yet gone. */
export function synchronised(tcb: Tcb): bool {
  return tcb.state >= TcpState.established;
}

/** Our timestamp now (RFC 7323, section 5.4: a clock of 1 ms). */
export function timestampNow(tcb: Tcb): u32 {
  return <u32>(root().now / 1000) + tcb.timestampOffset;
}

/** Bytes queued to be sent, acknowledged ones excluded. */
export function sendQueued(tcb: Tcb): u32 {
  const first = tcb.state <= TcpState.synReceived ? tcb.iss + 1 : tcb.sndUna;
  // Once the FIN is acknowledged sndUna is one past the end of the stream.
  return <i32>(tcb.sndEnd - first) < 0 ? 0 : tcb.sndEnd - first;
}

/** Sequence number behind everything there is to send, the FIN included. */
export function sendLimitSequence(tcb: Tcb): u32 {
  return tcb.sndEnd + (tcbHas(tcb, TcbFlag.finQueued) ? 1 : 0);
}
