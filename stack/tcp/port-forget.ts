import { addressAt } from "../link/addresses";
import { announceEnd } from "../link/announce";
import { Neighbour, neighbourRelease, neighboursForget, neighbourUnpark } from "../link/neighbours";
import { txDone } from "../link/transmit";
import { PoolId, poolAt } from "../memory/pool";
import { Port, port } from "../memory/port";
import { root } from "../memory/root";
import { DropReason, drop } from "../stats/drop";
import { pathRenew } from "./path";
import { Tcb, TcpState } from "./tcb";

/** Whether an address of the stack is on the port. */
function hasAddress(p: Port): bool {
  const held = root().addresses;
  for (let i: u32 = 0; i < held; i++) {
    if (changetype<usize>(addressAt(i).port) == changetype<usize>(p)) return true;
  }
  return false;
}

/** Connections that send by the port find another way, or time out. */
function connectionsLeave(p: Port): void {
  for (let i: u32 = 0; ; i++) {
    const tcb = changetype<Tcb>(poolAt(PoolId.tcb, i));
    if (changetype<usize>(tcb) == 0) return;
    if (tcb.state == TcpState.closed || tcb.neighbour == 0) continue;
    const n = changetype<Neighbour>(tcb.neighbour);
    if (changetype<usize>(n.port) != changetype<usize>(p)) continue;
    neighbourUnpark(changetype<usize>(tcb));
    neighbourRelease(n);
    tcb.neighbour = 0;
    pathRenew(tcb);
  }
}

/** Closes a port; false when an address of the stack is on it. The cost is a look at every connection. */
export function portForget(p: Port): bool {
  if (hasAddress(p)) return false;
  const r = root();
  p.linkUp = 0;
  if (r.announcePort == p.id + 1) announceEnd();
  p.ring = 0;
  p.interfaceIndex = 0;
  const waiting = p.txTail - p.txHead;
  for (let i: u32 = 0; i < waiting; i++) drop(DropReason.portClosed);
  txDone(p, waiting);
  p.open = 0;
  connectionsLeave(p);
  neighboursForget(p);
  while (r.ports > 0 && port(r.ports - 1).open == 0) r.ports--;
  return true;
}
