import { Tcb } from "./tcb";

/** The address of a connection's name within its Tcb: ports and addresses, CONNECTION_SIZE bytes in a row. */
export function connectionName(tcb: Tcb): usize {
  return changetype<usize>(tcb) + offsetof<Tcb>("localPort");
}
