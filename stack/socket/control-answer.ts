import {
  AF_INET,
  IP_ORIGDSTADDR,
  IP_PKTINFO,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  MSG_CTRUNC,
  PACKET_INFO_DESTINATION_AT,
  PACKET_INFO_INTERFACE_AT,
  PACKET_INFO_LOCAL_AT,
  PACKET_INFO_SIZE,
  PACKET_INFO6_ADDRESS_AT,
  PACKET_INFO6_INTERFACE_AT,
  PACKET_INFO6_SIZE,
  SCM_TIMESTAMP,
  SCM_TIMESTAMPNS,
  SOCKADDR_IN_ADDRESS_AT,
  SOCKADDR_IN_FAMILY_AT,
  SOCKADDR_IN_PORT_AT,
  SOCKADDR_IN_SIZE,
  SOL_SOCKET,
  TIMEVAL_FRACTION_AT,
  TIMEVAL_SECONDS_AT,
  TIMEVAL_SIZE,
} from "../../build/generated/system";
import { addressIsOurs, sourceFor } from "../ip/addresses";
import { call } from "../memory/call";
import { port } from "../memory/port";
import { root } from "../memory/root";
import { Datagram } from "../udp/queue";
import { ipv4Raw } from "../wire/address";
import { controlBegin, controlPut, putByte, putInt, putLong, putShort } from "./control-message";
import { Socket, SocketFlag } from "./socket";

const NANOSECONDS: u64 = 1_000_000_000;
/** What makes recvmsg() tell more than the bytes. */
const WANTED: u32 =
  SocketFlag.receivePacketInfo |
  SocketFlag.receiveTtl |
  SocketFlag.receiveTos |
  SocketFlag.receiveOriginal |
  SocketFlag.timestamps;

/** SO_TIMESTAMP and SO_TIMESTAMPNS: when the datagram arrived, by the application's clock (socket(7)). */
function tellTime(socket: Socket, info: Datagram): void {
  const nanoseconds = (socket.flags & SocketFlag.timestampsNs) != 0;
  const arrived = call().timeOfDay - (root().now - info.arrived) * 1000;
  const data = controlPut(SOL_SOCKET, nanoseconds ? SCM_TIMESTAMPNS : SCM_TIMESTAMP, TIMEVAL_SIZE);
  const fraction = arrived % NANOSECONDS;
  putLong(data + TIMEVAL_SECONDS_AT, arrived / NANOSECONDS);
  putLong(data + TIMEVAL_FRACTION_AT, nanoseconds ? fraction : fraction / 1000);
}

/** IP_PKTINFO (ip(7)) or IPV6_PKTINFO (ipv6(7)): where the datagram went to, and what to answer from. */
function tellDestination(socket: Socket, info: Datagram): void {
  const interfaceIndex = <i32>port(info.port).interfaceIndex;
  if (socket.version == 6) {
    const data = controlPut(IPPROTO_IPV6, IPV6_PKTINFO, PACKET_INFO6_SIZE);
    putLong(data + PACKET_INFO6_ADDRESS_AT, info.destinationHigh);
    putLong(data + PACKET_INFO6_ADDRESS_AT + 8, info.destinationLow);
    putInt(data + PACKET_INFO6_INTERFACE_AT, interfaceIndex);
    return;
  }
  let local = info.destinationLow;
  if (!addressIsOurs(info.destinationHigh, local) && sourceFor(info.sourceHigh, info.sourceLow)) {
    local = root().sourceLow;
  }
  const data = controlPut(IPPROTO_IP, IP_PKTINFO, PACKET_INFO_SIZE);
  putInt(data + PACKET_INFO_INTERFACE_AT, interfaceIndex);
  putInt(data + PACKET_INFO_LOCAL_AT, <i32>ipv4Raw(local));
  putInt(data + PACKET_INFO_DESTINATION_AT, <i32>ipv4Raw(info.destinationLow));
}

/** IP_RECVORIGDSTADDR: address and port that the datagram was sent to, as a struct sockaddr_in. */
function tellOriginal(socket: Socket, info: Datagram): void {
  const data = controlPut(IPPROTO_IP, IP_ORIGDSTADDR, SOCKADDR_IN_SIZE);
  putShort(data + SOCKADDR_IN_FAMILY_AT, <u16>AF_INET);
  putByte(data + SOCKADDR_IN_PORT_AT, <u8>(socket.localPort >> 8));
  putByte(data + SOCKADDR_IN_PORT_AT + 1, <u8>socket.localPort);
  putInt(data + SOCKADDR_IN_ADDRESS_AT, <i32>ipv4Raw(info.destinationLow));
}

/** Writes the control messages of a datagram that the application asked for, in Linux's order. */
export function controlAnswer(socket: Socket, info: Datagram): void {
  controlBegin();
  const flags = socket.flags;
  if ((flags & WANTED) == 0) return;
  if (call().controlRoom == 0) {
    call().messageFlags = MSG_CTRUNC;
    return;
  }
  if ((flags & SocketFlag.timestamps) != 0) tellTime(socket, info);
  if ((flags & SocketFlag.receivePacketInfo) != 0) tellDestination(socket, info);
  if ((flags & SocketFlag.receiveTtl) != 0) putInt(controlPut(IPPROTO_IP, IP_TTL, 4), info.ttl);
  if ((flags & SocketFlag.receiveTos) != 0) putByte(controlPut(IPPROTO_IP, IP_TOS, 1), info.tos);
  if ((flags & SocketFlag.receiveOriginal) != 0) tellOriginal(socket, info);
}
