import { ipv4Raw, isIpv4, isIpv4Martian, isIpv6Host } from "../../../stack/wire/address";
import { checksumAdd, checksumFold, pseudoSum, storeChecksum } from "../../../stack/wire/checksum";
import {
  ETHERNET_HEADER,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ethernetDestination,
  ethernetSource,
  ethernetType,
  ethernetWrite,
} from "../../../stack/wire/ethernet";
import {
  IPV4_DONT_FRAGMENT,
  IPV4_HEADER,
  ipv4Begin,
  ipv4Finish,
  PROTOCOL_TCP,
} from "../../../stack/wire/ipv4";
import { IPV6_HEADER, ipv6Write } from "../../../stack/wire/ipv6";
import { TCP_HEADER, TcpFlag, tcpWriteHeader } from "../../../stack/wire/tcp";
import { checksumPosition } from "../../../stack/wire/transport";
import { Counter, count } from "../stats/counters";
import { addressFind } from "../tables/address";
import { Flow, FlowFlag, FlowState, flowAddress, flowHas, flowMac, flowState } from "../tables/flow";
import { Vport } from "../tables/vport";
import { deliver } from "./deliver";
import { Frame, FrameLevel, frameBegin, frameRoom } from "./frame";
import { parseIp } from "./parse-ip";
import { toKernel } from "./to-kernel";
import { toNic } from "./to-nic";
import { toVport } from "./to-vport";

const TTL: u8 = 64;

/**
 * Writes the IP header of a reset between two addresses of the same IP behind the Ethernet header of a frame
 * of dispatch's own; where the TCP header follows.
 */
function resetPacket(f: Frame, sourceHigh: u64, sourceLow: u64, high: u64, low: u64): usize {
  const packet = f.head + ETHERNET_HEADER;
  const isVersion4 = isIpv4(high, low);
  const header = isVersion4 ? IPV4_HEADER : IPV6_HEADER;
  f.headLength = ETHERNET_HEADER + header + TCP_HEADER;
  f.length = f.headLength;
  if (isVersion4) {
    ipv4Begin(packet, 0, TTL, PROTOCOL_TCP, ipv4Raw(sourceLow), ipv4Raw(low));
    ipv4Finish(packet, IPV4_HEADER + TCP_HEADER, 0, IPV4_DONT_FRAGMENT);
  } else {
    ipv6Write(packet, TCP_HEADER, PROTOCOL_TCP, TTL, sourceHigh, sourceLow, high, low);
  }
  return packet + <usize>header;
}

/** A reset as a frame of dispatch's own. */
function resetFrame(
  toMac: u64,
  fromMac: u64,
  sourceHigh: u64,
  sourceLow: u64,
  high: u64,
  low: u64,
  sourcePort: u16,
  destinationPort: u16,
  sequence: u32,
  acknowledgement: u32,
  flags: u32,
): Frame {
  const f = frameBegin(FrameLevel.own);
  f.head = frameRoom(f);
  ethernetWrite(f.head, toMac, fromMac, isIpv4(high, low) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
  const segment = resetPacket(f, sourceHigh, sourceLow, high, low);
  tcpWriteHeader(segment, sourcePort, destinationPort, sequence, acknowledgement, TCP_HEADER, flags, 0);
  const sum = pseudoSum(sourceHigh, sourceLow, high, low, PROTOCOL_TCP, TCP_HEADER);
  storeChecksum(
    segment + checksumPosition(PROTOCOL_TCP),
    ~checksumFold(checksumAdd(sum, segment, TCP_HEADER)),
  );
  return f;
}

/** Sends what answers frame `f` to where that came from. */
export function sendBack(answer: Frame, f: Frame): void {
  answer.network = f.network;
  if (f.isKernel != 0) toKernel(answer);
  else if (f.source != 0) toVport(changetype<Vport>(f.source), answer);
  else toNic(answer);
}

/**
 * Whether the source of a packet is a host, which alone is told of errors (RFC 1122, section 3.2.2; RFC 4443,
 * section 2.4 e).
 */
export function isAnswerable(f: Frame): bool {
  if (f.isIpv6 != 0) return isIpv6Host(f.sourceHigh, f.sourceLow);
  return !isIpv4Martian(ipv4Raw(f.sourceLow));
}

/** RFC 9293, section 3.10.7.1: the segment belongs to no connection. */
export function resetReply(f: Frame): void {
  if ((f.tcpFlags & TcpFlag.rst) != 0 || !isAnswerable(f)) return;
  const isAck = (f.tcpFlags & TcpFlag.ack) != 0;
  const answer = resetFrame(
    ethernetSource(f.head),
    ethernetDestination(f.head),
    f.destinationHigh,
    f.destinationLow,
    f.sourceHigh,
    f.sourceLow,
    f.destinationPort,
    f.sourcePort,
    isAck ? f.acknowledgement : 0,
    isAck ? 0 : f.sequence + f.space,
    isAck ? TcpFlag.rst : TcpFlag.rst | TcpFlag.ack,
  );
  count(Counter.resetsUnknown);
  sendBack(answer, f);
}

/** Resets the peer of a flow whose owner is gone (RFC 9293, section 3.10.5), as its owner would have. */
export function resetFlow(flow: Flow): void {
  if (flow.protocol != PROTOCOL_TCP || flowState(flow) == <u32>FlowState.closing) return;
  const a = flowAddress(flow);
  const local = addressFind(flow.remoteHigh, flow.remoteLow, a.network);
  const isLocal = changetype<usize>(local) != 0;
  const f = resetFrame(
    isLocal ? local.mac : flowMac(flow),
    a.mac,
    a.high,
    a.low,
    flow.remoteHigh,
    flow.remoteLow,
    flow.localPort,
    flow.remotePort,
    flowHas(flow, FlowFlag.answered) ? flow.sndNxt : 0,
    flow.rcvNxt,
    TcpFlag.rst | TcpFlag.ack,
  );
  f.network = a.network;
  count(Counter.resetsClosed);
  if (!isLocal) toNic(f);
  else if (parseIp(f, ethernetType(f.head))) deliver(f, local);
}
