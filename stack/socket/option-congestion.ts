import { EINVAL, ENOENT } from "../../build/generated/system";
import { Congestion } from "../tcp/congestion";
import { byteAnswer, byteGiven } from "./option-value";
import { Socket } from "./socket";

/** TCP_CONGESTION: algorithms by name, TCP_CA_NAME_MAX bytes with the terminating zero. */
const NAME_MAX: u32 = 16;

/**
 * Names as little-endian words of their characters; the one of the algorithm that RFC 6582 describes is
 * Linux's.
 */
const CUBIC: u64 = 0x6369627563;
const RENO: u64 = 0x6f6e6572;

/** The name at the front of the option's value, up to its zero, the end or 8 characters. */
function nameGiven(length: u32): u64 {
  let name: u64 = 0;
  for (let i: u32 = 0; i < min(length, NAME_MAX - 1); i++) {
    const character = byteGiven(i);
    if (character == 0) break;
    if (i >= 8) return u64.MAX_VALUE;
    name |= (<u64>character) << (<u64>i * 8);
  }
  return name;
}

/** Chooses a congestion control: -ENOENT when there is none of that name. */
export function congestionSet(socket: Socket, length: u32): i32 {
  if (<i32>length < 1) return -EINVAL;
  const name = nameGiven(length);
  if (name == CUBIC) socket.congestionControl = Congestion.cubic;
  else if (name == RENO) socket.congestionControl = Congestion.newreno;
  else return -ENOENT;
  return 0;
}

/** Answers the name of the congestion control in use, padded with zeros. */
export function congestionGet(socket: Socket, length: u32): i32 {
  const name = socket.congestionControl == Congestion.cubic ? CUBIC : RENO;
  for (let i: u32 = 0; i < NAME_MAX; i++) byteAnswer(i, i < 8 ? <u8>(name >> (<u64>i * 8)) : 0);
  return <i32>min(length, NAME_MAX);
}
