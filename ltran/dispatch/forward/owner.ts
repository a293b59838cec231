import { ethernetSource } from "../../../stack/wire/ethernet";
import { IPV4_MORE_FRAGMENTS, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../stack/wire/ipv4";
import { TcpFlag } from "../../../stack/wire/tcp";
import { Counter, count } from "../stats/counters";
import { Address } from "../tables/address";
import { ageTouch } from "../tables/age";
import { connectionCount, connectionEnd } from "../tables/connection";
import { Flow, FlowState, flowFind, flowMake, flowSetMac, flowState } from "../tables/flow";
import { fragmentOwner, fragmentRemember } from "../tables/fragment";
import { Listener, listenerByHash, listenerFewest, listenerHasRoom } from "../tables/listener";
import { Vport, VportState, vport } from "../tables/vport";
import { Frame } from "./frame";
import { isEchoRequest, isIcmp, isIcmpError, quoteRead } from "./icmp";
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
    const isOver = v.state != VportState.open || flowState(flow) == <u32>FlowState.closing;
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

/** Whose packet an ICMP error is about. */
function errorOwner(f: Frame, a: Address): Vport {
  if (!quoteRead(f) || f.quotedSourceHigh != a.high || f.quotedSourceLow != a.low) return nobody();
  const protocol = <u8>f.quotedProtocol;
  const high = f.quotedDestinationHigh;
  const low = f.quotedDestinationLow;
  const local = f.quotedSourcePort;
  const flow = flowFind(a, protocol, local, high, low, f.quotedDestinationPort);
  if (changetype<usize>(flow) != 0) {
    const v = vport(flow.owner);
    return v.state == VportState.open ? v : nobody();
  }
  const l = listenerByHash(a, protocol, local, high, low, f.quotedDestinationPort);
  return changetype<usize>(l) == 0 ? nobody() : vport(l.owner);
}

function icmpOwner(f: Frame, a: Address): Vport {
  if (isIcmpError(f)) return errorOwner(f, a);
  // Answers are for who asked: vports ask nothing.
  if (a.kernel != 0 && !isEchoRequest(f)) return nobody();
  return changetype<Vport>(a.vports);
}

/** What tells fragments of one packet from those of others: of IPv4 the protocol, too (RFC 8200, 4.5). */
function fragmentProtocol(f: Frame): u8 {
  return f.isIpv6 != 0 ? 0 : <u8>f.protocol;
}

/** Whose packet this is. */
export function ownerOf(f: Frame, a: Address): Vport {
  if (a.vports == 0 && f.protocol != <u32>PROTOCOL_TCP) return nobody();
  if (isLaterFragment(f)) {
    if (a.vportCount == 1 && a.kernel == 0) return changetype<Vport>(a.vports);
    return fragmentOwner(a, f.sourceHigh, f.sourceLow, fragmentProtocol(f), f.identification);
  }
  let v: Vport;
  if (f.protocol == <u32>PROTOCOL_TCP) v = tcpOwner(f, a);
  else if (f.protocol == <u32>PROTOCOL_UDP) v = udpOwner(f, a);
  else if (isIcmp(f)) v = icmpOwner(f, a);
  else v = a.kernel != 0 ? nobody() : changetype<Vport>(a.vports);
  const isFirst = (f.fragment & IPV4_MORE_FRAGMENTS) != 0 && changetype<usize>(v) != 0;
  if (isFirst && (a.vportCount > 1 || a.kernel != 0)) {
    fragmentRemember(a, f.sourceHigh, f.sourceLow, fragmentProtocol(f), f.identification, v);
  }
  return v;
}
