import { pathMtu } from "../ip/routes";
import { Socket } from "../socket/socket";
import { DropReason, drop } from "../stats/drop";
import { TimerKind } from "../timer/wheel";
import { isIpv4 } from "../wire/address";
import { TCP_HEADER } from "../wire/tcp";
import { connectionInsert } from "./connections";
import { initialSequence, tupleHash } from "./isn";
import { optionsTake } from "./limits";
import { RTO_INITIAL_US } from "./rtt";
import { Tcb, tcbTake } from "./tcb";
import { timeWaitReclaim } from "./time-wait";

const IPV4_HEADER: u32 = 20;
const IPV6_HEADER: u32 = 40;
/** RFC 9293, section 3.7.1. */
const MTU_DEFAULT: u32 = 576;

/** Largest payload of a segment without options on the way to the peer. */
export function localMss(mtu: u32, high: u64, low: u64): u32 {
  return (mtu == 0 ? MTU_DEFAULT : mtu) - TCP_HEADER - (isIpv4(high, low) ? IPV4_HEADER : IPV6_HEADER);
}

/**
 * A new connection of a four-tuple that is not in the table, with its initial sequence number chosen and the
 * options of `socket` (its own or its listener's); null (0) when there is no memory for it. An old TIME_WAIT
 * gives way.
 */
export function connectionMake(
  socket: Socket,
  localHigh: u64,
  localLow: u64,
  remoteHigh: u64,
  remoteLow: u64,
  localPort: u16,
  remotePort: u16,
): Tcb {
  let tcb = tcbTake();
  // One that still has a socket gives no block back.
  while (changetype<usize>(tcb) == 0 && timeWaitReclaim()) tcb = tcbTake();
  if (changetype<usize>(tcb) == 0) {
    drop(DropReason.noTcb);
    return tcb;
  }
  tcb.kind = <u16>TimerKind.tcp;
  tcb.localHigh = localHigh;
  tcb.localLow = localLow;
  tcb.remoteHigh = remoteHigh;
  tcb.remoteLow = remoteLow;
  tcb.localPort = localPort;
  tcb.remotePort = remotePort;
  const hash = tupleHash(localHigh, localLow, remoteHigh, remoteLow, localPort, remotePort);
  tcb.timestampOffset = <u32>(hash >> 32);
  sequenceStart(tcb, initialSequence(hash));
  tcb.rto = RTO_INITIAL_US;
  optionsTake(tcb, socket);
  tcb.tos = socket.tos;
  tcb.ttl = socket.ttl;
  tcb.congestion = <u8>socket.congestionControl;
  tcb.pathMtu = pathMtu(remoteHigh, remoteLow);
  tcb.localMss = localMss(tcb.pathMtu, remoteHigh, remoteLow);
  if (socket.maxSegment != 0) tcb.localMss = min(tcb.localMss, socket.maxSegment);
  connectionInsert(tcb);
  return tcb;
}

/** Chooses the initial sequence number: nothing was sent yet. */
export function sequenceStart(tcb: Tcb, iss: u32): void {
  tcb.iss = iss;
  tcb.sndUna = iss;
  tcb.sndNxt = iss;
  tcb.sndMax = iss;
  tcb.sndEnd = iss + 1;
}
