import { EPOLLIN, EPOLLRDNORM } from "../../build/generated/system";
import { icmpError } from "../icmp/errors";
import { handOver, othersMayWant } from "../link/handover";
import { Port, PortFlag, RxFlag } from "../memory/port";
import { root } from "../memory/root";
import { socketNotify } from "../socket/readiness";
import { Socket } from "../socket/socket";
import { Counter, count, countBy } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { checksumAdd, checksumFold, pseudoSum } from "../wire/checksum";
import { ICMP_PORT_UNREACHABLE, ICMP_UNREACHABLE } from "../wire/icmp";
import { ipv4Tos, ipv4Ttl, PROTOCOL_UDP } from "../wire/ipv4";
import { UDP_HEADER, udpChecksum, udpDestinationPort, udpLength, udpSourcePort } from "../wire/udp";
import { datagramFor, datagramScore } from "./lookup";
import { datagramPut } from "./queue";
import { datagramsAt } from "./table";

/**
 * Whether a datagram's checksum is right, absent (RFC 768), or left unfinished by a sender on the same
 * machine.
 */
function checksumRight(p: Port, datagram: usize, length: u32, pseudo: u64): bool {
  const field = udpChecksum(datagram);
  if (field == 0) return true;
  if (checksumFold(checksumAdd(pseudo, datagram, length)) == 0xffff) return true;
  if ((p.flags & PortFlag.partialChecksum) == 0 || field != checksumFold(pseudo)) return false;
  count(Counter.rxPartialChecksum);
  return true;
}

/** Puts a datagram into a socket's queue and tells the socket, or says why not. */
function deliver(
  p: Port,
  socket: Socket,
  datagram: usize,
  length: u32,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
  packet: usize,
): void {
  const payload = length - UDP_HEADER;
  const queued = datagramPut(socket, datagram + UDP_HEADER, payload);
  if (changetype<usize>(queued) == 0) return;
  queued.sourceHigh = sourceHigh;
  queued.sourceLow = sourceLow;
  queued.destinationHigh = destinationHigh;
  queued.destinationLow = destinationLow;
  queued.sourcePort = udpSourcePort(datagram);
  queued.tos = ipv4Tos(packet);
  queued.ttl = ipv4Ttl(packet);
  queued.port = p.id;
  queued.arrived = root().now;
  socket.bytesIn += payload;
  count(Counter.udpIn);
  countBy(Counter.udpInBytes, payload);
  socketNotify(socket, EPOLLIN | EPOLLRDNORM);
}

/** A broadcast datagram goes to every socket that fits; answers whether there was one. */
function deliverToAll(
  p: Port,
  datagram: usize,
  length: u32,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
  packet: usize,
): bool {
  const to = udpDestinationPort(datagram);
  const from = udpSourcePort(datagram);
  let found = false;
  let at = datagramsAt(to);
  while (at != 0) {
    const socket = changetype<Socket>(at);
    at = socket.hashNext;
    const score = datagramScore(socket, destinationHigh, destinationLow, to, sourceHigh, sourceLow, from);
    if (score == 0) continue;
    found = true;
    deliver(p, socket, datagram, length, sourceHigh, sourceLow, destinationHigh, destinationLow, packet);
  }
  return found;
}

/**
 * A received UDP datagram, contiguous (RFC 768; RFC 1122, section 4.1): `length` from the IP header, `packet`
 * the IP header, quoted in an error when nobody listens.
 */
export function udpInput(
  p: Port,
  datagram: usize,
  length: u32,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
  flags: u32,
  packet: usize,
  headerLength: u32,
): void {
  const told = length >= UDP_HEADER ? udpLength(datagram) : 0;
  if (told < UDP_HEADER || told > length || udpDestinationPort(datagram) == 0) {
    drop(DropReason.udpMalformed);
    return;
  }
  if ((flags & RxFlag.checksumGood) == 0) {
    const pseudo = pseudoSum(sourceHigh, sourceLow, destinationHigh, destinationLow, PROTOCOL_UDP, told);
    if (!checksumRight(p, datagram, told, pseudo)) {
      drop(DropReason.udpMalformed);
      return;
    }
  }
  if ((flags & (RxFlag.broadcast | RxFlag.linkGroup)) != 0) {
    const others = handOver();
    const found = deliverToAll(
      p,
      datagram,
      told,
      sourceHigh,
      sourceLow,
      destinationHigh,
      destinationLow,
      packet,
    );
    if (!found && !others) {
      drop(DropReason.udpNoPort);
    }
    return;
  }
  const to = udpDestinationPort(datagram);
  const from = udpSourcePort(datagram);
  const socket = datagramFor(destinationHigh, destinationLow, to, sourceHigh, sourceLow, from);
  if (changetype<usize>(socket) == 0) {
    if (!othersMayWant(flags)) {
      drop(DropReason.udpNoPort);
      icmpError(ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, packet, headerLength, headerLength + length, flags);
    }
    return;
  }
  deliver(p, socket, datagram, told, sourceHigh, sourceLow, destinationHigh, destinationLow, packet);
}
