import { root } from "../../memory/root";
import { Socket, socketOf } from "../socket";

/** The socket behind a handle, or null (0). */
export function resolve(handle: i32): Socket {
  return socketOf(handle);
}

/** The same for doors that are told the time, in microseconds: it becomes the stack's. */
export function resolveAt(handle: i32, now: u64): Socket {
  root().now = now;
  return socketOf(handle);
}
