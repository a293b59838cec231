import {
  EINVAL,
  ENOPROTOOPT,
  TCP_CONGESTION,
  TCP_CORK,
  TCP_DEFER_ACCEPT,
  TCP_INFO,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_LINGER2,
  TCP_MAXSEG,
  TCP_NODELAY,
  TCP_QUICKACK,
  TCP_SYNCNT,
  TCP_USER_TIMEOUT,
  TCP_WINDOW_CLAMP,
} from "../../build/generated/system";
import { Tcb } from "../tcp/tcb";
import { congestionGet, congestionSet } from "./option-congestion";
import { flagSet, flagValue } from "./option-flag";
import { intAnswer, intGiven } from "./option-value";
import { Socket, SocketFlag } from "./socket";
import { tcpInfoAnswer } from "./tcp-info";

/** Limits of tcp(7) and include/net/tcp.h of Linux. */
const KEEP_SECONDS_MAX: i32 = 32767;
const KEEP_COUNT_MAX: i32 = 127;
const SEGMENT_MIN: i32 = 88;
const SEGMENT_MAX: i32 = 32767;
const LINGER2_DEFAULT: i32 = 60;
const LINGER2_MAX: i32 = 120;
const CLAMP_MIN: u32 = 1152;
/** What a socket without a connection says of its segment size (RFC 9293, section 3.7.1). */
const SEGMENT_DEFAULT: i32 = 536;
/** The longest interval between two SYN-ACKs, in seconds. */
const HANDSHAKE_INTERVAL_MAX: u32 = 120;
const RETRANSMITS_MAX: u32 = 255;

/** The flag that a boolean option of level IPPROTO_TCP is, 0 when it is none. */
function flagOfTcpOption(name: i32): u32 {
  if (name == TCP_NODELAY) return SocketFlag.noDelay;
  return name == TCP_CORK ? SocketFlag.cork : 0;
}

/**
 * TCP_DEFER_ACCEPT is kept as the time that a whole number of SYN-ACK retransmissions takes, from 1 s on and
 * doubling: this is what Linux makes of it, and shows.
 */
function deferTime(seconds: i32): u32 {
  if (seconds <= 0) return 0;
  let interval: u32 = 1;
  let total: u32 = 1;
  for (let count: u32 = 1; <u32>seconds > total && count < RETRANSMITS_MAX; count++) {
    interval = min(interval << 1, HANDSHAKE_INTERVAL_MAX);
    total += interval;
  }
  return total;
}

/** TCP_LINGER2: a negative value means not to wait in FIN_WAIT_2 at all, 0 the default. */
function linger2Of(seconds: i32): i32 {
  if (seconds == 0) return LINGER2_DEFAULT;
  return seconds < 0 ? -1 : min(seconds, LINGER2_MAX);
}

function within(value: i32, least: i32, most: i32): bool {
  return value >= least && value <= most;
}

function windowClampSet(socket: Socket, value: i32): i32 {
  if (value == 0 && socket.tcb != 0) return -EINVAL;
  socket.windowClamp = value == 0 ? 0 : max(<u32>value, CLAMP_MIN);
  return 0;
}

/** setsockopt() of level IPPROTO_TCP. */
export function tcpOptionSet(socket: Socket, name: i32, length: u32): i32 {
  if (name == TCP_CONGESTION) return congestionSet(socket, length);
  if (length < 4) return -EINVAL;
  const value = intGiven();
  const flag = flagOfTcpOption(name);
  if (flag != 0) {
    flagSet(socket, flag, value != 0);
    return 0;
  }
  if (name == TCP_QUICKACK) {
    flagSet(socket, SocketFlag.quickAck, value != 0);
    flagSet(socket, SocketFlag.slowAck, value == 0);
    return 0;
  }
  if (name == TCP_KEEPIDLE) {
    if (!within(value, 1, KEEP_SECONDS_MAX)) return -EINVAL;
    socket.keepIdleSeconds = <u32>value;
  } else if (name == TCP_KEEPINTVL) {
    if (!within(value, 1, KEEP_SECONDS_MAX)) return -EINVAL;
    socket.keepIntervalSeconds = <u32>value;
  } else if (name == TCP_KEEPCNT) {
    if (!within(value, 1, KEEP_COUNT_MAX)) return -EINVAL;
    socket.keepCount = <u32>value;
  } else if (name == TCP_SYNCNT) {
    if (!within(value, 1, KEEP_COUNT_MAX)) return -EINVAL;
    socket.synCountMax = <u8>value;
  } else if (name == TCP_MAXSEG) {
    if (value != 0 && !within(value, SEGMENT_MIN, SEGMENT_MAX)) return -EINVAL;
    socket.maxSegment = <u32>value;
  } else if (name == TCP_USER_TIMEOUT) {
    if (value < 0) return -EINVAL;
    socket.userTimeoutMs = <u32>value;
  } else if (name == TCP_LINGER2) socket.linger2Seconds = linger2Of(value);
  else if (name == TCP_DEFER_ACCEPT) socket.deferSeconds = deferTime(value);
  else if (name == TCP_WINDOW_CLAMP) return windowClampSet(socket, value);
  else return -ENOPROTOOPT;
  return 0;
}

/** The segment size in use; before a connection the one asked for. */
function segmentOf(socket: Socket): i32 {
  if (socket.tcb != 0) return <i32>changetype<Tcb>(socket.tcb).mss;
  return socket.maxSegment != 0 ? <i32>socket.maxSegment : SEGMENT_DEFAULT;
}

/** getsockopt() of level IPPROTO_TCP. */
export function tcpOptionGet(socket: Socket, name: i32, length: u32): i32 {
  if (<i32>length < 0) return -EINVAL;
  const flag = flagOfTcpOption(name);
  if (flag != 0) return intAnswer(flagValue(socket, flag), length);
  if (name == TCP_QUICKACK) return intAnswer(1 - flagValue(socket, SocketFlag.slowAck), length);
  if (name == TCP_INFO) return tcpInfoAnswer(socket, length);
  if (name == TCP_CONGESTION) return congestionGet(socket, length);
  if (name == TCP_KEEPIDLE) return intAnswer(<i32>socket.keepIdleSeconds, length);
  if (name == TCP_KEEPINTVL) return intAnswer(<i32>socket.keepIntervalSeconds, length);
  if (name == TCP_KEEPCNT) return intAnswer(<i32>socket.keepCount, length);
  if (name == TCP_SYNCNT) return intAnswer(socket.synCountMax, length);
  if (name == TCP_MAXSEG) return intAnswer(segmentOf(socket), length);
  if (name == TCP_USER_TIMEOUT) return intAnswer(<i32>socket.userTimeoutMs, length);
  if (name == TCP_LINGER2) return intAnswer(socket.linger2Seconds, length);
  if (name == TCP_DEFER_ACCEPT) return intAnswer(<i32>socket.deferSeconds, length);
  if (name == TCP_WINDOW_CLAMP) return intAnswer(<i32>socket.windowClamp, length);
  return -ENOPROTOOPT;
}
