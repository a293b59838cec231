import { IPV4_HIGH, ipv4Low } from "../../../stack/wire/address";
import { ETHERNET_HEADER } from "../../../stack/wire/ethernet";
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER,
  ICMP_QUOTE,
  icmpIsError,
  icmpType,
  quotedDestinationPort,
  quotedSourcePort,
} from "../../../stack/wire/icmp";
import { Icmpv6Type, icmpv6IsError } from "../../../stack/wire/icmpv6";
import {
  IPV4_HEADER,
  IPV4_OFFSET_MASK,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_ICMP,
} from "../../../stack/wire/ipv4";
import {
  IPV6_HEADER,
  ipv6DestinationHigh,
  ipv6DestinationLow,
  ipv6SourceHigh,
  ipv6SourceLow,
  PROTOCOL_ICMPV6,
} from "../../../stack/wire/ipv6";
import { DropReason } from "../stats/drop";
import { chainWalk, headerChain } from "./extension-headers";
import { Frame } from "./frame";

/** Messages of ICMP and ICMPv6, as far as dispatch tells them apart. */

/** Whether a packet, no later fragment, has a message of the ICMP that belongs to its IP. */
export function isIcmp(f: Frame): bool {
  return f.protocol == <u32>(f.isIpv6 != 0 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP);
}

/** Whether a message of ICMP is about another packet that was in error. */
export function isIcmpError(f: Frame): bool {
  const type = icmpType(f.transport);
  return f.isIpv6 != 0 ? icmpv6IsError(type) : icmpIsError(type);
}

/** Whether a message of ICMP asks for an echo. */
export function isEchoRequest(f: Frame): bool {
  return icmpType(f.transport) == (f.isIpv6 != 0 ? <u8>Icmpv6Type.echoRequest : ICMP_ECHO_REQUEST);
}

/** Whether a message of ICMP is an echo. */
export function isEchoReply(f: Frame): bool {
  return icmpType(f.transport) == (f.isIpv6 != 0 ? <u8>Icmpv6Type.echoReply : ICMP_ECHO_REPLY);
}

/** Reads the IPv4 header that an error quotes; its length, or 0 when it is none. */
function quoteIpv4(f: Frame, quote: usize, present: u32): u32 {
  if (present < IPV4_HEADER) return 0;
  const header = ipv4HeaderLength(quote);
  if (header < IPV4_HEADER) return 0;
  f.quotedSourceHigh = IPV4_HIGH;
  f.quotedSourceLow = ipv4Low(ipv4Source(quote));
  f.quotedDestinationHigh = IPV4_HIGH;
  f.quotedDestinationLow = ipv4Low(ipv4Destination(quote));
  f.quotedProtocol = ipv4Protocol(quote);
  return header;
}

/** Reads the headers that an ICMPv6 error quotes; their length, or 0 when no ports can follow. */
function quoteIpv6(f: Frame, quote: usize, present: u32): u32 {
  if (present < IPV6_HEADER || chainWalk(quote, present, u32.MAX_VALUE) != DropReason.count) return 0;
  const chain = headerChain();
  if ((chain.fragment & IPV4_OFFSET_MASK) != 0) return 0;
  f.quotedSourceHigh = ipv6SourceHigh(quote);
  f.quotedSourceLow = ipv6SourceLow(quote);
  f.quotedDestinationHigh = ipv6DestinationHigh(quote);
  f.quotedDestinationLow = ipv6DestinationLow(quote);
  f.quotedProtocol = chain.protocol;
  return chain.length;
}

/**
 * Reads what an error is about into the frame (RFC 792: IP header and eight bytes are quoted; RFC 4443,
 * section 3.1: more); false when that is not there.
 */
export function quoteRead(f: Frame): bool {
  const quote = f.transport + ICMP_HEADER;
  const present = min(f.transportLength, f.headLength - ETHERNET_HEADER - f.packetHeader) - ICMP_HEADER;
  const header = f.isIpv6 != 0 ? quoteIpv6(f, quote, present) : quoteIpv4(f, quote, present);
  if (header == 0 || header + ICMP_QUOTE > present) return false;
  const ports = quote + <usize>header;
  f.quotedSourcePort = quotedSourcePort(ports);
  f.quotedDestinationPort = quotedDestinationPort(ports);
  return true;
}
