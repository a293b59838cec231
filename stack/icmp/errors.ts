import { ipSend } from "../ip/output";
import { routeFailure, routeTo } from "../ip/routes";
import { bufferBase, bufferTake } from "../memory/buffer";
import { errorTokenTake } from "../memory/error-tokens";
import { RxFlag } from "../memory/port";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { IPV4_HIGH, ipv4Low } from "../wire/address";
import {
  ICMP_ERROR_TOS,
  ICMP_ERROR_TTL,
  ICMP_HEADER,
  ICMP_UNREACHABLE,
  icmpIsError,
  icmpType,
  icmpWriteError,
} from "../wire/icmp";
import {
  IPV4_OFFSET_MASK,
  ipv4Destination,
  ipv4Fragment,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_ICMP,
} from "../wire/ipv4";

/** Bytes of an error with its IP header, at most (RFC 1812, section 4.3.2.3). */
const ERROR_MAX: u32 = 576;
const IPV4_AND_ICMP: u32 = 28;

/** Packets that no error may be sent about (RFC 1122, section 3.2.2). */
function isUnmentionable(packet: usize, headerLength: u32, total: u32, flags: u32): bool {
  // Nothing is said about fragments but what timed out, and that is quoted from its first one.
  assert((ipv4Fragment(packet) & IPV4_OFFSET_MASK) == 0);
  if ((flags & (RxFlag.broadcast | RxFlag.linkGroup)) != 0) return true;
  if (ipv4Protocol(packet) != PROTOCOL_ICMP) return false;
  return total <= headerLength || icmpIsError(icmpType(packet + headerLength));
}

/**
 * Sends an ICMP error about a received packet of `total` contiguous bytes, unless a rule or the rate limit
 * forbids it.
 */
export function icmpError(
  type: u8,
  code: u8,
  packet: usize,
  headerLength: u32,
  total: u32,
  flags: u32,
): void {
  if (isUnmentionable(packet, headerLength, total, flags)) return;
  if (!errorTokenTake(root(), root().now)) {
    drop(DropReason.icmpRateLimited);
    return;
  }
  const destination = ipv4Low(ipv4Source(packet));
  const n = routeTo(IPV4_HIGH, destination);
  if (changetype<usize>(n) == 0) {
    drop(routeFailure(IPV4_HIGH, destination));
    return;
  }
  const buffer = bufferTake();
  if (changetype<usize>(buffer) == 0) {
    drop(DropReason.noBuffer);
    return;
  }
  const quoted = min(total, ERROR_MAX - IPV4_AND_ICMP);
  const message = bufferBase(buffer);
  memory.copy(message + ICMP_HEADER, packet, quoted);
  const length = ICMP_HEADER + quoted;
  icmpWriteError(message, length, type, code, 0);
  buffer.length = <u16>length;
  count(Counter.icmpErrorsOut);
  if (type == ICMP_UNREACHABLE) count(Counter.icmpUnreachableOut);
  const own = ipv4Low(ipv4Destination(packet));
  ipSend(
    n,
    IPV4_HIGH,
    own,
    IPV4_HIGH,
    destination,
    PROTOCOL_ICMP,
    ICMP_ERROR_TOS,
    ICMP_ERROR_TTL,
    changetype<usize>(buffer),
    length,
  );
}
