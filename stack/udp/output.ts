import { EACCES, EAGAIN, EINVAL, EMSGSIZE, ENETUNREACH, ENOBUFS } from "../../build/generated/system";
import { sourceFor } from "../ip/addresses";
import { ipClose, ipOpen, ipSend, transportHeader } from "../ip/output";
import { routeFailure, routeTo } from "../ip/routes";
import { isBroadcast } from "../link/addresses";
import { announcePull } from "../link/announce";
import { Neighbour, neighbourReady } from "../link/neighbours";
import { rateAdmits } from "../link/rate-limit";
import { txAppendChain } from "../link/transmit";
import { Buffer, bufferBase, bufferData, bufferTake, chainGive } from "../memory/buffer";
import { root } from "../memory/root";
import { Socket, SocketFlag } from "../socket/socket";
import { Counter, count, countBy } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { ipv4Raw, isAnyAddress, isIpv4, isIpv4Multicast } from "../wire/address";
import { checksumAdd, checksumAddAt, checksumFold, pseudoSum } from "../wire/checksum";
import { IPV4_HEADER, PROTOCOL_UDP } from "../wire/ipv4";
import { UDP_HEADER, UDP_PAYLOAD_MAX, udpStoreChecksum, udpWrite } from "../wire/udp";

/** Sum of the bytes of a chain that starts at an even offset. */
function chainSum(sum: u64, chain: usize): u64 {
  let total = sum;
  let offset: u32 = 0;
  let at = chain;
  while (at != 0) {
    const buffer = changetype<Buffer>(at);
    total = checksumAddAt(total, bufferData(buffer), buffer.length, offset);
    offset += buffer.length;
    at = buffer.next;
  }
  return total;
}

/** The time to live of a planned datagram: to a group, one hop (RFC 1112, section 6.1). */
function ttlOf(socket: Socket, remoteLow: u64): u8 {
  if (socket.planTtl != 0) return socket.planTtl;
  return isIpv4Multicast(ipv4Raw(remoteLow)) ? 1 : socket.ttl;
}

/**
 * A datagram that is fragmented, or waits for its neighbour: header and checksum are made here. Takes the
 * chain.
 */
function sendWhole(
  n: Neighbour,
  socket: Socket,
  high: u64,
  low: u64,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
  chain: usize,
  length: u32,
): i32 {
  const head = bufferTake();
  if (changetype<usize>(head) == 0) {
    drop(DropReason.noBuffer);
    chainGive(chain);
    return -ENOBUFS;
  }
  const header = bufferBase(head);
  const total = UDP_HEADER + length;
  udpWrite(header, socket.localPort, remotePort, total);
  const pseudo = pseudoSum(high, low, remoteHigh, remoteLow, PROTOCOL_UDP, total);
  udpStoreChecksum(header, ~checksumFold(chainSum(checksumAdd(pseudo, header, UDP_HEADER), chain)));
  head.length = <u16>UDP_HEADER;
  head.next = chain;
  const at = changetype<usize>(head);
  return ipSend(
    n,
    high,
    low,
    remoteHigh,
    remoteLow,
    PROTOCOL_UDP,
    socket.planTos,
    ttlOf(socket, remoteLow),
    at,
    total,
  );
}

/**
 * Sends a datagram of `length` bytes of payload in `chain` (buffers full but for the last; taken in every
 * case; 0 for none) from a bound socket, as its plan says (Socket.planHigh and those behind it). Answers 0,
 * -EMSGSIZE (more than 65507 bytes), -EACCES (broadcast without SO_BROADCAST),
 * -ENETUNREACH, -EINVAL (port 0), -ENOBUFS, or -EAGAIN when the transmit ring is full.
 */
export function udpSend(socket: Socket, chain: usize, length: u32): i32 {
  const remoteHigh = socket.planHigh;
  const remoteLow = socket.planLow;
  const remotePort = socket.planPort;
  let error: i32 = 0;
  if (length > UDP_PAYLOAD_MAX) error = -EMSGSIZE;
  else if (remotePort == 0) error = -EINVAL;
  else if (!isIpv4(remoteHigh, remoteLow) || !sourceFor(remoteHigh, remoteLow)) error = -ENETUNREACH;
  else if (isBroadcast(ipv4Raw(remoteLow)) && (socket.flags & SocketFlag.broadcast) == 0) error = -EACCES;
  const n = error == 0 ? routeTo(remoteHigh, remoteLow) : changetype<Neighbour>(0);
  if (changetype<usize>(n) == 0) {
    chainGive(chain);
    if (error == 0) drop(routeFailure(remoteHigh, remoteLow));
    return error == 0 ? -ENETUNREACH : error;
  }
  if (!rateAdmits()) {
    chainGive(chain);
    return 0;
  }
  const isGiven = !isAnyAddress(socket.planSourceHigh, socket.planSourceLow);
  const high = isGiven ? socket.planSourceHigh : root().sourceHigh;
  const low = isGiven ? socket.planSourceLow : root().sourceLow;
  if (root().announceHead != 0) announcePull();
  if (IPV4_HEADER + UDP_HEADER + length > n.port.mtu || !neighbourReady(n)) {
    error = sendWhole(n, socket, high, low, remoteHigh, remoteLow, remotePort, chain, length);
  } else {
    const slot = ipOpen(
      n,
      high,
      low,
      remoteHigh,
      remoteLow,
      PROTOCOL_UDP,
      socket.planTos,
      ttlOf(socket, remoteLow),
    );
    if (changetype<usize>(slot) == 0) {
      chainGive(chain);
      return -EAGAIN;
    }
    udpWrite(transportHeader(slot), socket.localPort, remotePort, UDP_HEADER + length);
    txAppendChain(slot, chain);
    slot.owned = <u32>chain;
    ipClose(n, slot, UDP_HEADER, length);
  }
  if (error != 0) return error;
  socket.bytesOut += length;
  count(Counter.udpOut);
  countBy(Counter.udpOutBytes, length);
  return 0;
}
