import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  EPOLLRDNORM,
  EPOLLWRNORM,
} from "../../build/generated/system";
import { Neighbour, neighbourRelease, neighbourUnpark } from "../link/neighbours";
import { socketNotify } from "../socket/readiness";
import { Counter, count } from "../stats/counters";
import { flowEnd } from "./announce";
import { synQueueLeave } from "./backlog";
import { connectionRemove } from "./connections";
import { deadlinesClear } from "./deadlines";
import { outOfOrderDiscard } from "./out-of-order";
import { outputLeave } from "./output-queue";
import { receiveQueueDiscard } from "./receive-queue";
import { sackClear } from "./sack";
import { sendQueueDiscard } from "./send-queue";
import { Tcb, TcbFlag, TcpState, tcbGive, tcbHas, tcbSet, tcbSocket } from "./tcb";
import { timeWaitLeave } from "./time-wait-list";

const EVENTS_OF_END: u32 = EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLOUT | EPOLLWRNORM;

/** Gives back what nobody refers to any more. */
export function connectionFree(tcb: Tcb): void {
  assert(tcb.state == TcpState.closed);
  receiveQueueDiscard(tcb);
  tcbGive(tcb);
}

/**
 * The connection is over: it leaves every table and queue, and the application learns `error` (a positive
 * errno, or 0). What was received stays readable until the socket is closed; without a socket the block is
 * given back at once, unless it waits to be accepted. The caller must not touch it afterwards.
 */
export function connectionEnd(tcb: Tcb, error: i32): void {
  assert(tcb.state != TcpState.closed);
  const wasOpen = tcb.state == TcpState.established || tcb.state == TcpState.closeWait;
  if (wasOpen) count(Counter.tcpEstablishedResets);
  flowEnd(tcb, error);
  synQueueLeave(tcb);
  timeWaitLeave(tcb);
  connectionRemove(tcb);
  outputLeave(tcb);
  neighbourUnpark(changetype<usize>(tcb));
  if (tcb.neighbour != 0) neighbourRelease(changetype<Neighbour>(tcb.neighbour));
  tcb.neighbour = 0;
  deadlinesClear(tcb);
  sendQueueDiscard(tcb);
  outOfOrderDiscard(tcb);
  sackClear(tcb);
  tcb.state = TcpState.closed;
  tcb.sndUna = tcb.sndEnd;
  tcb.error = error;
  tcbSet(tcb, TcbFlag.finReceived);
  if (tcb.socket != 0) {
    const socket = tcbSocket(tcb);
    if (error != 0) socket.error = error;
    socketNotify(socket, error != 0 ? EVENTS_OF_END | EPOLLERR : EVENTS_OF_END);
  } else if (!tcbHas(tcb, TcbFlag.inAcceptQueue)) {
    connectionFree(tcb);
  }
}

/** The same for a connection that failed: a handshake that did not succeed is counted. */
export function connectionFailed(tcb: Tcb, error: i32): void {
  if (tcb.state <= TcpState.synReceived) count(Counter.tcpAttemptFails);
  connectionEnd(tcb, error);
}
