import { Tcb, TcpState } from "../tcp/tcb";
import { Socket } from "./socket";

/** Whether the socket's connection is in any state but CLOSED. Received data may outlive it. */
export function connectionAlive(socket: Socket): bool {
  return socket.tcb != 0 && changetype<Tcb>(socket.tcb).state != TcpState.closed;
}
