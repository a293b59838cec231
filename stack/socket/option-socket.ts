import {
  AF_INET,
  AF_INET6,
  EINVAL,
  ENOPROTOOPT,
  EPERM,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_ERROR,
  SO_LINGER,
  SO_MARK,
  SO_PRIORITY,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../../build/generated/system";
import { errorTake } from "./error";
import { flagOfOption, flagSet, flagValue } from "./option-flag";
import { intAnswer, intGiven, LingerValue, lingerValue } from "./option-value";
import { ALL_EVENTS, socketNotify } from "./readiness";
import { Socket, SocketFlag, SocketKind } from "./socket";

/**
 * net.core.wmem_max and rmem_max as recent kernels have them, and the smallest limits (socket(7)). Before
 * doubling.
 */
const BUFFER_MAX: u32 = 4 << 20;
const SEND_MIN: u32 = 4608;
const RECEIVE_MIN: u32 = 2304;
/** A bound of our own for the FORCE options, which know none in Linux: no socket may claim the region. */
const FORCE_MAX: u32 = 16 << 20;

/** SO_SNDBUF and SO_RCVBUF are doubled, as if half were the kernel's bookkeeping (socket(7)). */
function doubled(value: i32, most: u32, least: u32): u32 {
  return max(min(<u32>value, most) * 2, least);
}

function lingerSet(socket: Socket, length: u32): i32 {
  if (length < <u32>offsetof<LingerValue>()) return -EINVAL;
  const linger = lingerValue();
  flagSet(socket, SocketFlag.lingerOn, linger.on != 0);
  if (linger.on != 0) socket.lingerSeconds = <u32>linger.seconds;
  return 0;
}

/**
 * SO_RCVLOWAT: 0 counts as 1, a negative value as the largest; never more than half the buffer (socket(7),
 * tcp_poll).
 */
function receiveLowSet(socket: Socket, value: i32): i32 {
  const wanted: u32 = value < 0 ? <u32>i32.MAX_VALUE : <u32>value;
  const most = socket.kind == SocketKind.datagram ? <u32>i32.MAX_VALUE : socket.receiveLimit >> 1;
  socket.receiveLow = max(min(wanted, most), 1);
  socketNotify(socket, ALL_EVENTS);
  return 0;
}

/**
 * SO_TIMESTAMP and SO_TIMESTAMPNS: the last one that was switched on counts, and either switches both off.
 */
function timestampSet(socket: Socket, nanoseconds: bool, on: bool): i32 {
  flagSet(socket, SocketFlag.timestamps, on);
  flagSet(socket, SocketFlag.timestampsNs, on && nanoseconds);
  return 0;
}

/** Whether datagrams come with the time that the option `name` asks for. */
function timestampValue(socket: Socket, nanoseconds: bool): i32 {
  const both: u32 = SocketFlag.timestamps | SocketFlag.timestampsNs;
  const wanted: u32 = nanoseconds ? both : SocketFlag.timestamps;
  return (socket.flags & both) == wanted ? 1 : 0;
}

/** setsockopt() of level SOL_SOCKET. */
export function socketLevelSet(socket: Socket, name: i32, length: u32): i32 {
  if (length < 4) return -EINVAL;
  const value = intGiven();
  const flag = flagOfOption(name);
  if (flag != 0) {
    flagSet(socket, flag, value != 0);
    return 0;
  }
  if (name == SO_LINGER) return lingerSet(socket, length);
  if (name == SO_TIMESTAMP || name == SO_TIMESTAMPNS) {
    return timestampSet(socket, name == SO_TIMESTAMPNS, value != 0);
  }
  if (name == SO_SNDBUF) socket.sendLimit = doubled(value, BUFFER_MAX, SEND_MIN);
  else if (name == SO_RCVBUF) socket.receiveLimit = doubled(value, BUFFER_MAX, RECEIVE_MIN);
  else if (name == SO_SNDBUFFORCE) socket.sendLimit = doubled(max(value, 0), FORCE_MAX, SEND_MIN);
  else if (name == SO_RCVBUFFORCE) socket.receiveLimit = doubled(max(value, 0), FORCE_MAX, RECEIVE_MIN);
  else if (name == SO_RCVLOWAT) return receiveLowSet(socket, value);
  else if (name == SO_PRIORITY) {
    if (value < 0 || value > 6) return -EPERM;
    socket.priority = <u32>value;
  } else if (name == SO_MARK) socket.mark = <u32>value;
  else return -ENOPROTOOPT;
  if (name == SO_SNDBUF || name == SO_SNDBUFFORCE) socketNotify(socket, ALL_EVENTS);
  return 0;
}

function lingerAnswer(socket: Socket, length: u32): i32 {
  const linger = lingerValue();
  linger.on = flagValue(socket, SocketFlag.lingerOn);
  linger.seconds = <i32>socket.lingerSeconds;
  return <i32>min(length, <u32>offsetof<LingerValue>());
}

/** getsockopt() of level SOL_SOCKET. */
export function socketLevelGet(socket: Socket, name: i32, length: u32): i32 {
  if (<i32>length < 0) return -EINVAL;
  const datagram = socket.kind == SocketKind.datagram;
  const flag = flagOfOption(name);
  if (flag != 0) return intAnswer(flagValue(socket, flag), length);
  if (name == SO_LINGER) return lingerAnswer(socket, length);
  if (name == SO_ERROR) return intAnswer(errorTake(socket), length);
  if (name == SO_TYPE) return intAnswer(datagram ? SOCK_DGRAM : SOCK_STREAM, length);
  if (name == SO_PROTOCOL) return intAnswer(datagram ? IPPROTO_UDP : IPPROTO_TCP, length);
  if (name == SO_DOMAIN) return intAnswer(socket.version == 6 ? AF_INET6 : AF_INET, length);
  if (name == SO_ACCEPTCONN) return intAnswer(socket.kind == SocketKind.listener ? 1 : 0, length);
  if (name == SO_SNDBUF) return intAnswer(<i32>socket.sendLimit, length);
  if (name == SO_RCVBUF) return intAnswer(<i32>socket.receiveLimit, length);
  if (name == SO_RCVLOWAT) return intAnswer(<i32>socket.receiveLow, length);
  if (name == SO_SNDLOWAT) return intAnswer(<i32>socket.sendLow, length);
  if (name == SO_PRIORITY) return intAnswer(<i32>socket.priority, length);
  if (name == SO_TIMESTAMP || name == SO_TIMESTAMPNS) {
    return intAnswer(timestampValue(socket, name == SO_TIMESTAMPNS), length);
  }
  if (name == SO_MARK) return intAnswer(<i32>socket.mark, length);
  return -ENOPROTOOPT;
}
