import { pathMtu } from "../ip/routes";
import { mssUpdate } from "./handshake";
import { localMss } from "./make";
import { tcpRequestOutput } from "./output-queue";
import { Tcb, TcbFlag, TcpState, tcbSet } from "./tcb";
import { retransmitSoon } from "./timers";

/**
 * The way to the peer carries no more than `mtu` bytes of IP packet: segments in flight that are longer are
 * sent again, shorter (RFC 1191, section 6.5).
 */
export function pathNarrower(tcb: Tcb, mtu: u32): void {
  tcb.pathMtu = mtu;
  tcb.localMss = min(tcb.localMss, localMss(mtu, tcb.remoteHigh, tcb.remoteLow));
  if (tcb.state <= TcpState.synReceived) return;
  mssUpdate(tcb);
  tcb.cwnd = max(tcb.cwnd, tcb.mss);
  tcbSet(tcb, TcbFlag.retransmitHead);
  tcpRequestOutput(tcb, true);
}

/** The connection goes another way from now on; what is in flight may be lost. */
export function pathRenew(tcb: Tcb): void {
  const mtu = pathMtu(tcb.remoteHigh, tcb.remoteLow);
  if (mtu != 0 && mtu < tcb.pathMtu && tcb.state != TcpState.timeWait) pathNarrower(tcb, mtu);
  retransmitSoon(tcb);
  tcpRequestOutput(tcb, true);
}
