import { Reassembly, reassemblyTimer } from "../ip/reassembly";
import { Address, addressTimer } from "../link/addresses";
import { Neighbour, neighbourTimer } from "../link/neighbours";
import { Tcb } from "../tcp/tcb";
import { tcpTimer } from "../tcp/timers";
import { Timer, TimerKind, wheelExpire } from "./wheel";

/**
 * Calls the owner of every timer that is due at `now`, in microseconds. A timer set meanwhile fires a tick
 * later at the soonest.
 */
export function timerRun(now: u64): void {
  for (;;) {
    const expired = wheelExpire(now);
    if (expired == 0) return;
    switch (<u32>changetype<Timer>(expired).kind) {
      case TimerKind.tcp:
        tcpTimer(changetype<Tcb>(expired));
        break;
      case TimerKind.neighbour:
        neighbourTimer(changetype<Neighbour>(expired));
        break;
      case TimerKind.reassembly:
        reassemblyTimer(changetype<Reassembly>(expired));
        break;
      case TimerKind.address:
        addressTimer(changetype<Address>(expired));
        break;
      default:
        unreachable();
    }
  }
}
