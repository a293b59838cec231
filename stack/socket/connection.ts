import { Tcb, TcpState } from "../tcp/tcb";
import { Socket } from "./socket";

/**
 * Whether the socket's connection is neither CLOSED nor in TIME_WAIT, which is the stack's own business and
 * to a socket the same as CLOSED. Received data may outlive it.
 */
export function connectionAlive(socket: Socket): bool {
  if (socket.tcb == 0) return false;
  const state = changetype<Tcb>(socket.tcb).state;
  return state != TcpState.closed && state != TcpState.timeWait;
}
