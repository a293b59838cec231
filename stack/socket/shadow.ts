import { EADDRINUSE, ENOBUFS } from "../../build/generated/system";
import { CALL_OPTION, CALL_OPTION_SIZE, callEndpoint } from "../memory/call";
import { listenerAnnounce } from "../tcp/announce";
import { datagramAdd } from "../udp/table";
import { isAnyAddress } from "../wire/address";
import { optionsInherit } from "./accept";
import { bindConflicts } from "./bind-conflict";
import { bindEnter } from "./bind-table";
import { listenOn } from "./listen";
import { Socket, SocketFlag, SocketKind, socketHandle } from "./socket";
import { socketGive, socketTake } from "./table";

/**
 * A listener of a process with several stacks is in each of them: its shadows have its address and options.
 * And a process that leaves stacks that it shared makes its sockets again in its own. The shell carries a
 * copy of the socket's struct, in the call area, from one stack to the other; references in it mean nothing
 * there.
 */

const NAMED: u32 =
  SocketFlag.addressGiven | SocketFlag.portGiven | SocketFlag.freeBind | SocketFlag.bindAddressNoPort;

function original(): Socket {
  return changetype<Socket>(CALL_OPTION);
}

/** Copies a socket to CALL_OPTION; answers the bytes. */
export function shadowCopy(socket: Socket): u32 {
  const size = <u32>offsetof<Socket>();
  assert(size <= CALL_OPTION_SIZE);
  memory.copy(CALL_OPTION, changetype<usize>(socket), size);
  return size;
}

/**
 * A socket like the one at CALL_OPTION, which listens, is bound or has no address yet: its handle,
 * -EADDRINUSE or -ENOBUFS.
 */
export function shadowMake(): i32 {
  const model = original();
  const isDatagram = model.kind == SocketKind.datagram;
  const socket = socketTake(isDatagram ? SocketKind.datagram : SocketKind.stream, model.version);
  if (changetype<usize>(socket) == 0) return -ENOBUFS;
  optionsInherit(socket, model);
  socket.flags |= model.flags & NAMED;
  socket.localHigh = model.localHigh;
  socket.localLow = model.localLow;
  if ((model.flags & SocketFlag.bound) == 0) return socketHandle(socket);
  if (bindConflicts(socket, model.localPort, false)) {
    socketGive(socket);
    return -EADDRINUSE;
  }
  socket.localPort = model.localPort;
  bindEnter(socket);
  if (isDatagram) datagramAdd(socket);
  if (model.kind != SocketKind.listener) return socketHandle(socket);
  const result = listenOn(socket, <i32>model.backlog);
  return result == 0 ? socketHandle(socket) : result;
}

/** Options or backlog of the listener at CALL_OPTION were changed: so are its shadow's. */
export function shadowFollow(socket: Socket): void {
  optionsInherit(socket, original());
  socket.backlog = original().backlog;
  listenerAnnounce(socket);
}

/** Whether the socket at CALL_OPTION, of another stack, cannot be bound to the call area's endpoint. */
export function shadowConflicts(): bool {
  const endpoint = callEndpoint();
  const model = original();
  const any = isAnyAddress(endpoint.high, endpoint.low);
  model.localHigh = any ? 0 : endpoint.high;
  model.localLow = any ? 0 : endpoint.low;
  return bindConflicts(model, endpoint.port, false);
}
