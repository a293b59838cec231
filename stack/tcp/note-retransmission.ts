import { Counter, count } from "../stats/counters";
import { countRetransmission, RetransmissionReason } from "../stats/retransmission";
import { aboutConnection } from "../stats/subject";
import { connectionName } from "./name";
import { Recovery, Tcb, TcbFlag, TcpState, tcbHas } from "./tcb";

function reasonOf(tcb: Tcb): RetransmissionReason {
  if (tcb.state <= TcpState.synReceived) return RetransmissionReason.handshake;
  if (tcbHas(tcb, TcbFlag.windowProbe)) return RetransmissionReason.windowProbe;
  if (tcb.recovery == Recovery.loss) return RetransmissionReason.timeout;
  return tcb.recovery == Recovery.fast ? RetransmissionReason.fast : RetransmissionReason.path;
}

/** Counts a segment that is sent again, and why. */
export function noteRetransmission(tcb: Tcb): void {
  count(Counter.tcpRetransmits);
  tcb.retransmits++;
  aboutConnection(connectionName(tcb));
  countRetransmission(reasonOf(tcb));
  aboutConnection(0);
}
