import { root } from "../memory/root";
import { Tcb, TcbFlag, tcbClear, tcbHas, tcbSet } from "./tcb";

/** TIME_WAIT connections, the oldest first, so that the oldest can make room under pressure. */

/** Puts a connection at the end of the list. */
export function timeWaitJoin(tcb: Tcb): void {
  assert(!tcbHas(tcb, TcbFlag.inTimeWait) && !tcbHas(tcb, TcbFlag.inSynQueue));
  const r = root();
  const at = changetype<usize>(tcb);
  tcb.listNext = 0;
  tcb.listPrevious = r.timeWaitTail;
  if (r.timeWaitTail == 0) r.timeWaitHead = at;
  else changetype<Tcb>(r.timeWaitTail).listNext = at;
  r.timeWaitTail = at;
  r.timeWaitCount++;
  tcbSet(tcb, TcbFlag.inTimeWait);
}

/** Harmless when it is not on the list. */
export function timeWaitLeave(tcb: Tcb): void {
  if (!tcbHas(tcb, TcbFlag.inTimeWait)) return;
  tcbClear(tcb, TcbFlag.inTimeWait);
  const r = root();
  if (tcb.listPrevious == 0) r.timeWaitHead = tcb.listNext;
  else changetype<Tcb>(tcb.listPrevious).listNext = tcb.listNext;
  if (tcb.listNext == 0) r.timeWaitTail = tcb.listPrevious;
  else changetype<Tcb>(tcb.listNext).listPrevious = tcb.listPrevious;
  r.timeWaitCount--;
}
