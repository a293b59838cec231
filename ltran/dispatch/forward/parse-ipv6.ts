import { isIpv4 } from "../../../stack/wire/address";
import { ETHERNET_HEADER } from "../../../stack/wire/ethernet";
import {
  IPV6_HEADER,
  ipv6DestinationHigh,
  ipv6DestinationLow,
  ipv6PayloadLength,
  ipv6SourceHigh,
  ipv6SourceLow,
  ipv6Version,
} from "../../../stack/wire/ipv6";
import { DropReason } from "../stats/drop";
import { chainWalk, headerChain } from "./extension-headers";
import { Frame } from "./frame";
import { discard, parseTransport } from "./parse";

/** Reads IPv6, extension and transport headers; false, discarded, when they are wrong. */
export function parseIpv6(f: Frame): bool {
  const packet = f.head + ETHERNET_HEADER;
  const present = f.headLength - ETHERNET_HEADER;
  if (present < IPV6_HEADER) {
    discard(f, DropReason.truncated);
    return false;
  }
  const total = IPV6_HEADER + ipv6PayloadLength(packet);
  if (ipv6Version(packet) != 6) {
    discard(f, DropReason.ipHeader);
    return false;
  }
  if (total > f.length - ETHERNET_HEADER) {
    discard(f, DropReason.truncated);
    return false;
  }
  const wrong = chainWalk(packet, present, total);
  if (wrong != DropReason.count) {
    discard(f, wrong);
    return false;
  }
  const chain = headerChain();
  f.isIpv6 = 1;
  f.packet = packet;
  f.packetHeader = chain.length;
  f.packetLength = total;
  f.protocol = chain.protocol;
  f.fragment = chain.fragment;
  f.isFragment = chain.isFragment;
  f.identification = chain.identification;
  f.sourceHigh = ipv6SourceHigh(packet);
  f.sourceLow = ipv6SourceLow(packet);
  f.destinationHigh = ipv6DestinationHigh(packet);
  f.destinationLow = ipv6DestinationLow(packet);
  // Dispatch would take them for those of IPv4 (RFC 4291, section 2.5.5.2), which they are on no wire.
  if (isIpv4(f.sourceHigh, f.sourceLow) || isIpv4(f.destinationHigh, f.destinationLow)) {
    discard(f, DropReason.ipHeader);
    return false;
  }
  f.transport = packet + <usize>chain.length;
  f.transportLength = total - chain.length;
  return parseTransport(f);
}
