import {
  SO_BROADCAST,
  SO_DEBUG,
  SO_DONTROUTE,
  SO_KEEPALIVE,
  SO_OOBINLINE,
  SO_REUSEADDR,
  SO_REUSEPORT,
} from "../../build/generated/system";
import { Socket, SocketFlag } from "./socket";

/** The flag that a boolean option of level SOL_SOCKET is, 0 when it is none. */
export function flagOfOption(name: i32): u32 {
  if (name == SO_REUSEADDR) return SocketFlag.reuseAddress;
  if (name == SO_REUSEPORT) return SocketFlag.reusePort;
  if (name == SO_KEEPALIVE) return SocketFlag.keepAlive;
  if (name == SO_BROADCAST) return SocketFlag.broadcast;
  if (name == SO_OOBINLINE) return SocketFlag.oobInline;
  if (name == SO_DEBUG) return SocketFlag.debug;
  return name == SO_DONTROUTE ? SocketFlag.dontRoute : 0;
}

/** Switches a flag on or off. */
export function flagSet(socket: Socket, flag: u32, on: bool): void {
  if (on) socket.flags |= flag;
  else socket.flags &= ~flag;
}

/** A flag as the int 0 or 1. */
export function flagValue(socket: Socket, flag: u32): i32 {
  return (socket.flags & flag) != 0 ? 1 : 0;
}
