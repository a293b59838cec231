import { EHOSTUNREACH, EMSGSIZE, ENOBUFS } from "../../build/generated/system";
import { Neighbour, neighbourQueue, neighbourReady } from "../link/neighbours";
import { rateAdmits, rateAllows } from "../link/rate-limit";
import { TX_ETHERNET, txAppendChain, txEthernet, txPublish, txReserve } from "../link/transmit";
import { Buffer, bufferBase, bufferData, bufferGive, bufferTake, chainGive } from "../memory/buffer";
import { Port, PortFlag, TxFlag, TxSlot, txHeader, txSpan } from "../memory/port";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { udpError } from "../udp/errors";
import { IPV4_HIGH, ipv4Low, ipv4Raw } from "../wire/address";
import { checksumAdd, checksumAddAt, checksumFold, ipv4PseudoSum, storeChecksum } from "../wire/checksum";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, ethernetWrite } from "../wire/ethernet";
import { quotedDestinationPort, quotedSourcePort } from "../wire/icmp";
import {
  IPV4_DONT_FRAGMENT,
  IPV4_HEADER,
  IPV4_MAX,
  ipv4Begin,
  ipv4Destination,
  ipv4Finish,
  ipv4Protocol,
  ipv4Source,
  ipv4Tos,
  ipv4TotalLength,
  ipv4Ttl,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../wire/ipv4";
import { checksumPosition } from "../wire/transport";
import { fragmentsSend } from "./fragments";
import { identificationFor } from "./identification";

/** Where the IPv4 header lies in a slot's header area. */
export const TX_IP: u32 = TX_ETHERNET + ETHERNET_HEADER;
const TX_TRANSPORT: u32 = TX_IP + IPV4_HEADER;

/**
 * Reserves a slot for a packet to a neighbour that is ready, with `cursor` at the transport header; null (0):
 * the ring is full, or the rate limit does not allow it now.
 */
export function ipOpen(
  n: Neighbour,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
  protocol: u8,
  tos: u8,
  ttl: u8,
): TxSlot {
  assert((sourceHigh | destinationHigh) == IPV4_HIGH);
  if (!rateAllows()) return changetype<TxSlot>(0);
  const slot = txReserve(n.port);
  if (changetype<usize>(slot) != 0) {
    ipv4Begin(txHeader(slot) + TX_IP, tos, ttl, protocol, ipv4Raw(sourceLow), ipv4Raw(destinationLow));
    slot.cursor = TX_TRANSPORT;
  }
  return slot;
}

/** Address where the transport header is written. */
export function transportHeader(slot: TxSlot): usize {
  return txHeader(slot) + slot.cursor;
}

/** Finishes the transport's checksum, over header and spans, or leaves it to a port that can. */
function finishChecksum(p: Port, slot: TxSlot, ip: usize, headerLength: u32, length: u32): void {
  const protocol = ipv4Protocol(ip);
  const header = ip + IPV4_HEADER;
  const field = checksumPosition(protocol);
  let sum = ipv4PseudoSum(ipv4Source(ip), ipv4Destination(ip), protocol, length);
  if ((p.flags & PortFlag.txChecksum) != 0) {
    storeChecksum(header + field, checksumFold(sum));
    slot.flags |= <u16>(protocol == PROTOCOL_UDP ? TxFlag.checksum | TxFlag.datagram : TxFlag.checksum);
    slot.linkLength = <u16>ETHERNET_HEADER;
    slot.checksumStart = <u16>(ETHERNET_HEADER + IPV4_HEADER);
    slot.checksumOffset = <u16>field;
    return;
  }
  sum = checksumAdd(sum, header, headerLength);
  let offset = headerLength;
  const spans = <u32>slot.spanCount;
  for (let i: u32 = 1; i < spans; i++) {
    const span = txSpan(slot, i);
    sum = checksumAddAt(sum, span.address, span.length, offset);
    offset += span.length;
  }
  const checksum: u16 = ~checksumFold(sum);
  // RFC 768: zero means "no checksum", so a sum of zero is sent as all ones.
  storeChecksum(header + field, protocol == PROTOCOL_UDP && checksum == 0 ? <u16>0xffff : checksum);
}

/**
 * Completes and publishes a packet whose transport header (with a zero checksum field) and payload spans are
 * in place. TCP packets are never fragmented on the way and so need no identification (RFC 6864, section
 * 4.1).
 */
export function ipClose(n: Neighbour, slot: TxSlot, transportHeaderLength: u32, payloadLength: u32): void {
  const p = n.port;
  const ip = txHeader(slot) + TX_IP;
  const length = transportHeaderLength + payloadLength;
  if (ipv4Protocol(ip) == PROTOCOL_TCP) {
    ipv4Finish(ip, IPV4_HEADER + length, 0, IPV4_DONT_FRAGMENT);
  } else {
    const source = <u64>ipv4Source(ip);
    const id = identificationFor(source, <u64>ipv4Destination(ip), ipv4Protocol(ip));
    ipv4Finish(ip, IPV4_HEADER + length, id, 0);
  }
  finishChecksum(p, slot, ip, transportHeaderLength, length);
  ethernetWrite(txEthernet(slot), n.mac, p.mac, ETHERTYPE_IPV4);
  slot.headerLength = <u16>(ETHERNET_HEADER + IPV4_HEADER + transportHeaderLength);
  txPublish(p, slot);
  count(Counter.ipOut);
}

/**
 * Sends a datagram to a neighbour that is ready, in fragments when it must be; takes the chain. One that the
 * rate limit does not allow is lost, as it would be in a router: no error.
 */
function transmit(
  n: Neighbour,
  source: u32,
  destination: u32,
  protocol: u8,
  tos: u8,
  ttl: u8,
  chain: usize,
  length: u32,
): i32 {
  const p = n.port;
  if (!rateAdmits()) {
    chainGive(chain);
    return 0;
  }
  const id = identificationFor(source, destination, protocol);
  if (IPV4_HEADER + length > p.mtu) {
    return fragmentsSend(n, source, destination, protocol, tos, ttl, id, chain, length);
  }
  const slot = txReserve(p);
  if (changetype<usize>(slot) == 0) {
    drop(DropReason.txRingFull);
    chainGive(chain);
    return -ENOBUFS;
  }
  const ip = txHeader(slot) + TX_IP;
  ipv4Begin(ip, tos, ttl, protocol, source, destination);
  ipv4Finish(ip, IPV4_HEADER + length, id, 0);
  ethernetWrite(txEthernet(slot), n.mac, p.mac, ETHERTYPE_IPV4);
  slot.headerLength = <u16>(ETHERNET_HEADER + IPV4_HEADER);
  txAppendChain(slot, chain);
  slot.owned = <u32>chain;
  txPublish(p, slot);
  count(Counter.ipOut);
  return 0;
}

/**
 * Sends a whole datagram: `chain` holds the transport's header, checksum done, and payload, `length` bytes,
 * in buffers that are full but for the first and last; it is taken in every case. Waits in a bounded queue
 * while the neighbour is being resolved. Answers 0, -EMSGSIZE when no IP packet can hold it, or -ENOBUFS.
 */
export function ipSend(
  n: Neighbour,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
  protocol: u8,
  tos: u8,
  ttl: u8,
  chain: usize,
  length: u32,
): i32 {
  assert((sourceHigh | destinationHigh) == IPV4_HIGH);
  if (IPV4_HEADER + length > IPV4_MAX) {
    chainGive(chain);
    return -EMSGSIZE;
  }
  const source = ipv4Raw(sourceLow);
  const destination = ipv4Raw(destinationLow);
  if (neighbourReady(n)) return transmit(n, source, destination, protocol, tos, ttl, chain, length);
  const head = bufferTake();
  if (changetype<usize>(head) == 0) {
    drop(DropReason.noBuffer);
    chainGive(chain);
    return -ENOBUFS;
  }
  const ip = bufferBase(head);
  ipv4Begin(ip, tos, ttl, protocol, source, destination);
  ipv4Finish(ip, IPV4_HEADER + length, 0, 0);
  head.length = <u16>IPV4_HEADER;
  head.next = chain;
  neighbourQueue(n, changetype<usize>(head));
  return 0;
}

/** The neighbour is resolved: sends a packet that ipSend() had queued; takes the chain. */
export function ipResume(n: Neighbour, packet: usize): void {
  const head = changetype<Buffer>(packet);
  const ip = bufferData(head);
  const length = ipv4TotalLength(ip) - IPV4_HEADER;
  const chain = head.next;
  transmit(n, ipv4Source(ip), ipv4Destination(ip), ipv4Protocol(ip), ipv4Tos(ip), ipv4Ttl(ip), chain, length);
  bufferGive(head);
}

/** The neighbour did not answer: tells the socket that a queued packet came from; takes the chain. */
export function ipUnreachable(packet: usize): void {
  const head = changetype<Buffer>(packet);
  const ip = bufferData(head);
  if (ipv4Protocol(ip) == PROTOCOL_UDP && head.next != 0) {
    const datagram = bufferData(changetype<Buffer>(head.next));
    udpError(
      IPV4_HIGH,
      ipv4Low(ipv4Source(ip)),
      quotedSourcePort(datagram),
      IPV4_HIGH,
      ipv4Low(ipv4Destination(ip)),
      quotedDestinationPort(datagram),
      EHOSTUNREACH,
      true,
    );
  }
  chainGive(packet);
}
