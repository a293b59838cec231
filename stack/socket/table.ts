import { PoolId, poolGive, poolTake } from "../memory/pool";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { interestsDrop } from "./interest";
import { Socket, SocketKind } from "./socket";

/** Linux's defaults (socket(7), tcp(7), net.core.*mem_default): what getsockopt shows on a new socket. */
const SEND_BUFFER: u32 = 212992;
const RECEIVE_BUFFER: u32 = 212992;
const STREAM_SEND_BUFFER: u32 = 2626560;
const STREAM_RECEIVE_BUFFER: u32 = 131072;

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
  count(Counter.socketsAccelerated);
  return socket;
}

/** What a socket fresh from socket() looks like. */
export function socketDefaults(socket: Socket): void {
  const stream = socket.kind == SocketKind.stream;
  socket.sendLimit = stream ? STREAM_SEND_BUFFER : SEND_BUFFER;
  socket.receiveLimit = stream ? STREAM_RECEIVE_BUFFER : RECEIVE_BUFFER;
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
  poolGive(PoolId.socket, changetype<usize>(socket));
}
