import { EBADF } from "../../../build/generated/system";
import { acceptNext } from "../accept";
import { bindTo } from "../bind";
import { closeSocket, shutdownSocket } from "../close";
import { connectTo, dissolve } from "../connect";
import { listenOn } from "../listen";
import { nameOf } from "../name";
import { openSocket } from "../open";
import { resolve, resolveAt } from "./resolve";

/**
 * A new socket. `version` is 4 or 6, `type` SOCK_STREAM or SOCK_DGRAM.
 * Answers its handle; -ESOCKTNOSUPPORT, -EAFNOSUPPORT, -ENOBUFS when the stack has no room for it.
 */
export function socketOpen(version: i32, type: i32): i32 {
  return openSocket(version, type);
}

/**
 * bind(): gives the socket the address and port in callEndpoint(); an address of zeros means any, port 0
 * means that the stack chooses. Answers 0; -EADDRNOTAVAIL (not our address), -EADDRINUSE, -EINVAL (bound
 * already), -EAFNOSUPPORT.
 */
export function socketBind(handle: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : bindTo(socket);
}

/**
 * connect() to callEndpoint(). Streams: -EINPROGRESS when the handshake was started now (the result arrives
 * as EPOLLOUT, or EPOLLERR and SO_ERROR), -EALREADY while it is under way, 0 on the first call after it
 * succeeded, -EISCONN on later ones, the pending error after it failed; -ENETUNREACH, -EADDRNOTAVAIL (no free
 * port), -EADDRINUSE at once. A blocking connect waits for EPOLLOUT and calls again. Datagrams: 0 at once;
 * connecting again changes the peer.
 */
export function socketConnect(handle: i32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : connectTo(socket);
}

/**
 * connect() with AF_UNSPEC: a datagram socket forgets its peer, a connection is aborted and can connect
 * again.
 */
export function socketDisconnect(handle: i32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : dissolve(socket);
}

/** listen(): `backlog` as given by the application; a listener may call again to change it. 0 or -errno. */
export function socketListen(handle: i32, backlog: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : listenOn(socket, backlog);
}

/**
 * accept(): the handle of the oldest established connection, its peer in callEndpoint(). -EAGAIN when none
 * waits, -EINVAL when the socket does not listen, -EOPNOTSUPP for datagrams, -ENOBUFS when there is no room
 * for a socket (the connection keeps waiting).
 */
export function socketAccept(handle: i32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : acceptNext(socket);
}

/** shutdown(): `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. 0, -ENOTCONN or -EINVAL. */
export function socketShutdown(handle: i32, how: i32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : shutdownSocket(socket, how);
}

/**
 * The last descriptor of the socket was closed. Answers 0: the handle is stale now and every interest in it
 * is gone. A positive answer, only from the first call, means SO_LINGER: everything is shut and the stack
 * still delivers; the caller may wait that many seconds, asking socketLingers() whenever the socket's wait
 * set wakes it, and calls socketClose() again, which always ends it.
 */
export function socketClose(handle: i32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : closeSocket(socket);
}

/** getsockname() (`peer` 0) or getpeername() (`peer` 1) into callEndpoint(). 0 or -ENOTCONN. */
export function socketName(handle: i32, peer: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : nameOf(socket, peer != 0);
}
