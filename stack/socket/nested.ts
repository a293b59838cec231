import { ENOBUFS, EPOLLIN, EPOLLRDNORM } from "../../build/generated/system";
import { interestsDrop } from "./interest";
import { socketReadiness } from "./readiness";
import { Socket, SocketKind, socketHandle } from "./socket";
import { socketGive, socketTake } from "./table";
import { Interest, readyRemove, WaitSet } from "./waitset";

/** An epoll instance can be watched itself: it is readable while one of its interests is ready (epoll(7)). */
export const FACE_EVENTS: u32 = EPOLLIN | EPOLLRDNORM;
/** Instances above one another; the kernel allows fewer (EP_MAX_NESTS). */
const NESTING_MAX: u32 = 8;

/**
 * The face of a set: a handle that other sets can be interested in like in a socket's, made when it is asked
 * for the first time; -ENOBUFS when there are no more sockets. It ends with its set.
 */
export function faceOf(set: WaitSet): i32 {
  if (set.face == 0) {
    const face = socketTake(SocketKind.face, 4);
    if (changetype<usize>(face) == 0) return -ENOBUFS;
    face.shows = changetype<usize>(set);
    set.face = changetype<usize>(face);
  }
  return socketHandle(changetype<Socket>(set.face));
}

/** Who watches a set that ends is told nothing more. */
export function faceEnd(set: WaitSet): void {
  if (set.face == 0) return;
  const face = changetype<Socket>(set.face);
  set.face = 0;
  interestsDrop(face);
  socketGive(face);
}

/**
 * Whether an interest of the set behind a face is ready. As in the kernel, those that turn out not to be
 * leave the queue; the others keep their places.
 */
export function faceReadiness(face: Socket): u32 {
  const set = changetype<WaitSet>(face.shows);
  while (set.readyHead != 0) {
    const interest = changetype<Interest>(set.readyHead);
    if ((socketReadiness(changetype<Socket>(interest.socket)) & interest.events) != 0) return FACE_EVENTS;
    readyRemove(set, interest);
  }
  return 0;
}

/** Whether `wanted` watches `set`, or a set that watches it; also when that cannot be told in few steps. */
function watches(wanted: WaitSet, set: WaitSet, steps: u32): bool {
  if (changetype<usize>(wanted) == changetype<usize>(set) || steps == 0) return true;
  if (set.face == 0) return false;
  let at = changetype<Socket>(set.face).interests;
  while (at != 0) {
    const interest = changetype<Interest>(at);
    if (watches(wanted, changetype<WaitSet>(interest.set), steps - 1)) return true;
    at = interest.socketNext;
  }
  return false;
}

/** Whether an interest of `set` in `socket` would make a set watch itself. */
export function closesLoop(set: WaitSet, socket: Socket): bool {
  if (socket.kind != SocketKind.face) return false;
  return watches(changetype<WaitSet>(socket.shows), set, NESTING_MAX);
}
