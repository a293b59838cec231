import { EMSGSIZE } from "../../build/generated/system";
import { handOver } from "../link/handover";
import { DropReason, drop } from "../stats/drop";
import { connectionFind } from "./connections";
import { connectionFailed } from "./end";
import { pathNarrower } from "./path";
import { after, before } from "./sequence";
import { Tcb, TcpState } from "./tcb";

/**
 * RFC 1191, section 3: no link is allowed to be narrower; what claims to be is an attack (RFC 5927, section
 * 7.2).
 */
const MTU_LEAST: u32 = 552;

/** A router could not forward a segment: RFC 1191; RFC 8201. */
function narrower(tcb: Tcb, mtu: u32): void {
  if (mtu >= tcb.pathMtu || mtu < MTU_LEAST) return;
  pathNarrower(tcb, mtu);
}

/**
 * An ICMP error about a segment of ours. Only one that quotes a sequence number in flight is believed (RFC
 * 5927, section 4.1). A hard error ends a handshake; an open connection takes it as soft, remembers it, and
 * goes on (RFC 5461; RFC 5927, section 5).
 */
export function tcpError(
  localHigh: u64,
  localLow: u64,
  localPort: u16,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
  sequence: u32,
  errno: i32,
  hard: bool,
  mtu: u32,
): void {
  const tcb = connectionFind(localHigh, localLow, remoteHigh, remoteLow, localPort, remotePort);
  if (changetype<usize>(tcb) == 0 && handOver()) return;
  if (
    changetype<usize>(tcb) == 0 ||
    tcb.state == TcpState.timeWait ||
    before(sequence, tcb.sndUna) ||
    !before(sequence, tcb.sndMax) ||
    after(sequence, tcb.sndMax)
  ) {
    drop(DropReason.icmpUnrelated);
    return;
  }
  if (errno == EMSGSIZE) narrower(tcb, mtu);
  else if (hard && tcb.state == TcpState.synSent) connectionFailed(tcb, errno);
  else tcb.error = errno;
}
