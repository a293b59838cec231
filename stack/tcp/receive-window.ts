import { buffersFree } from "../memory/buffer";
import { BUFFER_SIZE } from "../memory/map";
import { PoolId, pool } from "../memory/pool";
import { Tcb, TcbFlag, tcbHas } from "./tcb";

/** Our shift count: with the largest field it covers 8 MB. */
export const RECEIVE_SCALE: u8 = 7;
const FIELD_MAX: u32 = 0xffff;

/** Whether less than one n-th of all packet buffers is free. */
export function buffersScarce(nth: u32): bool {
  return buffersFree() < pool(PoolId.buffer).capacity / nth;
}

/** Bytes that could be offered now. */
function room(tcb: Tcb): u32 {
  // Every buffer but the last is at least half full on average, so this charges what the queue really pins.
  const held = max(tcb.receiveBytes, (tcb.receiveBuffers * BUFFER_SIZE) / 2);
  const free = tcb.receiveLimit > held ? tcb.receiveLimit - held : 0;
  if (!buffersScarce(4)) return free;
  // Under pressure no window grows, but a connection with an empty queue can always make progress.
  const least = tcb.receiveBytes == 0 && !buffersScarce(16) ? 2 * tcb.rcvMss : 0;
  return min(free, max(tcb.rcvAdv - tcb.rcvNxt, least));
}

/**
 * Smallest move of the right edge worth telling (RFC 9293, section 3.8.6.2.2: receiver's silly window
 * avoidance).
 */
function worthwhile(tcb: Tcb): u32 {
  return min(tcb.receiveLimit / 2, tcb.rcvMss);
}

/** The window field of the next segment; remembers the right edge that it offers, which never moves left. */
export function windowField(tcb: Tcb): u32 {
  const offered = tcb.rcvAdv - tcb.rcvNxt;
  const free = room(tcb);
  const window = free > offered && free - offered >= worthwhile(tcb) ? free : offered;
  const scale = <u32>tcb.rcvScale;
  let field = min(window >> scale, FIELD_MAX);
  // RFC 9293, section 3.8.6, SHLD-14: rounding must not shrink the window.
  if (field << scale < offered && field < FIELD_MAX) field++;
  if (field << scale > offered) tcb.rcvAdv = tcb.rcvNxt + (field << scale);
  return field;
}

/** The window field of a SYN, which is never scaled (RFC 7323, section 2.2). */
export function windowFieldOfSyn(tcb: Tcb): u32 {
  const field = min(tcb.receiveLimit, FIELD_MAX);
  tcb.rcvAdv = tcb.rcvNxt + field;
  return field;
}

/** Whether the application has read so much that the peer should hear of it: the window doubles at least. */
export function windowUpdateDue(tcb: Tcb): bool {
  if (tcbHas(tcb, TcbFlag.finSeen)) return false;
  const offered = tcb.rcvAdv - tcb.rcvNxt;
  const free = room(tcb);
  return free > offered && free - offered >= worthwhile(tcb) && free - offered >= offered;
}
