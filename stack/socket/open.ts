import {
  EAFNOSUPPORT,
  ENOBUFS,
  ESOCKTNOSUPPORT,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../../build/generated/system";
import { SocketKind, socketHandle } from "./socket";
import { socketDefaults, socketTake } from "./table";

/** A new socket's handle, or -errno. */
export function openSocket(version: i32, type: i32): i32 {
  if (version != 4 && version != 6) return -EAFNOSUPPORT;
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return -ESOCKTNOSUPPORT;
  const socket = socketTake(type == SOCK_STREAM ? SocketKind.stream : SocketKind.datagram, <u8>version);
  if (changetype<usize>(socket) == 0) return -ENOBUFS;
  socketDefaults(socket);
  return socketHandle(socket);
}
