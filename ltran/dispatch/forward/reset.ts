import { ipv4Raw, isIpv4Martian } from "../../../stack/wire/address";
import { checksumAdd, checksumFold, ipv4PseudoSum, storeChecksum } from "../../../stack/wire/checksum";
import {
  ETHERNET_HEADER,
  ETHERTYPE_IPV4,
  ethernetDestination,
  ethernetSource,
  ethernetWrite,
} from "../../../stack/wire/ethernet";
import {
  IPV4_DONT_FRAGMENT,
  IPV4_HEADER,
  ipv4Begin,
  ipv4Finish,
  PROTOCOL_TCP,
} from "../../../stack/wire/ipv4";
import { TCP_HEADER, TcpFlag, tcpWriteHeader } from "../../../stack/wire/tcp";
import { checksumPosition } from "../../../stack/wire/transport";
import { Counter, count } from "../stats/counters";
import { addressFind } from "../tables/address";
import { Flow, FlowFlag, FlowState, flowAddress, flowHas, flowMac } from "../tables/flow";
import { Vport } from "../tables/vport";
import { deliver } from "./deliver";
import { Frame, FrameLevel, frameBegin, frameRoom } from "./frame";
import { parseIpv4 } from "./parse";
import { toKernel } from "./to-kernel";
import { toNic } from "./to-nic";
import { toVport } from "./to-vport";

const TTL: u8 = 64;

/** A reset as a frame of dispatch's own. */
function resetFrame(
  toMac: u64,
  fromMac: u64,
  source: u32,
  destination: u32,
  sourcePort: u16,
  destinationPort: u16,
  sequence: u32,
  acknowledgement: u32,
  flags: u32,
): Frame {
  const f = frameBegin(FrameLevel.own);
  f.head = frameRoom(f);
  f.headLength = ETHERNET_HEADER + IPV4_HEADER + TCP_HEADER;
  f.length = f.headLength;
  ethernetWrite(f.head, toMac, fromMac, ETHERTYPE_IPV4);
  const packet = f.head + ETHERNET_HEADER;
  ipv4Begin(packet, 0, TTL, PROTOCOL_TCP, source, destination);
  ipv4Finish(packet, IPV4_HEADER + TCP_HEADER, 0, IPV4_DONT_FRAGMENT);
  const segment = packet + IPV4_HEADER;
  tcpWriteHeader(segment, sourcePort, destinationPort, sequence, acknowledgement, TCP_HEADER, flags, 0);
  const sum = ipv4PseudoSum(source, destination, PROTOCOL_TCP, TCP_HEADER);
  storeChecksum(
    segment + checksumPosition(PROTOCOL_TCP),
    ~checksumFold(checksumAdd(sum, segment, TCP_HEADER)),
  );
  return f;
}

/** Sends what answers frame `f` to where that came from. */
export function sendBack(answer: Frame, f: Frame): void {
  answer.vlan = f.vlan;
  if (f.isKernel != 0) toKernel(answer);
  else if (f.source != 0) toVport(changetype<Vport>(f.source), answer);
  else toNic(answer);
}

/** Whether the source of a packet is a host, which alone is told of errors (RFC 1122, section 3.2.2). */
export function isAnswerable(f: Frame): bool {
  return !isIpv4Martian(ipv4Raw(f.sourceLow));
}

/** RFC 9293, section 3.10.7.1: the segment belongs to no connection. */
export function resetReply(f: Frame): void {
  if ((f.tcpFlags & TcpFlag.rst) != 0 || !isAnswerable(f)) return;
  const isAck = (f.tcpFlags & TcpFlag.ack) != 0;
  const answer = resetFrame(
    ethernetSource(f.head),
    ethernetDestination(f.head),
    ipv4Raw(f.destinationLow),
    ipv4Raw(f.sourceLow),
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
  if (flow.protocol != PROTOCOL_TCP || flow.state == <u8>FlowState.closing) return;
  const a = flowAddress(flow);
  const local = addressFind(flow.remoteHigh, flow.remoteLow, a.vlan);
  const isLocal = changetype<usize>(local) != 0;
  const f = resetFrame(
    isLocal ? local.mac : flowMac(flow),
    a.mac,
    ipv4Raw(a.low),
    ipv4Raw(flow.remoteLow),
    flow.localPort,
    flow.remotePort,
    flowHas(flow, FlowFlag.answered) ? flow.sndNxt : 0,
    flow.rcvNxt,
    TcpFlag.rst | TcpFlag.ack,
  );
  f.vlan = a.vlan;
  count(Counter.resetsClosed);
  if (!isLocal) toNic(f);
  else if (parseIpv4(f)) deliver(f, local);
}
