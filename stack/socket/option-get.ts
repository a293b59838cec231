import {
  ENOPROTOOPT,
  EOPNOTSUPP,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOL_SOCKET,
} from "../../build/generated/system";
import { CALL_OPTION_SIZE } from "../memory/call";
import { ipOptionGet, ipv6OptionGet } from "./option-ip";
import { socketLevelGet } from "./option-socket";
import { tcpOptionGet } from "./option-tcp";
import { Socket, SocketKind } from "./socket";

/** getsockopt(): writes the value to the call area and answers its length, or -errno. */
export function optionGet(socket: Socket, level: i32, name: i32, length: u32): i32 {
  const room = min(length, CALL_OPTION_SIZE);
  if (level == SOL_SOCKET) return socketLevelGet(socket, name, room);
  if (level == IPPROTO_IP) return ipOptionGet(socket, name, room);
  if (level == IPPROTO_TCP && socket.kind != SocketKind.datagram) return tcpOptionGet(socket, name, room);
  if (level == IPPROTO_IPV6 && socket.version == 6) return ipv6OptionGet(socket, name, room);
  // Linux answers so for a level that the socket does not have; setsockopt() says -ENOPROTOOPT.
  const known = level == IPPROTO_UDP && socket.kind == SocketKind.datagram;
  return known ? -ENOPROTOOPT : -EOPNOTSUPP;
}
