import { EBADF } from "../../../build/generated/system";
import { socketLingering } from "../close";
import { errorTake } from "../error";
import { socketReadiness as readinessOf } from "../readiness";
import { receiveAvailable, receiveCommit, receivePlan } from "../receive";
import { sendCancel, sendCommit, sendPending, sendPlan } from "../send";
import { resolve, resolveAt } from "./resolve";

/**
 * First step of a send of `length` bytes. Answers the bytes that the spans (callSpan(), call().spanCount)
 * have room for: at most CALL_SPANS buffers, so that a longer stream write is several rounds of plan and
 * commit; a datagram always gets room for all of it, 65,507 bytes at most over IPv4. Datagrams: control
 * messages of call().controlRoom bytes lie at CALL_CONTROL (the call uses them up), and the
 * destination is callEndpoint() when call().endpoint is not 0, else the connected peer. `flags` are MSG_*
 * bits; MSG_DONTWAIT, MSG_NOSIGNAL are the caller's.
 * -EAGAIN (no room now), -EPIPE (shut or reset; the caller raises SIGPIPE), -ENOTCONN, -EDESTADDRREQ,
 * -EISCONN,
 * -EMSGSIZE, -EOPNOTSUPP (MSG_OOB), -EACCES (broadcast without SO_BROADCAST), -ENETUNREACH, -ENOBUFS, or the
 * pending error.
 */
export function socketSendPlan(handle: i32, length: u32, flags: i32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : sendPlan(socket, length, flags);
}

/**
 * Second step: `length` bytes (not more than planned; a datagram's whole length) were copied into the spans.
 * Streams: with MSG_MORE in `flags` the last segment may wait for more. Answers `length`, or -errno
 * (datagrams: -ENETUNREACH ...).
 */
export function socketSendCommit(handle: i32, length: u32, flags: i32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : sendCommit(socket, length, flags);
}

/**
 * In place of the commit, when the application's memory could not be read: gives the planned buffers back.
 */
export function socketSendCancel(handle: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : sendCancel(socket);
}

/**
 * First step of a receive: spans with up to `length` bytes that are there, beginning `offset` bytes behind
 * the first one (for MSG_PEEK beyond one plan). 0 is the end of the stream (or an empty datagram). Datagrams:
 * the spans hold the front of one datagram; its full length is in call().value (longer than the answer:
 * MSG_TRUNC), its source in callEndpoint(), its destination in callEndpoint2(), msg_flags in
 * call().messageFlags, and the control messages that the application asked for (cmsg(3)) at CALL_CONTROL:
 * call().controlLength bytes, not more than call().controlRoom, with the time of day in call().timeOfDay when
 * there is room for any. `flags` are MSG_* bits: MSG_PEEK changes nothing here but lets the commit keep the
 * bytes; MSG_TRUNC on a stream plans no spans (the bytes are to be thrown away); MSG_OOB is -EINVAL. -EAGAIN,
 * -ENOTCONN, or the pending error, once.
 */
export function socketReceivePlan(handle: i32, length: u32, flags: i32, offset: u32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : receivePlan(socket, length, flags, offset);
}

/**
 * Second step: frees `length` bytes of a stream, or the datagram at the front. Nothing with MSG_PEEK. Answers
 * 0.
 */
export function socketReceiveCommit(handle: i32, length: u32, flags: i32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : receiveCommit(socket, length, flags);
}

/** FIONREAD: bytes that can be read now, of the first datagram for datagrams; -EINVAL for a listener. */
export function socketAvailable(handle: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : receiveAvailable(socket);
}

/** SIOCOUTQ: bytes sent and not yet acknowledged; -EINVAL for a listener. */
export function socketUnsent(handle: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : sendPending(socket);
}

/** The EPOLL* bits that are true now; -EBADF for a stale handle. */
export function socketReady(handle: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : <i32>readinessOf(socket);
}

/** SO_ERROR: the pending error as a positive errno, 0 when none; it is cleared. */
export function socketError(handle: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : errorTake(socket);
}

/** 1 while a close with SO_LINGER has still something to deliver, else 0. */
export function socketLingers(handle: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : <i32>socketLingering(socket);
}
