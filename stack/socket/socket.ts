import { Announced } from "../link/announced";
import { PoolId, poolAt, poolIndex } from "../memory/pool";

/** What a socket has become. */
export enum SocketKind {
  free,
  /** A stream socket that is neither connected nor listening. */
  stream,
  /** connect() was called, or accept() returned it: `tcb` is set until the connection is gone. */
  connection,
  listener,
  datagram,
  /** What other wait sets see of a wait set (socket/nested.ts). */
  face,
}

/** Boolean options and states of a socket. */
export enum SocketFlag {
  bound = 1,
  reuseAddress = 2,
  reusePort = 4,
  keepAlive = 8,
  noDelay = 16,
  cork = 32,
  broadcast = 64,
  quickAck = 128,
  lingerOn = 256,
  /** shutdown(SHUT_RD) was called, or a datagram socket was shut for reading. */
  readShut = 512,
  writeShut = 1024,
  connected = 2048,
  v6Only = 4096,
  receivePacketInfo = 8192,
  receiveErrors = 16384,
  /**
   * bind() named the local address, or the local port: neither is taken back when a connection or association
   * ends.
   */
  addressGiven = 0x8000,
  portGiven = 0x10000,
  /** A connect() whose result the application has not seen yet. */
  connecting = 0x20000,
  /** close() with SO_LINGER was called once: the shell waits. */
  lingering = 0x40000,
  receiveTtl = 0x80000,
  receiveTos = 0x100000,
  debug = 0x200000,
  dontRoute = 0x400000,
  oobInline = 0x800000,
  /** TCP_QUICKACK was set to 0: acknowledgements are delayed. */
  slowAck = 0x1000000,
  /** SO_TIMESTAMP or SO_TIMESTAMPNS: datagrams come with their time of arrival; the second of the two. */
  timestamps = 0x2000000,
  timestampsNs = 0x20000000,
  /** The reader saw the end of the stream: errors that come later are not his. */
  ended = 0x4000000,
  /** IP_BIND_ADDRESS_NO_PORT: bind() with port 0 leaves the port to connect(). */
  bindAddressNoPort = 0x8000000,
  /** IP_FREEBIND: bind() may name an address that is not ours (yet). */
  freeBind = 0x10000000,
  /** IP_RECVORIGDSTADDR. */
  receiveOriginal = 0x40000000,
}

/**
 * A socket of the stack. Addresses are 16 bytes (IPv4 as ::ffff:a.b.c.d), held as two little-endian loads of
 * the network-order bytes; ports are numbers.
 */
@unmanaged
export class Socket extends Announced {
  /** Links a hash chain (listeners, datagrams). */
  hashNext: usize;
  /** Raised when the slot is given back; part of the handle. */
  generation: u32;
  kind: u8;
  /** 4 or 6. */
  version: u8;
  localPort: u16;
  remotePort: u16;
  tos: u8;
  ttl: u8;
  flags: u32;
  /** SO_ERROR: a pending positive errno, 0 when none. */
  error: i32;
  localHigh: u64;
  localLow: u64;
  remoteHigh: u64;
  remoteLow: u64;

  /** Links the sockets of one local port (socket/bind-table.ts). */
  bindNext: usize;
  bindPrevious: usize;

  /** Interests of wait sets in this socket (socket/waitset.ts). */
  interests: usize;

  /** The wait set that a face shows. */
  shows: usize;
  /** The connection; 0 before connect and after its end. */
  tcb: usize;
  /** Listeners: established connections not yet accepted, and handshakes under way. */
  acceptHead: usize;
  acceptTail: usize;
  synHead: usize;
  acceptCount: u32;
  synCount: u32;
  backlog: u32;

  /** Datagram sockets: queue of received chains, and the payload bytes in it. */
  receiveHead: usize;
  receiveTail: usize;
  receiveBytes: u32;

  /** Limits set by SO_SNDBUF and SO_RCVBUF, in bytes. */
  sendLimit: u32;
  receiveLimit: u32;
  sendLow: u32;
  receiveLow: u32;
  lingerSeconds: u32;
  keepIdleSeconds: u32;
  keepIntervalSeconds: u32;
  keepCount: u32;
  userTimeoutMs: u32;
  maxSegment: u32;
  congestionControl: u32;
  /** SO_PRIORITY, SO_MARK, TCP_SYNCNT, IP_MTU_DISCOVER. */
  priority: u32;
  mark: u32;
  synCountMax: u8;
  mtuDiscover: u8;
  /** TCP_LINGER2 and TCP_DEFER_ACCEPT in seconds, TCP_WINDOW_CLAMP in bytes. */
  linger2Seconds: i32;
  deferSeconds: u32;
  windowClamp: u32;

  /** What a datagram plan goes to, comes from and is marked with, kept from plan to commit. */
  planHigh: u64;
  planLow: u64;
  planSourceHigh: u64;
  planSourceLow: u64;
  planPort: u16;
  planTos: u8;
  /** 0: what the socket and the destination say. */
  planTtl: u8;
  planChain: usize;
  planLength: u32;

  bytesIn: u64;
  bytesOut: u64;
}

const INDEX_BITS: u32 = 20;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/** What a handle says about the generation; a place in the pool fits below it. */
function generationBits(socket: Socket): u32 {
  return (socket.generation << INDEX_BITS) & 0x7fffffff;
}

/**
 * The handle of a socket at the doors: its place in the pool, and the low 11 bits of its generation; never
 * negative.
 */
export function socketHandle(socket: Socket): i32 {
  const index = poolIndex(PoolId.socket, changetype<usize>(socket));
  return <i32>(generationBits(socket) | index);
}

/** The socket that `handle` names, or null (0) when it is stale or was never given out. */
export function socketOf(handle: i32): Socket {
  const address = poolAt(PoolId.socket, <u32>handle & INDEX_MASK);
  if (address == 0) return changetype<Socket>(0);
  const socket = changetype<Socket>(address);
  const stale = (<u32>handle & ~INDEX_MASK) != generationBits(socket);
  if (stale || socket.kind == SocketKind.free) return changetype<Socket>(0);
  return socket;
}
