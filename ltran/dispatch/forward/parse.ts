import { IPV4_HIGH, ipv4Low } from "../../../stack/wire/address";
import { checksumAdd, checksumFold } from "../../../stack/wire/checksum";
import { ETHERNET_HEADER } from "../../../stack/wire/ethernet";
import { ICMP_HEADER } from "../../../stack/wire/icmp";
import {
  IPV4_HEADER,
  IPV4_OFFSET_MASK,
  ipv4Destination,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Identification,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipv4VersionLength,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../../stack/wire/ipv4";
import {
  TCP_HEADER,
  TcpFlag,
  tcpAcknowledgement,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  tcpSourcePort,
} from "../../../stack/wire/tcp";
import { UDP_HEADER, udpDestinationPort, udpSourcePort } from "../../../stack/wire/udp";
import { DropReason, dropOf } from "../stats/drop";
import { Vport } from "../tables/vport";
import { Frame } from "./frame";
import { isIcmp } from "./icmp";

/** Discards a frame, for its sender if that is a vport. */
export function discard(f: Frame, reason: DropReason): void {
  dropOf(changetype<Vport>(f.source), reason);
}

/** Whether a frame is a fragment behind the first of its packet: it has no transport header. */
export function isLaterFragment(f: Frame): bool {
  return (f.fragment & IPV4_OFFSET_MASK) != 0;
}

function parseTcp(f: Frame, present: u32): bool {
  if (present < TCP_HEADER) return false;
  const header = tcpHeaderLength(f.transport);
  if (header < TCP_HEADER || header > f.transportLength) return false;
  f.sourcePort = tcpSourcePort(f.transport);
  f.destinationPort = tcpDestinationPort(f.transport);
  f.tcpFlags = tcpFlags(f.transport);
  f.sequence = tcpSequence(f.transport);
  f.acknowledgement = tcpAcknowledgement(f.transport);
  f.headerLength = ETHERNET_HEADER + f.packetHeader + header;
  const controls: u32 = ((f.tcpFlags & TcpFlag.syn) != 0 ? 1 : 0) + ((f.tcpFlags & TcpFlag.fin) != 0 ? 1 : 0);
  f.space = f.transportLength - header + controls;
  return true;
}

function parseUdp(f: Frame, present: u32): bool {
  if (present < UDP_HEADER) return false;
  f.sourcePort = udpSourcePort(f.transport);
  f.destinationPort = udpDestinationPort(f.transport);
  f.headerLength = ETHERNET_HEADER + f.packetHeader + UDP_HEADER;
  return true;
}

/** Reads the transport header, which lies in the head; false, discarded, when it cannot be one. */
export function parseTransport(f: Frame): bool {
  if (isLaterFragment(f)) return true;
  const present = min(f.transportLength, f.headLength - ETHERNET_HEADER - f.packetHeader);
  let isRight: bool = true;
  if (f.protocol == PROTOCOL_TCP) isRight = parseTcp(f, present);
  else if (f.protocol == PROTOCOL_UDP) isRight = parseUdp(f, present);
  else if (isIcmp(f)) isRight = present >= ICMP_HEADER;
  if (!isRight) discard(f, DropReason.transportHeader);
  return isRight;
}

/** Reads IPv4 and transport headers; false, discarded, when they are wrong. */
export function parseIpv4(f: Frame): bool {
  const packet = f.head + ETHERNET_HEADER;
  const present = f.headLength - ETHERNET_HEADER;
  if (present < IPV4_HEADER) {
    discard(f, DropReason.truncated);
    return false;
  }
  const header = ipv4HeaderLength(packet);
  const total = ipv4TotalLength(packet);
  if (ipv4VersionLength(packet) >> 4 != 4 || header < IPV4_HEADER || total < header || header > present) {
    discard(f, DropReason.ipHeader);
    return false;
  }
  if (total > f.length - ETHERNET_HEADER) {
    discard(f, DropReason.truncated);
    return false;
  }
  if (checksumFold(checksumAdd(0, packet, header)) != 0xffff) {
    discard(f, DropReason.ipChecksum);
    return false;
  }
  f.packet = packet;
  f.packetHeader = header;
  f.packetLength = total;
  f.protocol = ipv4Protocol(packet);
  f.fragment = ipv4Fragment(packet);
  f.identification = ipv4Identification(packet);
  f.sourceHigh = IPV4_HIGH;
  f.sourceLow = ipv4Low(ipv4Source(packet));
  f.destinationHigh = IPV4_HIGH;
  f.destinationLow = ipv4Low(ipv4Destination(packet));
  f.transport = packet + header;
  f.transportLength = total - header;
  return parseTransport(f);
}
