import {
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
} from "../../build/generated/system";
import { addressIsOurs } from "../ip/addresses";
import { handOver } from "../link/handover";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { tcpError } from "../tcp/errors";
import { udpError } from "../udp/errors";
import { IPV4_HIGH, ipv4Low } from "../wire/address";
import {
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_HEADER,
  ICMP_PARAMETER_PROBLEM,
  ICMP_QUOTE,
  ICMP_TIME_EXCEEDED,
  icmpCode,
  icmpMtu,
  icmpType,
  quotedDestinationPort,
  quotedSequence,
  quotedSourcePort,
} from "../wire/icmp";
import {
  IPV4_HEADER,
  IPV4_OFFSET_MASK,
  ipv4Destination,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipv4VersionLength,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../wire/ipv4";

/** Smallest MTU that IPv4 allows (RFC 791, section 3.2). */
const MTU_MIN: u32 = 68;

/** The errno of an ICMP error, as Linux reports it; 0 for codes that nobody defined. */
function errnoOf(type: u8, code: u8): i32 {
  if (type == ICMP_TIME_EXCEEDED) return EHOSTUNREACH;
  if (type == ICMP_PARAMETER_PROBLEM) return EPROTO;
  switch (code) {
    case 0: // net unreachable
    case 6: // net unknown
    case 9: // net prohibited
    case 11: // net unreachable for this type of service
      return ENETUNREACH;
    case 2:
      return ENOPROTOOPT;
    case 3:
      return ECONNREFUSED;
    case 4:
      return EMSGSIZE;
    case 5: // source route failed
      return EOPNOTSUPP;
    case 7: // host unknown
      return EHOSTDOWN;
    case 1: // host unreachable
    case 8: // source host isolated
    case 10: // host prohibited
    case 12: // host unreachable for this type of service
    case 13: // communication prohibited
    case 14:
    case 15:
      return EHOSTUNREACH;
    default:
      return 0;
  }
}

/**
 * Whether the error will not go away by itself (RFC 1122, section 4.2.3.9: codes 2 to 4 are hard; Linux has
 * more).
 */
function isHard(type: u8, code: u8): bool {
  if (type == ICMP_TIME_EXCEEDED) return false;
  if (type == ICMP_PARAMETER_PROBLEM) return true;
  return code != 0 && code != 1 && code != 4 && code != 5 && code != 11 && code != 12;
}

/** MTUs in use, for routers that do not tell theirs (RFC 1191, section 7.1): the next one below `length`. */
function plateauBelow(length: u32): u32 {
  if (length > 32000) return 32000;
  if (length > 17914) return 17914;
  if (length > 8166) return 8166;
  if (length > 4352) return 4352;
  if (length > 2002) return 2002;
  if (length > 1492) return 1492;
  if (length > 1006) return 1006;
  if (length > 508) return 508;
  if (length > 296) return 296;
  return MTU_MIN;
}

/** What a router that could not forward a packet of ours says it can; 0 when the message makes no sense. */
function mtuOf(message: usize, quoted: usize): u32 {
  const length = ipv4TotalLength(quoted);
  const told = icmpMtu(message);
  const mtu = told != 0 ? told : plateauBelow(length);
  return mtu >= MTU_MIN && mtu < length ? mtu : 0;
}

/**
 * A received ICMP error: goes to the socket whose packet it quotes, if there is one (RFC 1122, section
 * 3.2.2).
 */
export function icmpErrorInput(message: usize, length: u32): void {
  const quoted = message + ICMP_HEADER;
  const present = length - ICMP_HEADER;
  const headerLength = present >= IPV4_HEADER ? ipv4HeaderLength(quoted) : 0;
  const isWhole = headerLength >= IPV4_HEADER && present >= headerLength + ICMP_QUOTE;
  if (!isWhole || ipv4VersionLength(quoted) >> 4 != 4) {
    drop(DropReason.icmpMalformed);
    return;
  }
  const type = icmpType(message);
  const code = icmpCode(message);
  const source = ipv4Low(ipv4Source(quoted));
  const isFirst = (ipv4Fragment(quoted) & IPV4_OFFSET_MASK) == 0;
  const errno = errnoOf(type, code);
  if (errno == 0 || !isFirst || !addressIsOurs(IPV4_HIGH, source)) {
    drop(DropReason.icmpUnrelated);
    return;
  }
  let mtu: u32 = 0;
  if (errno == EMSGSIZE && code == ICMP_FRAGMENTATION_NEEDED) {
    mtu = mtuOf(message, quoted);
    if (mtu == 0) {
      drop(DropReason.icmpMalformed);
      return;
    }
  }
  const destination = ipv4Low(ipv4Destination(quoted));
  const quote = quoted + headerLength;
  const from = quotedSourcePort(quote);
  const to = quotedDestinationPort(quote);
  const hard = isHard(type, code);
  if (ipv4Protocol(quoted) == PROTOCOL_TCP) {
    count(Counter.icmpErrorsIn);
    const sequence = quotedSequence(quote);
    tcpError(IPV4_HIGH, source, from, IPV4_HIGH, destination, to, sequence, errno, hard, mtu);
  } else if (ipv4Protocol(quoted) == PROTOCOL_UDP) {
    if (udpError(IPV4_HIGH, source, from, IPV4_HIGH, destination, to, errno, hard))
      count(Counter.icmpErrorsIn);
    else if (!handOver()) drop(DropReason.icmpUnrelated);
  } else {
    drop(DropReason.icmpUnrelated);
  }
}
