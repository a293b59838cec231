import { errorTokenTake } from "../../../stack/memory/error-tokens";
import { ipv4Raw } from "../../../stack/wire/address";
import {
  ETHERNET_HEADER,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ethernetDestination,
  ethernetSource,
  ethernetWrite,
} from "../../../stack/wire/ethernet";
import {
  ICMP_ERROR_TOS,
  ICMP_ERROR_TTL,
  ICMP_HEADER,
  ICMP_PORT_UNREACHABLE,
  ICMP_QUOTE,
  ICMP_UNREACHABLE,
  icmpWriteError,
} from "../../../stack/wire/icmp";
import { ICMPV6_PORT_UNREACHABLE, Icmpv6Type, icmpv6Finish, icmpv6Write } from "../../../stack/wire/icmpv6";
import {
  IPV4_DONT_FRAGMENT,
  IPV4_HEADER,
  ipv4Begin,
  ipv4Finish,
  PROTOCOL_ICMP,
} from "../../../stack/wire/ipv4";
import { IPV6_HEADER, ipv6Write, PROTOCOL_ICMPV6 } from "../../../stack/wire/ipv6";
import { HEAD_MAX } from "../memory/map";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { DropReason } from "../stats/drop";
import { Frame, FrameLevel, frameBegin, frameRoom } from "./frame";
import { discard } from "./parse";
import { isAnswerable, sendBack } from "./reset";

/** Begins an answer to `about` with a packet of `length` bytes; the packet's address. */
function answerBegin(f: Frame, about: Frame, type: u16, length: u32): usize {
  f.head = frameRoom(f);
  f.headLength = ETHERNET_HEADER + length;
  f.length = f.headLength;
  ethernetWrite(f.head, ethernetSource(about.head), ethernetDestination(about.head), type);
  return f.head + ETHERNET_HEADER;
}

function writeError(f: Frame, about: Frame): void {
  const quoted = about.packetHeader + ICMP_QUOTE;
  const length = IPV4_HEADER + ICMP_HEADER + quoted;
  const packet = answerBegin(f, about, ETHERTYPE_IPV4, length);
  const own = ipv4Raw(about.destinationLow);
  ipv4Begin(packet, ICMP_ERROR_TOS, ICMP_ERROR_TTL, PROTOCOL_ICMP, own, ipv4Raw(about.sourceLow));
  ipv4Finish(packet, length, 0, IPV4_DONT_FRAGMENT);
  const message = packet + IPV4_HEADER;
  memory.copy(message + ICMP_HEADER, about.packet, quoted);
  icmpWriteError(message, ICMP_HEADER + quoted, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
}

/** Quotes as much as there is room for: the fixed header and eight bytes at least (RFC 4443, section 3.1). */
function writeErrorIpv6(f: Frame, about: Frame): void {
  const room = HEAD_MAX - ETHERNET_HEADER - IPV6_HEADER - ICMP_HEADER;
  const quoted = min(room, min(about.packetLength, about.headLength - ETHERNET_HEADER));
  const length = ICMP_HEADER + quoted;
  const packet = answerBegin(f, about, ETHERTYPE_IPV6, IPV6_HEADER + length);
  const ownHigh = about.destinationHigh;
  const ownLow = about.destinationLow;
  const high = about.sourceHigh;
  const low = about.sourceLow;
  ipv6Write(packet, length, PROTOCOL_ICMPV6, ICMP_ERROR_TTL, ownHigh, ownLow, high, low);
  const message = packet + IPV6_HEADER;
  icmpv6Write(message, <u8>Icmpv6Type.unreachable, ICMPV6_PORT_UNREACHABLE);
  memory.copy(message + ICMP_HEADER, about.packet, quoted);
  icmpv6Finish(message, length, ownHigh, ownLow, high, low);
}

/**
 * Tells the sender of a unicast datagram that nobody is bound to its port (RFC 1122, section 4.1.3.1; RFC
 * 4443, section 3.1).
 */
export function portUnreachable(about: Frame): void {
  if (!isAnswerable(about)) return;
  if (!errorTokenTake(root(), root().now)) {
    discard(about, DropReason.icmpRateLimited);
    return;
  }
  const f = frameBegin(FrameLevel.own);
  if (about.isIpv6 != 0) writeErrorIpv6(f, about);
  else writeError(f, about);
  count(Counter.icmpErrorsOut);
  sendBack(f, about);
}
