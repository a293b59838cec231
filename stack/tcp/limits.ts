import { Socket } from "../socket/socket";
import { Tcb } from "./tcb";

/** Takes over what an application can set on a socket and that matters while segments flow. */
export function optionsTake(tcb: Tcb, socket: Socket): void {
  tcb.options = socket.flags;
  tcb.sendLimit = socket.sendLimit;
  tcb.receiveLimit = socket.receiveLimit;
  if (socket.windowClamp != 0) tcb.receiveLimit = min(tcb.receiveLimit, socket.windowClamp);
  tcb.keepIdle = socket.keepIdleSeconds;
  tcb.keepInterval = socket.keepIntervalSeconds;
  tcb.keepCount = socket.keepCount;
  tcb.userTimeoutMs = socket.userTimeoutMs;
  tcb.synTries = socket.synCountMax;
}
