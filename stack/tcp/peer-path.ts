import { Neighbour, neighbourFor, neighbourHold } from "../link/neighbours";
import { peerAnswers } from "../link/peers";
import { Port } from "../memory/port";
import { tcpRequestOutput } from "./output-queue";
import { wayLeave } from "./peer-move";
import { segment } from "./segment";
import { Tcb, TcbFlag, tcbSet } from "./tcb";

/**
 * Programs with several stacks have one address, so that the address does not say by which ring a connection
 * goes. Its segments do: who has the connection at the other end sent them. So a connection begins by ltran,
 * which chooses the listener, and its first answer goes by the ring to the stack that asked.
 */

/** The connection goes by the ring by which the current segment can be answered, if there is one. */
export function peerFollow(tcb: Tcb): void {
  const from = changetype<Port>(segment().port);
  const to = peerAnswers(from, tcb.remoteHigh, tcb.remoteLow);
  if (changetype<usize>(to) == 0) return;
  const isNew = tcb.neighbour == 0;
  if (!isNew && changetype<usize>(changetype<Neighbour>(tcb.neighbour).port) == changetype<usize>(to)) return;
  const n = neighbourFor(to, tcb.remoteHigh, tcb.remoteLow);
  if (changetype<usize>(n) == 0) return;
  const waited = !isNew && wayLeave(tcb);
  if (isNew && from.peer == 0) tcbSet(tcb, TcbFlag.forwarded);
  neighbourHold(n);
  tcb.neighbour = changetype<usize>(n);
  if (waited) tcpRequestOutput(tcb, true);
}
