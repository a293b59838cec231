import { EADDRINUSE, EBADF } from "../../../build/generated/system";
import { shadowConflicts, shadowCopy, shadowFollow, shadowMake } from "../shadow";
import { resolve } from "./resolve";

/** Copies a socket to CALL_OPTION for another stack of the process'; answers the bytes, or -EBADF. */
export function socketCopy(handle: i32): i32 {
  const socket = resolve(handle);
  return changetype<usize>(socket) == 0 ? -EBADF : <i32>shadowCopy(socket);
}

/**
 * A socket like the one whose copy is at CALL_OPTION, which has no connection: its handle, -EADDRINUSE or
 * -ENOBUFS.
 */
export function socketShadow(): i32 {
  return shadowMake();
}

/** The listener whose copy is at CALL_OPTION was changed: `handle`, its shadow, follows. 0 or -EBADF. */
export function socketFollow(handle: i32): i32 {
  const socket = resolve(handle);
  if (changetype<usize>(socket) == 0) return -EBADF;
  shadowFollow(socket);
  return 0;
}

/** Whether the socket whose copy is at CALL_OPTION may have the call area's endpoint: 0 or -EADDRINUSE. */
export function socketMayBind(): i32 {
  return shadowConflicts() ? -EADDRINUSE : 0;
}
