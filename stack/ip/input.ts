import { icmpError } from "../icmp/errors";
import { icmpInput } from "../icmp/input";
import { isBroadcast } from "../link/addresses";
import { goesEverywhere } from "../link/handover";
import { mayBeOurs } from "../link/loop";
import { Port, RxFlag } from "../memory/port";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { tcpInput } from "../tcp/input";
import { udpInput } from "../udp/input";
import { IPV4_HIGH, ipv4Low, isIpv4Martian } from "../wire/address";
import { checksumAdd, checksumFold } from "../wire/checksum";
import { ICMP_PROTOCOL_UNREACHABLE, ICMP_UNREACHABLE } from "../wire/icmp";
import {
  IPV4_HEADER,
  IPV4_MORE_FRAGMENTS,
  IPV4_OFFSET_MASK,
  ipv4Destination,
  ipv4FixedSum,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipv4VersionLength,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../wire/ipv4";
import { addressIsOurs } from "./addresses";
import { fragmentInput } from "./reassembly";

/** Version 4 and a header of five words: no options. */
const PLAIN: u8 = 0x45;

/** Whether a header with options is sound; answers its length, or 0 when not. */
function optionsLength(packet: usize, length: u32): u32 {
  const headerLength = ipv4HeaderLength(packet);
  if (ipv4VersionLength(packet) >> 4 != 4 || headerLength < IPV4_HEADER || headerLength > length) {
    drop(DropReason.ipHeader);
    return 0;
  }
  if (checksumFold(checksumAdd(0, packet, headerLength)) != 0xffff) {
    drop(DropReason.ipChecksum);
    return 0;
  }
  return headerLength;
}

/** A received IPv4 packet and what follows it in the frame (RFC 1122, section 3.2.1; options are skipped). */
export function ipInput(p: Port, packet: usize, length: u32, flags: u32): void {
  count(Counter.ipIn);
  if (length < IPV4_HEADER) {
    drop(DropReason.truncated);
    return;
  }
  let headerLength = IPV4_HEADER;
  if (ipv4VersionLength(packet) != PLAIN) {
    headerLength = optionsLength(packet, length);
    // optionsLength() has counted why.
    if (headerLength == 0) return;
  } else if (ipv4FixedSum(packet) != 0xffff) {
    drop(DropReason.ipChecksum);
    return;
  }
  const total = ipv4TotalLength(packet);
  if (total < headerLength || total > length) {
    drop(total > length ? DropReason.truncated : DropReason.ipHeader);
    return;
  }
  const source = ipv4Source(packet);
  const sourceLow = ipv4Low(source);
  const destination = ipv4Destination(packet);
  const isSpoofed = addressIsOurs(IPV4_HIGH, sourceLow) && (source != destination || !mayBeOurs(p));
  if (isIpv4Martian(source) || isBroadcast(source) || isSpoofed) {
    drop(DropReason.ipMartian);
    return;
  }
  let about = flags;
  if (!addressIsOurs(IPV4_HIGH, ipv4Low(destination))) {
    if (!isBroadcast(destination)) {
      drop(DropReason.ipNotOurs);
      return;
    }
    about |= RxFlag.broadcast;
  } else if ((flags & RxFlag.linkGroup) != 0) {
    // RFC 1122, section 3.3.6: a unicast datagram has no business in a broadcast frame.
    drop(DropReason.notOurMac);
    return;
  }
  if ((ipv4Fragment(packet) & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK)) != 0) {
    if (goesEverywhere()) about |= RxFlag.everywhere;
    fragmentInput(p, packet, headerLength, total, about);
    return;
  }
  ipDeliver(p, packet, headerLength, total, about);
}

/** Hands a whole, contiguous datagram of `total` bytes to its transport. */
export function ipDeliver(p: Port, packet: usize, headerLength: u32, total: u32, flags: u32): void {
  const protocol = ipv4Protocol(packet);
  const segment = packet + headerLength;
  const length = total - headerLength;
  const source = ipv4Low(ipv4Source(packet));
  const destination = ipv4Low(ipv4Destination(packet));
  const isGroup = (flags & (RxFlag.broadcast | RxFlag.linkGroup)) != 0;
  if (protocol == PROTOCOL_TCP) {
    // RFC 9293, section 3.9.2.3 (MUST-57): TCP is between two hosts.
    if (isGroup) {
      drop(DropReason.ipNotOurs);
      return;
    }
    count(Counter.ipDelivered);
    tcpInput(p, segment, length, IPV4_HIGH, source, IPV4_HIGH, destination, flags);
    return;
  }
  if (protocol == PROTOCOL_UDP) {
    count(Counter.ipDelivered);
    udpInput(p, segment, length, IPV4_HIGH, source, IPV4_HIGH, destination, flags, packet, headerLength);
    return;
  }
  if (protocol == PROTOCOL_ICMP) {
    count(Counter.ipDelivered);
    icmpInput(segment, length, IPV4_HIGH, source, IPV4_HIGH, destination, flags);
    return;
  }
  drop(DropReason.ipProtocol);
  icmpError(ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, packet, headerLength, total, flags);
}
