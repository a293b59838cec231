import { PoolId, pool, poolAt } from "../memory/pool";
import { Tcb, TcpState } from "./tcb";

/**
 * Connections that the application closed and whose peer has not acknowledged everything, the FIN included. A
 * process that is about to end waits for them: afterwards nobody would retransmit. The cost is a look at
 * every block ever used.
 */
export function tcpUnfinished(): u32 {
  const touched = pool(PoolId.tcb).touched;
  let count: u32 = 0;
  for (let i: u32 = 0; i < touched; i++) {
    const state = changetype<Tcb>(poolAt(PoolId.tcb, i)).state;
    if (state == TcpState.finWait1 || state == TcpState.closing || state == TcpState.lastAck) count++;
  }
  return count;
}
