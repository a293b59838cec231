import {
  EINVAL,
  ENOPROTOOPT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  SOL_SOCKET,
} from "../../build/generated/system";
import { CALL_OPTION_SIZE } from "../memory/call";
import { Tcb } from "../tcp/tcb";
import { tcpOptionsChanged } from "../tcp/user";
import { connectionAlive } from "./connection";
import { ipOptionSet, ipv6OptionSet } from "./option-ip";
import { socketLevelSet } from "./option-socket";
import { tcpOptionSet } from "./option-tcp";
import { Socket, SocketKind } from "./socket";

function levelSet(socket: Socket, level: i32, name: i32, length: u32): i32 {
  if (level == SOL_SOCKET) return socketLevelSet(socket, name, length);
  if (level == IPPROTO_IP) return ipOptionSet(socket, name, length);
  if (level == IPPROTO_TCP && socket.kind != SocketKind.datagram) return tcpOptionSet(socket, name, length);
  if (level == IPPROTO_IPV6 && socket.version == 6) return ipv6OptionSet(socket, name, length);
  return -ENOPROTOOPT;
}

/** setsockopt(): the value lies in the call area. A connection is told, so that the option acts at once. */
export function optionSet(socket: Socket, level: i32, name: i32, length: u32): i32 {
  if (length > CALL_OPTION_SIZE) return -EINVAL;
  const result = levelSet(socket, level, name, length);
  if (result == 0 && connectionAlive(socket)) tcpOptionsChanged(changetype<Tcb>(socket.tcb));
  return result;
}
