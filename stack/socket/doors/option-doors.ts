import { EBADF } from "../../../build/generated/system";
import { optionGet } from "../option-get";
import { optionSet } from "../option-set";
import { resolveAt } from "./resolve";

/**
 * setsockopt(): the value's `length` bytes (not more than CALL_OPTION_SIZE) lie at CALL_OPTION, exactly as
 * the application gave them. 0 or -errno as Linux answers. SO_RCVTIMEO and SO_SNDTIMEO are the caller's: the
 * stack never waits.
 */
export function socketOptionSet(handle: i32, level: i32, name: i32, length: u32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : optionSet(socket, level, name, length);
}

/**
 * getsockopt(): writes the value to CALL_OPTION and answers its length, cut to `length` (the application's
 * *optlen), or
 * -errno as Linux answers.
 */
export function socketOptionGet(handle: i32, level: i32, name: i32, length: u32, now: u64): i32 {
  const socket = resolveAt(handle, now);
  return changetype<usize>(socket) == 0 ? -EBADF : optionGet(socket, level, name, length);
}
