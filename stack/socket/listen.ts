import { EADDRINUSE, EINVAL, EOPNOTSUPP, SOMAXCONN } from "../../build/generated/system";
import { listenerAnnounce } from "../tcp/announce";
import { tcpListen } from "../tcp/user";
import { bindAutomatically } from "./bind";
import { bindConflicts } from "./bind-conflict";
import { Socket, SocketKind } from "./socket";

/** listen(). A negative backlog counts as the largest, as in Linux, where it is unsigned. */
export function listenOn(socket: Socket, backlog: i32): i32 {
  if (socket.kind == SocketKind.datagram) return -EOPNOTSUPP;
  if (socket.kind == SocketKind.connection) return -EINVAL;
  socket.backlog = min(<u32>backlog, <u32>SOMAXCONN);
  if (socket.kind == SocketKind.listener) {
    listenerAnnounce(socket);
    return 0;
  }
  const bound = bindAutomatically(socket);
  if (bound != 0) return bound;
  // Two sockets may have bound with SO_REUSEADDR; only one of them may listen.
  if (bindConflicts(socket, socket.localPort, false)) return -EADDRINUSE;
  socket.kind = <u8>SocketKind.listener;
  const result = tcpListen(socket);
  if (result < 0) socket.kind = <u8>SocketKind.stream;
  return result;
}
