import { IPV4_HIGH, ipv4Low, isIpv4 } from "../../../stack/wire/address";
import { ETHERNET_HEADER, ethernetSource } from "../../../stack/wire/ethernet";
import {
  ICMP_ECHO_REQUEST,
  ICMP_HEADER,
  ICMP_QUOTE,
  icmpIsError,
  icmpType,
  quotedDestinationPort,
  quotedSourcePort,
} from "../../../stack/wire/icmp";
import {
  IPV4_HEADER,
  IPV4_MORE_FRAGMENTS,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Identification,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../../stack/wire/ipv4";
import { TcpFlag } from "../../../stack/wire/tcp";
import { Counter, count } from "../stats/counters";
import { Address } from "../tables/address";
import { ageTouch } from "../tables/age";
import { connectionCount, connectionEnd } from "../tables/connection";
import { Flow, FlowState, flowFind, flowMake, flowSetMac } from "../tables/flow";
import { fragmentOwner, fragmentRemember } from "../tables/fragment";
import { Listener, listenerByHash, listenerFewest, listenerHasRoom } from "../tables/listener";
import { Vport, VportState, vport } from "../tables/vport";
import { Frame } from "./frame";
import { isLaterFragment } from "./parse";
import { trackIn } from "./track";

/** Which vport of an address a packet is for; null (0) everywhere: none that is known. */

function nobody(): Vport {
  return changetype<Vport>(0);
}

/** A vport that does not announce what it listens on gets what nobody else claims. */
function silentOwner(a: Address): Vport {
  for (let at = a.vports; at != 0; at = changetype<Vport>(at).addressNext) {
    if (changetype<Vport>(at).announces == 0) return changetype<Vport>(at);
  }
  return nobody();
}

function hashChoice(f: Frame, a: Address): Listener {
  return listenerByHash(a, <u8>f.protocol, f.destinationPort, f.sourceHigh, f.sourceLow, f.sourcePort);
}

function findFlow(f: Frame, a: Address): Flow {
  return flowFind(a, <u8>f.protocol, f.destinationPort, f.sourceHigh, f.sourceLow, f.sourcePort);
}

/** A connection request: the listener with the fewest connections, remembered, or the hash's choice. */
function requestOwner(f: Frame, a: Address): Vport {
  const l = listenerFewest(a, <u8>f.protocol, f.destinationPort);
  if (changetype<usize>(l) == 0) return nobody();
  const v = vport(l.owner);
  if (listenerHasRoom(l)) {
    const flow = flowMake(
      v,
      <u8>f.protocol,
      f.destinationPort,
      f.sourceHigh,
      f.sourceLow,
      f.sourcePort,
      FlowState.tentative,
    );
    if (changetype<usize>(flow) != 0) {
      flow.rcvNxt = f.sequence + f.space;
      flowSetMac(flow, ethernetSource(f.head));
      connectionCount(flow);
      return v;
    }
  }
  count(Counter.statelessChoices);
  return vport(hashChoice(f, a).owner);
}

/** Who has the connection that a segment belongs to, or is asked for one. */
function tcpOwner(f: Frame, a: Address): Vport {
  const isRequest = (f.tcpFlags & (TcpFlag.syn | TcpFlag.ack | TcpFlag.rst)) == TcpFlag.syn;
  const flow = findFlow(f, a);
  if (changetype<usize>(flow) != 0) {
    const v = vport(flow.owner);
    const isOver = v.state != VportState.open || flow.state == <u8>FlowState.closing;
    if (!isRequest || !isOver) {
      if (v.state != VportState.open) return nobody();
      trackIn(flow, f);
      return v;
    }
    connectionEnd(flow);
  }
  return isRequest ? requestOwner(f, a) : nobody();
}

/**
 * Whose a packet is that nothing is known of for certain. Who got a connection request by hash, with nothing
 * remembered, gets what follows it.
 */
export function lastOwner(f: Frame, a: Address): Vport {
  if (f.protocol == <u32>PROTOCOL_TCP) {
    const l = hashChoice(f, a);
    if (changetype<usize>(l) != 0) return vport(l.owner);
  }
  return silentOwner(a);
}

function udpOwner(f: Frame, a: Address): Vport {
  const flow = findFlow(f, a);
  if (changetype<usize>(flow) != 0 && vport(flow.owner).state == VportState.open) {
    ageTouch(flow);
    return vport(flow.owner);
  }
  const l = hashChoice(f, a);
  return changetype<usize>(l) == 0 ? nobody() : vport(l.owner);
}

/** Whose packet an ICMP error is about (RFC 792: IP header and eight bytes are quoted). */
function errorOwner(f: Frame, a: Address): Vport {
  const quote = f.transport + ICMP_HEADER;
  const present = f.headLength - ETHERNET_HEADER - f.packetHeader - ICMP_HEADER;
  if (f.transportLength < ICMP_HEADER + IPV4_HEADER + ICMP_QUOTE || present < IPV4_HEADER) return nobody();
  const header = ipv4HeaderLength(quote);
  if (header < IPV4_HEADER || header + ICMP_QUOTE > present || ipv4Low(ipv4Source(quote)) != a.low) {
    return nobody();
  }
  const protocol = ipv4Protocol(quote);
  const ports = quote + header;
  const remote = ipv4Low(ipv4Destination(quote));
  const local = quotedSourcePort(ports);
  const flow = flowFind(a, protocol, local, IPV4_HIGH, remote, quotedDestinationPort(ports));
  if (changetype<usize>(flow) != 0) {
    const v = vport(flow.owner);
    return v.state == VportState.open ? v : nobody();
  }
  const l = listenerByHash(a, protocol, local, IPV4_HIGH, remote, quotedDestinationPort(ports));
  return changetype<usize>(l) == 0 ? nobody() : vport(l.owner);
}

function icmpOwner(f: Frame, a: Address): Vport {
  const type = icmpType(f.transport);
  if (icmpIsError(type)) return errorOwner(f, a);
  // Answers are for who asked: vports ask nothing.
  if (a.kernel != 0 && type != ICMP_ECHO_REQUEST) return nobody();
  return changetype<Vport>(a.vports);
}

/** Whose packet this is. */
export function ownerOf(f: Frame, a: Address): Vport {
  if (a.vports == 0 && f.protocol != <u32>PROTOCOL_TCP) return nobody();
  assert(isIpv4(f.destinationHigh, f.destinationLow));
  const identification = <u32>ipv4Identification(f.packet);
  if (isLaterFragment(f)) {
    if (a.vportCount == 1 && a.kernel == 0) return changetype<Vport>(a.vports);
    return fragmentOwner(a, f.sourceHigh, f.sourceLow, <u8>f.protocol, identification);
  }
  let v: Vport;
  if (f.protocol == <u32>PROTOCOL_TCP) v = tcpOwner(f, a);
  else if (f.protocol == <u32>PROTOCOL_UDP) v = udpOwner(f, a);
  else if (f.protocol == <u32>PROTOCOL_ICMP) v = icmpOwner(f, a);
  else v = a.kernel != 0 ? nobody() : changetype<Vport>(a.vports);
  const isFirst = (f.fragment & IPV4_MORE_FRAGMENTS) != 0 && changetype<usize>(v) != 0;
  if (isFirst && (a.vportCount > 1 || a.kernel != 0)) {
    fragmentRemember(a, f.sourceHigh, f.sourceLow, <u8>f.protocol, identification, v);
  }
  return v;
}
