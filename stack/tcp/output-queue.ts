import { root } from "../memory/root";
import { Queued, Tcb } from "./tcb";

/**
 * The line of TCBs that have something to send: first in, first out, doubly linked so that one can leave from
 * anywhere.
 */

/**
 * Puts `tcb` in the line. `urgent`: the thread that holds the lock must not return to the application before
 * it is sent; otherwise it may wait for the application's next call, so that an ACK rides on a reply.
 */
export function tcpRequestOutput(tcb: Tcb, urgent: bool): void {
  const r = root();
  if (tcb.outputQueued != Queued.no) {
    if (urgent && tcb.outputQueued == Queued.patient) {
      tcb.outputQueued = <u8>Queued.urgent;
      r.outputUrgent++;
    }
    return;
  }
  // While the neighbour is being resolved nothing can go; tcpResume() asks again.
  if (tcb.parkedOn != 0) return;
  tcb.outputQueued = <u8>(urgent ? Queued.urgent : Queued.patient);
  if (urgent) r.outputUrgent++;
  const at = changetype<usize>(tcb);
  tcb.outputNext = 0;
  tcb.outputPrevious = r.outputTail;
  if (r.outputTail == 0) r.outputHead = at;
  else changetype<Tcb>(r.outputTail).outputNext = at;
  r.outputTail = at;
}

/** Takes `tcb` out of the line; harmless when it is not in it. */
export function outputLeave(tcb: Tcb): void {
  if (tcb.outputQueued == Queued.no) return;
  const r = root();
  if (tcb.outputQueued == Queued.urgent) {
    assert(r.outputUrgent > 0);
    r.outputUrgent--;
  }
  tcb.outputQueued = <u8>Queued.no;
  if (tcb.outputPrevious == 0) r.outputHead = tcb.outputNext;
  else changetype<Tcb>(tcb.outputPrevious).outputNext = tcb.outputNext;
  if (tcb.outputNext == 0) r.outputTail = tcb.outputPrevious;
  else changetype<Tcb>(tcb.outputNext).outputPrevious = tcb.outputPrevious;
}
