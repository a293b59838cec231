import { announceKeeps } from "../link/announce";
import { PoolId, poolGive, poolTake } from "../memory/pool";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { interestsDrop } from "./interest";
import { Socket, SocketKind } from "./socket";

/** Datagrams: net.core.wmem_default and rmem_default of Linux. */
const DATAGRAM_BUFFER: u32 = 212992;
/**
 * Streams: Linux begins small and grows a buffer with the connection, up to 4 and 6 MB. Here memory is taken
 * when it is used, so that the limit may be what the bandwidth-delay product of a fast and long path asks
 * for.
 */
const STREAM_BUFFER: u32 = 1 << 20;

/** A zeroed socket of `kind`, or null (0) when the pool is exhausted. Its generation survives. */
export function socketTake(kind: SocketKind, version: u8): Socket {
  const address = poolTake(PoolId.socket);
  if (address == 0) return changetype<Socket>(0);
  const socket = changetype<Socket>(address);
  const generation = socket.generation;
  memory.fill(address, 0, offsetof<Socket>());
  socket.generation = generation;
  socket.kind = <u8>kind;
  socket.version = version;
  if (kind != SocketKind.face) count(Counter.socketsAccelerated);
  return socket;
}

/** What a socket fresh from socket() looks like. */
export function socketDefaults(socket: Socket): void {
  const stream = socket.kind == SocketKind.stream;
  socket.sendLimit = stream ? STREAM_BUFFER : DATAGRAM_BUFFER;
  socket.receiveLimit = socket.sendLimit;
  socket.sendLow = 1;
  socket.receiveLow = 1;
  socket.ttl = 64;
  socket.mtuDiscover = 1;
  socket.keepIdleSeconds = 7200;
  socket.keepIntervalSeconds = 75;
  socket.keepCount = 9;
  socket.synCountMax = 6;
  socket.linger2Seconds = 60;
  socket.congestionControl = root().congestionControl;
}

/** Gives a socket back that is in no table and has no connection: its handle is stale from here on. */
export function socketGive(socket: Socket): void {
  interestsDrop(socket);
  socket.kind = <u8>SocketKind.free;
  socket.generation++;
  if (!announceKeeps(socket)) poolGive(PoolId.socket, changetype<usize>(socket));
}
