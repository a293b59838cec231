import { ipSend } from "../ip/output";
import { routeFailure, routeTo } from "../ip/routes";
import { answersForAll } from "../link/handover";
import { Buffer, bufferBase, chainFrom } from "../memory/buffer";
import { RxFlag } from "../memory/port";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import {
  ICMP_ECHO_REQUEST,
  ICMP_HEADER,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  icmpChecksumRight,
  icmpMakeReply,
  icmpType,
} from "../wire/icmp";
import { PROTOCOL_ICMP } from "../wire/ipv4";
import { icmpErrorInput } from "./received";

const TTL: u8 = 64;

/** Answers an echo request of any size (RFC 1122, section 3.2.2.6). */
function echo(
  message: usize,
  length: u32,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
): void {
  const n = routeTo(sourceHigh, sourceLow);
  if (changetype<usize>(n) == 0) {
    drop(routeFailure(sourceHigh, sourceLow));
    return;
  }
  const chain = chainFrom(message, length);
  if (chain == 0) {
    drop(DropReason.noBuffer);
    return;
  }
  icmpMakeReply(bufferBase(changetype<Buffer>(chain)));
  count(Counter.icmpEchoReplies);
  ipSend(n, destinationHigh, destinationLow, sourceHigh, sourceLow, PROTOCOL_ICMP, 0, TTL, chain, length);
}

function countType(type: u8): void {
  if (type == ICMP_ECHO_REQUEST) count(Counter.icmpEchoRequestsIn);
  else if (type == ICMP_UNREACHABLE) count(Counter.icmpUnreachableIn);
  else if (type == ICMP_TIME_EXCEEDED) count(Counter.icmpTimeExceededIn);
  else if (type == ICMP_PARAMETER_PROBLEM) count(Counter.icmpParameterProblemsIn);
}

/** A received ICMP message, contiguous. */
export function icmpInput(
  message: usize,
  length: u32,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
  flags: u32,
): void {
  count(Counter.icmpIn);
  if (length < ICMP_HEADER || !icmpChecksumRight(message, length)) {
    drop(length < ICMP_HEADER ? DropReason.truncated : DropReason.icmpMalformed);
    return;
  }
  countType(icmpType(message));
  switch (icmpType(message)) {
    case ICMP_ECHO_REQUEST:
      // RFC 1122, section 3.2.2.6: an echo request to a broadcast address may be discarded (and is: RFC
      // 2644's reason).
      if ((flags & (RxFlag.broadcast | RxFlag.linkGroup)) != 0) drop(DropReason.icmpUnrelated);
      else if (answersForAll(flags))
        echo(message, length, sourceHigh, sourceLow, destinationHigh, destinationLow);
      break;
    case ICMP_UNREACHABLE:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER_PROBLEM:
      icmpErrorInput(message, length);
      break;
    default:
      // Among them source quench, which RFC 6633 abolished, and redirects: a host with one gateway has no use
      // for them.
      drop(DropReason.icmpUnrelated);
      break;
  }
}
