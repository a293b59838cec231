import {
  EPOLLERR,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  EPOLLRDNORM,
  EPOLLWRNORM,
} from "../../build/generated/system";
import { Tcb } from "../tcp/tcb";
import { tcpReadiness, tcpReceiveReady } from "../tcp/user";
import { connectionAlive } from "./connection";
import { PRIVATE_EVENTS } from "./interest";
import { FACE_EVENTS, faceReadiness } from "./nested";
import { Socket, SocketFlag, SocketKind } from "./socket";
import { Interest, readyAppend, WaitSet } from "./waitset";
import { wakeList } from "./wake";

const READABLE: u32 = EPOLLIN | EPOLLRDNORM;
const WRITABLE: u32 = EPOLLOUT | EPOLLWRNORM;
/** A connection that is over: every call returns at once. */
const OVER: u32 = READABLE | WRITABLE | EPOLLRDHUP | EPOLLHUP;
/** Every event there is: for changes of state that concern all who wait. */
export const ALL_EVENTS: u32 = OVER | EPOLLERR;

/** What shutdown() adds to sockets without a connection. */
function shutReadiness(socket: Socket): u32 {
  if ((socket.flags & SocketFlag.readShut) == 0) return 0;
  const hangUp: u32 = (socket.flags & SocketFlag.writeShut) != 0 ? EPOLLHUP : 0;
  return READABLE | EPOLLRDHUP | hangUp;
}

function connectionReadiness(socket: Socket): u32 {
  if (!connectionAlive(socket)) return OVER;
  const tcb = changetype<Tcb>(socket.tcb);
  let events = tcpReadiness(tcb);
  // SO_RCVLOWAT: fewer bytes do not make a socket readable, the end of the stream does.
  if (socket.receiveLow > 1 && (events & (EPOLLRDHUP | EPOLLHUP)) == 0) {
    if (tcpReceiveReady(tcb) < socket.receiveLow) events &= ~READABLE;
  }
  return events;
}

/** Datagrams can always be sent: they go out at once, or are dropped and counted. */
function datagramReadiness(socket: Socket): u32 {
  return (socket.receiveHead != 0 ? READABLE : 0) | WRITABLE;
}

/** The EPOLL* bits that are true of a socket now, as tcp_poll() and udp_poll() of Linux answer them. */
export function socketReadiness(socket: Socket): u32 {
  const error: u32 = socket.error != 0 ? EPOLLERR : 0;
  if (socket.kind == SocketKind.connection) return connectionReadiness(socket) | error;
  if (socket.kind == SocketKind.listener) return (socket.acceptHead != 0 ? READABLE : 0) | error;
  if (socket.kind == SocketKind.datagram) return datagramReadiness(socket) | shutReadiness(socket) | error;
  if (socket.kind == SocketKind.face) return faceReadiness(socket);
  // A stream socket that was never connected: Linux says that it can be written and is hung up.
  return WRITABLE | EPOLLHUP | shutReadiness(socket) | error;
}

/**
 * Events that became true for a socket just now: queues every interest that wants one of them in its wait
 * set, and lists the sets in which a thread sleeps for waking. Of the interests with EPOLLEXCLUSIVE only one
 * wakes a sleeper. An edge-triggered interest is queued by this alone.
 */
export function socketNotify(socket: Socket, events: u32): void {
  let happened = events;
  if ((events & READABLE) != 0) happened |= READABLE;
  if ((events & WRITABLE) != 0) happened |= WRITABLE;
  let woken = false;
  let at = socket.interests;
  while (at != 0) {
    const interest = changetype<Interest>(at);
    at = interest.socketNext;
    if ((interest.events & ~PRIVATE_EVENTS & happened) == 0) continue;
    const set = changetype<WaitSet>(interest.set);
    readyAppend(set, interest);
    if (set.face != 0) socketNotify(changetype<Socket>(set.face), FACE_EVENTS);
    if (set.sleepers == 0) continue;
    const exclusive = (interest.events & EPOLLEXCLUSIVE) != 0;
    if (exclusive && woken) continue;
    wakeList(set);
    if (exclusive) woken = true;
  }
}
