import {
  EINVAL,
  ENETUNREACH,
  ENODEV,
  IP_PKTINFO,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_PKTINFO,
  PACKET_INFO_INTERFACE_AT,
  PACKET_INFO_LOCAL_AT,
  PACKET_INFO_SIZE,
  PACKET_INFO6_ADDRESS_AT,
  PACKET_INFO6_INTERFACE_AT,
  PACKET_INFO6_SIZE,
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SOL_SOCKET,
} from "../../build/generated/system";
import { addressIsOurs } from "../ip/addresses";
import { call } from "../memory/call";
import { port } from "../memory/port";
import { root } from "../memory/root";
import { IPV4_HIGH, ipv4Low, ipv4Raw, isAnyAddress, isIpv4, isIpv4Multicast } from "../wire/address";
import {
  byteAt,
  controlData,
  controlLevel,
  controlMore,
  controlNext,
  controlSize,
  controlType,
  controlWhole,
  intAt,
  longAt,
} from "./control-message";
import { Socket, SocketFlag } from "./socket";

/** Whether a datagram can leave by the interface that the kernel numbers so; 0 leaves the choice to us. */
function interfaceKnown(index: i32): bool {
  if (index == 0) return true;
  for (let id: u32 = 0; id < root().ports; id++) if (port(id).interfaceIndex == <u32>index) return true;
  return false;
}

/**
 * The source address and interface of one datagram: 0, -ENODEV, or, for an address that is not ours,
 * -ENETUNREACH (-EINVAL for a group).
 */
function sourceRequest(socket: Socket, high: u64, low: u64, index: i32): i32 {
  if (!interfaceKnown(index)) return -ENODEV;
  if (isAnyAddress(high, low)) return 0;
  if (isIpv4Multicast(ipv4Raw(low))) return -EINVAL;
  if (!addressIsOurs(high, low) && (socket.flags & SocketFlag.freeBind) == 0) return -ENETUNREACH;
  socket.planSourceHigh = high;
  socket.planSourceLow = low;
  return 0;
}

function packetInfo(socket: Socket, data: usize, size: u32): i32 {
  if (size != PACKET_INFO_SIZE) return -EINVAL;
  const local = ipv4Low(<u32>intAt(data + PACKET_INFO_LOCAL_AT));
  return sourceRequest(socket, IPV4_HIGH, local, intAt(data + PACKET_INFO_INTERFACE_AT));
}

/** IPV6_PKTINFO with an IPv4 address, on a socket of that family that sends to one. */
function packetInfo6(socket: Socket, data: usize, size: u32): i32 {
  if (size < <u32>PACKET_INFO6_SIZE) return -EINVAL;
  const high = longAt(data + PACKET_INFO6_ADDRESS_AT);
  const low = longAt(data + PACKET_INFO6_ADDRESS_AT + 8);
  if (!isAnyAddress(high, low) && !isIpv4(high, low)) return -EINVAL;
  return sourceRequest(socket, high, low, intAt(data + PACKET_INFO6_INTERFACE_AT));
}

function ttlRequest(socket: Socket, data: usize, size: u32): i32 {
  if (size != 4) return -EINVAL;
  const ttl = intAt(data);
  if (ttl < 1 || ttl > 255) return -EINVAL;
  socket.planTtl = <u8>ttl;
  return 0;
}

function tosRequest(socket: Socket, data: usize, size: u32): i32 {
  if (size != 4 && size != 1) return -EINVAL;
  const tos = size == 4 ? intAt(data) : <i32>byteAt(data);
  if (tos < 0 || tos > 255) return -EINVAL;
  socket.planTos = <u8>tos;
  return 0;
}

/** One message: 0, or the error for which the datagram is not sent. Linux passes over levels of others. */
function request(socket: Socket, offset: u32): i32 {
  const level = controlLevel(offset);
  const type = controlType(offset);
  const data = controlData(offset);
  const size = controlSize(offset);
  if (level == SOL_SOCKET) return type == SCM_RIGHTS || type == SCM_CREDENTIALS ? 0 : -EINVAL;
  if (level == IPPROTO_UDP) return -EINVAL;
  if (level == IPPROTO_IPV6 && socket.version == 6 && type == IPV6_PKTINFO) {
    return packetInfo6(socket, data, size);
  }
  if (level != IPPROTO_IP) return 0;
  if (type == IP_PKTINFO) return packetInfo(socket, data, size);
  if (type == IP_TTL) return ttlRequest(socket, data, size);
  return type == IP_TOS ? tosRequest(socket, data, size) : -EINVAL;
}

/**
 * Reads the control messages of sendmsg(), which lie in the call area, into the plan of a datagram:
 * IP_PKTINFO, IP_TTL and IP_TOS (ip(7)). 0, or -EINVAL, -ENODEV as Linux answers. They count for one call.
 */
export function controlRequest(socket: Socket): i32 {
  const length = call().controlRoom;
  let offset: u32 = 0;
  call().controlRoom = 0;
  while (controlMore(offset, length)) {
    if (!controlWhole(offset, length)) return -EINVAL;
    const result = request(socket, offset);
    if (result != 0) return result;
    offset = controlNext(offset);
  }
  return 0;
}
