import { errorTokenTake } from "../../../stack/memory/error-tokens";
import { ipv4Raw } from "../../../stack/wire/address";
import {
  ETHERNET_HEADER,
  ETHERTYPE_IPV4,
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
import {
  IPV4_DONT_FRAGMENT,
  IPV4_HEADER,
  ipv4Begin,
  ipv4Finish,
  PROTOCOL_ICMP,
} from "../../../stack/wire/ipv4";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { DropReason } from "../stats/drop";
import { Frame, FrameLevel, frameBegin, frameRoom } from "./frame";
import { discard } from "./parse";
import { isAnswerable, sendBack } from "./reset";

/** Tells the sender of a unicast datagram that nobody is bound to its port (RFC 1122, section 4.1.3.1). */
export function portUnreachable(about: Frame): void {
  if (!isAnswerable(about)) return;
  if (!errorTokenTake(root(), root().now)) {
    discard(about, DropReason.icmpRateLimited);
    return;
  }
  const f = frameBegin(FrameLevel.own);
  const quoted = about.packetHeader + ICMP_QUOTE;
  const length = IPV4_HEADER + ICMP_HEADER + quoted;
  f.head = frameRoom(f);
  f.headLength = ETHERNET_HEADER + length;
  f.length = f.headLength;
  ethernetWrite(f.head, ethernetSource(about.head), ethernetDestination(about.head), ETHERTYPE_IPV4);
  const packet = f.head + ETHERNET_HEADER;
  const own = ipv4Raw(about.destinationLow);
  ipv4Begin(packet, ICMP_ERROR_TOS, ICMP_ERROR_TTL, PROTOCOL_ICMP, own, ipv4Raw(about.sourceLow));
  ipv4Finish(packet, length, 0, IPV4_DONT_FRAGMENT);
  const message = packet + IPV4_HEADER;
  memory.copy(message + ICMP_HEADER, about.packet, quoted);
  icmpWriteError(message, ICMP_HEADER + quoted, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
  count(Counter.icmpErrorsOut);
  sendBack(f, about);
}
