import {
  EINVAL,
  ENOPROTOOPT,
  ENOTCONN,
  IP_BIND_ADDRESS_NO_PORT,
  IP_FREEBIND,
  IP_MTU,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_RECVERR,
  IP_RECVORIGDSTADDR,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPV6_MTU,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
} from "../../build/generated/system";
import { pathMtu } from "../ip/routes";
import { flagSet, flagValue } from "./option-flag";
import { intAnswer, intGiven, intOrByteAnswer, intOrByteGiven } from "./option-value";
import { Socket, SocketFlag, SocketKind } from "./socket";

const TTL_DEFAULT: u8 = 64;
/**
 * The two bits of the traffic class that belong to congestion notification (RFC 3168): TCP's, not the
 * application's.
 */
const ECN_MASK: i32 = 3;
/** The largest IP_PMTUDISC_* value. */
const DISCOVER_MAX: i32 = 5;

/** The flag that a boolean option of level IPPROTO_IP is, 0 when it is none. */
function flagOfIpOption(name: i32): u32 {
  if (name == IP_PKTINFO) return SocketFlag.receivePacketInfo;
  if (name == IP_RECVERR) return SocketFlag.receiveErrors;
  if (name == IP_RECVTTL) return SocketFlag.receiveTtl;
  if (name == IP_RECVTOS) return SocketFlag.receiveTos;
  if (name == IP_RECVORIGDSTADDR) return SocketFlag.receiveOriginal;
  if (name == IP_FREEBIND) return SocketFlag.freeBind;
  return name == IP_BIND_ADDRESS_NO_PORT ? SocketFlag.bindAddressNoPort : 0;
}

function tosSet(socket: Socket, value: i32): i32 {
  const datagram = socket.kind == SocketKind.datagram;
  socket.tos = <u8>(datagram ? value : (value & ~ECN_MASK) | (socket.tos & ECN_MASK));
  return 0;
}

/** A hop limit of -1 means the default. */
function ttlSet(socket: Socket, value: i32): i32 {
  if (value != -1 && (value < 1 || value > 255)) return -EINVAL;
  socket.ttl = value == -1 ? TTL_DEFAULT : <u8>value;
  return 0;
}

function discoverSet(socket: Socket, value: i32): i32 {
  if (value < 0 || value > DISCOVER_MAX) return -EINVAL;
  socket.mtuDiscover = <u8>value;
  return 0;
}

/** setsockopt() of level IPPROTO_IP. */
export function ipOptionSet(socket: Socket, name: i32, length: u32): i32 {
  const flag = flagOfIpOption(name);
  const known = flag != 0 || name == IP_TOS || name == IP_TTL || name == IP_MTU_DISCOVER;
  if (!known) return -ENOPROTOOPT;
  const value = length == 0 ? 0 : intOrByteGiven(length);
  if (flag != 0) {
    flagSet(socket, flag, value != 0);
    return 0;
  }
  if (name == IP_TOS) return tosSet(socket, value);
  if (length == 0) return -EINVAL;
  if (name == IP_TTL) return ttlSet(socket, value);
  return discoverSet(socket, value);
}

/** The MTU of the path to the peer. */
function mtuOf(socket: Socket): i32 {
  const connected = socket.tcb != 0 || (socket.flags & SocketFlag.connected) != 0;
  return connected ? <i32>pathMtu(socket.remoteHigh, socket.remoteLow) : -ENOTCONN;
}

/** getsockopt() of level IPPROTO_IP. */
export function ipOptionGet(socket: Socket, name: i32, length: u32): i32 {
  const flag = flagOfIpOption(name);
  if (flag != 0) return intOrByteAnswer(flagValue(socket, flag), length);
  if (name == IP_TOS) return intOrByteAnswer(socket.tos, length);
  if (name == IP_TTL) return intOrByteAnswer(socket.ttl, length);
  if (name == IP_MTU_DISCOVER) return intOrByteAnswer(socket.mtuDiscover, length);
  if (name != IP_MTU) return -ENOPROTOOPT;
  const mtu = mtuOf(socket);
  return mtu < 0 ? mtu : intOrByteAnswer(mtu, length);
}

/** The flag that a boolean option of level IPPROTO_IPV6 is, 0 when it is none. */
function flagOfIpv6Option(name: i32): u32 {
  if (name == IPV6_V6ONLY) return SocketFlag.v6Only;
  if (name == IPV6_RECVPKTINFO) return SocketFlag.receivePacketInfo;
  if (name == IPV6_RECVERR) return SocketFlag.receiveErrors;
  if (name == IPV6_RECVHOPLIMIT) return SocketFlag.receiveTtl;
  return name == IPV6_RECVTCLASS ? SocketFlag.receiveTos : 0;
}

/** setsockopt() of level IPPROTO_IPV6, for sockets of that family. */
export function ipv6OptionSet(socket: Socket, name: i32, length: u32): i32 {
  const flag = flagOfIpv6Option(name);
  const known = flag != 0 || name == IPV6_TCLASS || name == IPV6_UNICAST_HOPS || name == IPV6_MTU_DISCOVER;
  if (!known) return -ENOPROTOOPT;
  if (length < 4) return -EINVAL;
  const value = intGiven();
  // Whether IPv4 is served is settled by bind() (RFC 3493, section 5.3).
  if (flag == SocketFlag.v6Only && (socket.flags & SocketFlag.bound) != 0) return -EINVAL;
  if (flag != 0) {
    flagSet(socket, flag, value != 0);
    return 0;
  }
  if (name == IPV6_UNICAST_HOPS) return ttlSet(socket, value);
  if (name == IPV6_MTU_DISCOVER) return discoverSet(socket, value);
  if (value < -1 || value > 255) return -EINVAL;
  return tosSet(socket, value == -1 ? 0 : value);
}

/** getsockopt() of level IPPROTO_IPV6. */
export function ipv6OptionGet(socket: Socket, name: i32, length: u32): i32 {
  const flag = flagOfIpv6Option(name);
  if (flag != 0) return intAnswer(flagValue(socket, flag), length);
  if (name == IPV6_TCLASS) return intAnswer(socket.tos, length);
  if (name == IPV6_UNICAST_HOPS) return intAnswer(socket.ttl, length);
  if (name == IPV6_MTU_DISCOVER) return intAnswer(socket.mtuDiscover, length);
  if (name != IPV6_MTU) return -ENOPROTOOPT;
  const mtu = mtuOf(socket);
  return mtu < 0 ? mtu : intAnswer(mtu, length);
}
