import { Neighbour, neighbourRelease, neighbourUnpark } from "../link/neighbours";
import { PoolId, poolAt } from "../memory/pool";
import { root } from "../memory/root";
import { deadlineArm } from "./deadlines";
import { tcpRequestOutput } from "./output-queue";
import { Tcb, TcbFlag, TcpState, tcbHas, tcbSet } from "./tcb";
import { retransmitSoon } from "./timers";

/**
 * Connections to a program on this machine, when a ring to it comes and goes. A look at every connection of
 * the stack each time, which is seldom.
 */

/** When a connection tells the peer where it is after the ring has gone: the peer shall know of that, too. */
const TELL_US: u64 = 20_000;

function isTo(tcb: Tcb, high: u64, low: u64): bool {
  return tcb.remoteLow == low && tcb.remoteHigh == high && tcbHas(tcb, TcbFlag.hashed);
}

/** A connection gives its way up, which led by ltran as a rule; whether it waited there. */
export function wayLeave(tcb: Tcb): bool {
  const n = changetype<Neighbour>(tcb.neighbour);
  // ltran has seen its beginning, and will not see its end.
  if (n.port.peer == 0) tcbSet(tcb, TcbFlag.forwarded);
  const waited = tcb.parkedOn != 0;
  neighbourUnpark(changetype<usize>(tcb));
  neighbourRelease(n);
  tcb.neighbour = 0;
  return waited;
}

/** Connections to an address look for their way again: there is a ring to it now. */
export function connectionsMove(high: u64, low: u64): void {
  for (let i: u32 = 0; ; i++) {
    const tcb = changetype<Tcb>(poolAt(PoolId.tcb, i));
    if (changetype<usize>(tcb) == 0) return;
    if (!isTo(tcb, high, low) || tcb.neighbour == 0) continue;
    if (wayLeave(tcb)) tcpRequestOutput(tcb, true);
  }
}

/**
 * The ring to an address is gone, or the program that had it: its connections say something soon, so that
 * ltran can answer for a program that is gone.
 */
export function connectionsReturn(high: u64, low: u64): void {
  const at = root().now + TELL_US;
  for (let i: u32 = 0; ; i++) {
    const tcb = changetype<Tcb>(poolAt(PoolId.tcb, i));
    if (changetype<usize>(tcb) == 0) return;
    if (!isTo(tcb, high, low) || tcb.state == TcpState.timeWait) continue;
    retransmitSoon(tcb);
    if (tcb.state < TcpState.established) continue;
    tcb.delayedAckAt = at;
    deadlineArm(tcb, at);
  }
}
