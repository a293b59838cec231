import {
  EBADF,
  EEXIST,
  EINVAL,
  ELOOP,
  ENOENT,
  ENOMEM,
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLWAKEUP,
} from "../../build/generated/system";
import { PoolId, poolGive, poolTake } from "../memory/pool";
import { closesLoop, FACE_EVENTS } from "./nested";
import { socketNotify, socketReadiness } from "./readiness";
import { Socket, socketOf } from "./socket";
import { Interest, readyAppend, readyRemove, setOf, WaitSet } from "./waitset";
import { wakeList } from "./wake";

/** Bits that are instructions and not events: all that is left of a one-shot that was spent. */
export const PRIVATE_EVENTS: u32 = <u32>EPOLLET | <u32>EPOLLONESHOT | <u32>EPOLLEXCLUSIVE | <u32>EPOLLWAKEUP;
/** The only bits that may stand beside EPOLLEXCLUSIVE (epoll_ctl(2)). */
const EXCLUSIVE_EVENTS: u32 =
  <u32>EPOLLIN |
  <u32>EPOLLOUT |
  <u32>EPOLLERR |
  <u32>EPOLLHUP |
  <u32>EPOLLWAKEUP |
  <u32>EPOLLET |
  <u32>EPOLLEXCLUSIVE;

/**
 * The interest of `set` in `socket` under `fd`, or null (0). A socket has few interests, a set may have very
 * many.
 */
function find(set: WaitSet, socket: Socket, fd: i32): Interest {
  let at = socket.interests;
  while (at != 0) {
    const interest = changetype<Interest>(at);
    if (interest.fd == fd && interest.set == changetype<usize>(set)) break;
    at = interest.socketNext;
  }
  return changetype<Interest>(at);
}

/** Looks at the socket now: queues the interest when it is ready, and has a sleeper woken. */
function examine(set: WaitSet, socket: Socket, interest: Interest): void {
  if ((socketReadiness(socket) & interest.events) == 0) return;
  readyAppend(set, interest);
  if (set.face != 0) socketNotify(changetype<Socket>(set.face), FACE_EVENTS);
  if (set.sleepers > 0) wakeList(set);
}

function link(set: WaitSet, socket: Socket, interest: Interest): void {
  const address = changetype<usize>(interest);
  interest.set = changetype<usize>(set);
  interest.setPrevious = 0;
  interest.setNext = set.interests;
  if (set.interests != 0) changetype<Interest>(set.interests).setPrevious = address;
  set.interests = address;
  interest.socket = changetype<usize>(socket);
  interest.socketPrevious = 0;
  interest.socketNext = socket.interests;
  if (socket.interests != 0) changetype<Interest>(socket.interests).socketPrevious = address;
  socket.interests = address;
}

/** Unlinks an interest from its set, its socket and the queue, and gives it back. */
export function interestFree(interest: Interest): void {
  const set = changetype<WaitSet>(interest.set);
  const socket = changetype<Socket>(interest.socket);
  readyRemove(set, interest);
  if (interest.setNext != 0) changetype<Interest>(interest.setNext).setPrevious = interest.setPrevious;
  if (interest.setPrevious != 0) changetype<Interest>(interest.setPrevious).setNext = interest.setNext;
  else set.interests = interest.setNext;
  if (interest.socketNext != 0) {
    changetype<Interest>(interest.socketNext).socketPrevious = interest.socketPrevious;
  }
  if (interest.socketPrevious != 0) {
    changetype<Interest>(interest.socketPrevious).socketNext = interest.socketNext;
  } else socket.interests = interest.socketNext;
  // Who looks at the pool from outside sees by it that the interest is free.
  interest.socket = 0;
  poolGive(PoolId.interest, changetype<usize>(interest));
}

/** Frees every interest in a socket that ends. */
export function interestsDrop(socket: Socket): void {
  while (socket.interests != 0) interestFree(changetype<Interest>(socket.interests));
}

/** EPOLL_CTL_ADD. */
export function interestCreate(id: i32, handle: i32, fd: i32, events: u32, data: u64): i32 {
  const set = setOf(id);
  const socket = socketOf(handle);
  if (changetype<usize>(set) == 0 || changetype<usize>(socket) == 0) return -EBADF;
  if ((events & EPOLLEXCLUSIVE) != 0 && (events & ~EXCLUSIVE_EVENTS) != 0) return -EINVAL;
  if (changetype<usize>(find(set, socket, fd)) != 0) return -EEXIST;
  if (closesLoop(set, socket)) return -ELOOP;
  const address = poolTake(PoolId.interest);
  if (address == 0) return -ENOMEM;
  const interest = changetype<Interest>(address);
  interest.fd = fd;
  interest.events = events | EPOLLERR | EPOLLHUP;
  interest.data = data;
  interest.queued = false;
  link(set, socket, interest);
  examine(set, socket, interest);
  return 0;
}

/** EPOLL_CTL_MOD. */
export function interestChange(id: i32, handle: i32, fd: i32, events: u32, data: u64): i32 {
  const set = setOf(id);
  const socket = socketOf(handle);
  if (changetype<usize>(set) == 0 || changetype<usize>(socket) == 0) return -EBADF;
  if ((events & EPOLLEXCLUSIVE) != 0) return -EINVAL;
  const interest = find(set, socket, fd);
  if (changetype<usize>(interest) == 0) return -ENOENT;
  if ((interest.events & EPOLLEXCLUSIVE) != 0) return -EINVAL;
  interest.events = events | EPOLLERR | EPOLLHUP;
  interest.data = data;
  examine(set, socket, interest);
  return 0;
}

/** EPOLL_CTL_DEL. */
export function interestDelete(id: i32, handle: i32, fd: i32): i32 {
  const set = setOf(id);
  const socket = socketOf(handle);
  if (changetype<usize>(set) == 0 || changetype<usize>(socket) == 0) return -EBADF;
  const interest = find(set, socket, fd);
  if (changetype<usize>(interest) == 0) return -ENOENT;
  interestFree(interest);
  return 0;
}
