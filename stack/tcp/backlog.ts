import { EPOLLIN, EPOLLRDNORM } from "../../build/generated/system";
import { root } from "../memory/root";
import { socketNotify } from "../socket/readiness";
import { Socket } from "../socket/socket";
import { Counter, count } from "../stats/counters";
import { deadlineArm } from "./deadlines";
import { tcpRequestOutput } from "./output-queue";
import { Tcb, TcbFlag, tcbClear, tcbHas, tcbSet } from "./tcb";

/** A listener's two queues: handshakes under way, and connections that wait for accept. */

const SYN_QUEUE_MIN: u32 = 16;
const SYN_QUEUE_MAX: u32 = 4096;

/** Whether another handshake must do without a control block (SYN cookie). */
export function synQueueFull(listener: Socket): bool {
  return listener.synCount >= min(max(listener.backlog, SYN_QUEUE_MIN), SYN_QUEUE_MAX);
}

/** Whether not even a handshake that its peer has completed may be added. */
export function synQueueCrowded(listener: Socket): bool {
  return listener.synCount >= SYN_QUEUE_MAX;
}

/** Whether no further connection may wait for accept; as on Linux one more than the backlog may. */
export function acceptQueueFull(listener: Socket): bool {
  return listener.acceptCount > listener.backlog;
}

/** Puts a handshake on the listener's list. */
export function synQueueJoin(listener: Socket, tcb: Tcb): void {
  tcb.listener = changetype<usize>(listener);
  tcb.listNext = listener.synHead;
  tcb.listPrevious = 0;
  if (listener.synHead != 0) changetype<Tcb>(listener.synHead).listPrevious = changetype<usize>(tcb);
  listener.synHead = changetype<usize>(tcb);
  listener.synCount++;
  tcbSet(tcb, TcbFlag.inSynQueue);
}

/**
 * Keeps a handshake that its peer has completed until the accept queue has room; the SYN-ACK is repeated
 * meanwhile.
 */
export function handshakeHold(listener: Socket, tcb: Tcb): void {
  synQueueJoin(listener, tcb);
  tcbSet(tcb, TcbFlag.handshakeWaits);
  tcb.retransmitAt = root().now + tcb.rto;
  deadlineArm(tcb, tcb.retransmitAt);
}

/** Harmless when it is not in a SYN queue. */
export function synQueueLeave(tcb: Tcb): void {
  if (!tcbHas(tcb, TcbFlag.inSynQueue)) return;
  tcbClear(tcb, TcbFlag.inSynQueue);
  const listener = changetype<Socket>(tcb.listener);
  if (tcb.listPrevious == 0) listener.synHead = tcb.listNext;
  else changetype<Tcb>(tcb.listPrevious).listNext = tcb.listNext;
  if (tcb.listNext != 0) changetype<Tcb>(tcb.listNext).listPrevious = tcb.listPrevious;
  assert(listener.synCount > 0);
  listener.synCount--;
}

/** The handshake is done: the connection waits for accept, and the application hears of it. */
export function acceptQueueJoin(listener: Socket, tcb: Tcb): void {
  synQueueLeave(tcb);
  tcb.listener = changetype<usize>(listener);
  tcb.acceptNext = 0;
  if (listener.acceptTail == 0) listener.acceptHead = changetype<usize>(tcb);
  else changetype<Tcb>(listener.acceptTail).acceptNext = changetype<usize>(tcb);
  listener.acceptTail = changetype<usize>(tcb);
  listener.acceptCount++;
  tcbSet(tcb, TcbFlag.inAcceptQueue);
  count(Counter.tcpPassiveOpens);
  socketNotify(listener, EPOLLIN | EPOLLRDNORM);
}

/** Looks of acceptQueueRoom() at handshakes. */
const LOOKS_MAX: u32 = 64;

/**
 * The accept queue is no longer full: the peer of a handshake that waited for that is asked for its ACK
 * again.
 */
function acceptQueueRoom(listener: Socket): void {
  let at = listener.synHead;
  for (let looks: u32 = 0; at != 0 && looks < LOOKS_MAX; looks++) {
    const tcb = changetype<Tcb>(at);
    if (tcbHas(tcb, TcbFlag.handshakeWaits)) {
      tcbClear(tcb, TcbFlag.handshakeWaits);
      tcb.sndNxt = tcb.iss;
      tcpRequestOutput(tcb, true);
      return;
    }
    at = tcb.listNext;
  }
}

/** The oldest connection that waits for accept, taken out; or 0. */
export function acceptQueueTake(listener: Socket): usize {
  const at = listener.acceptHead;
  if (at == 0) return 0;
  const tcb = changetype<Tcb>(at);
  listener.acceptHead = tcb.acceptNext;
  if (listener.acceptHead == 0) listener.acceptTail = 0;
  assert(listener.acceptCount > 0);
  if (listener.synHead != 0 && acceptQueueFull(listener)) acceptQueueRoom(listener);
  listener.acceptCount--;
  tcb.listener = 0;
  tcbClear(tcb, TcbFlag.inAcceptQueue);
  return at;
}
