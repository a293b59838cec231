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
}

/**
 * A socket of the stack. Addresses are 16 bytes (IPv4 as ::ffff:a.b.c.d), held as two little-endian loads of the
 * network-order bytes; ports are numbers.
 */
@unmanaged
export class Socket {
  /** Links a hash chain (listeners, datagrams). Also the free list's link. */
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

  /** Interests of wait sets in this socket (socket/waitset.ts). */
  interests: usize;

  /** The connection; 0 before connect and after its end. */
  tcb: usize;
  /** Listeners: established connections not yet accepted, and handshakes under way. */
  acceptHead: usize;
  acceptTail: usize;
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

  /** The endpoint a datagram plan goes to, kept from plan to commit. */
  planHigh: u64;
  planLow: u64;
  planPort: u16;
  planChain: usize;
  planLength: u32;

  bytesIn: u64;
  bytesOut: u64;
}

const INDEX_BITS: u32 = 20;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/** The handle of a socket at the doors: its place in the pool, and the low 11 bits of its generation; never negative. */
export function socketHandle(socket: Socket): i32 {
  const index = poolIndex(PoolId.socket, changetype<usize>(socket));
  return <i32>(((socket.generation << INDEX_BITS) & 0x7fffffff) | index);
}

/** The socket that `handle` names, or null (0) when it is stale or was never given out. */
export function socketOf(handle: i32): Socket {
  const address = poolAt(PoolId.socket, <u32>handle & INDEX_MASK);
  if (address == 0) return changetype<Socket>(0);
  const socket = changetype<Socket>(address);
  if (socket.kind == SocketKind.free || socketHandle(socket) != handle) return changetype<Socket>(0);
  return socket;
}
