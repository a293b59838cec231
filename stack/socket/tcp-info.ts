import {
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  TCPI_OPT_SACK,
  TCPI_OPT_TIMESTAMPS,
  TCPI_OPT_WSCALE,
} from "../../build/generated/system";
import { CALL_OPTION } from "../memory/call";
import { root } from "../memory/root";
import { rtoBackedOff } from "../tcp/rtt";
import { Recovery, Tcb, TcbFlag, TcpState, tcbHas } from "../tcp/tcb";
import { Socket, SocketKind } from "./socket";

/** The fields of struct tcp_info that every Linux program knows (tcp(7)); later kernels append others. */
@unmanaged
class TcpInfo {
  state: u8;
  recovery: u8;
  retransmits: u8;
  probes: u8;
  backoff: u8;
  options: u8;
  /** The peer's shift count in the low half, ours in the high one. */
  windowScales: u8;
  limits: u8;
  /** Microseconds. */
  rto: u32;
  ackTimeout: u32;
  sendMss: u32;
  receiveMss: u32;
  /** Segments. */
  unacknowledged: u32;
  sacked: u32;
  lost: u32;
  retransmitted: u32;
  forwardAcks: u32;
  /** Milliseconds ago. */
  lastDataSent: u32;
  lastAckSent: u32;
  lastDataReceived: u32;
  lastAckReceived: u32;
  pathMtu: u32;
  receiveThreshold: u32;
  /** Microseconds. */
  rtt: u32;
  rttVariation: u32;
  /** Segments. */
  sendThreshold: u32;
  sendWindow: u32;
  advertisedMss: u32;
  reordering: u32;
  receiveRtt: u32;
  receiveSpace: u32;
  totalRetransmits: u32;
}

const SIZE: u32 = <u32>offsetof<TcpInfo>();
/** TCP_CA_Open, TCP_CA_Recovery and TCP_CA_Loss of Linux. */
const CA_OPEN: u8 = 0;
const CA_RECOVERY: u8 = 3;
const CA_LOSS: u8 = 4;
/** Duplicate ACKs that start a recovery (RFC 5681): what Linux shows as its reordering degree at first. */
const DUPLICATE_ACKS: u32 = 3;

/** A state's number in Linux. */
function stateNumber(state: u32): i32 {
  if (state == TcpState.synSent) return TCP_SYN_SENT;
  if (state == TcpState.synReceived) return TCP_SYN_RECV;
  if (state == TcpState.established) return TCP_ESTABLISHED;
  if (state == TcpState.closeWait) return TCP_CLOSE_WAIT;
  if (state == TcpState.finWait1) return TCP_FIN_WAIT1;
  if (state == TcpState.finWait2) return TCP_FIN_WAIT2;
  if (state == TcpState.closing) return TCP_CLOSING;
  if (state == TcpState.lastAck) return TCP_LAST_ACK;
  return state == TcpState.timeWait ? TCP_TIME_WAIT : TCP_CLOSE;
}

function optionBits(tcb: Tcb): u8 {
  let bits: i32 = 0;
  if (tcbHas(tcb, TcbFlag.timestamps)) bits |= TCPI_OPT_TIMESTAMPS;
  if (tcbHas(tcb, TcbFlag.sackPermitted)) bits |= TCPI_OPT_SACK;
  if (tcbHas(tcb, TcbFlag.windowScaling)) bits |= TCPI_OPT_WSCALE;
  return <u8>bits;
}

/** Milliseconds since `at`; an event that never happened counts from the start of the clock, as in Linux. */
function since(at: u64): u32 {
  return <u32>((root().now - min(at, root().now)) / 1000);
}

function segments(bytes: u32, size: u32): u32 {
  return size == 0 ? 0 : (bytes + size - 1) / size;
}

function fill(info: TcpInfo, tcb: Tcb): void {
  info.state = <u8>stateNumber(tcb.state);
  if (tcb.recovery == Recovery.fast) info.recovery = CA_RECOVERY;
  else info.recovery = tcb.recovery == Recovery.loss ? CA_LOSS : CA_OPEN;
  info.retransmits = tcb.backoff;
  info.probes = <u8>min(tcb.keepProbes, 255);
  info.backoff = tcb.backoff;
  info.options = optionBits(tcb);
  info.windowScales = (tcb.sndScale & 15) | (tcb.rcvScale << 4);
  info.rto = <u32>rtoBackedOff(tcb);
  info.sendMss = tcb.mss;
  info.receiveMss = tcb.rcvMss;
  info.unacknowledged = segments(tcb.sndMax - tcb.sndUna, tcb.mss);
  info.lastDataSent = since(tcb.sentAt);
  info.lastDataReceived = since(tcb.receivedAt);
  info.lastAckReceived = since(tcb.receivedAt);
  info.pathMtu = tcb.pathMtu;
  info.receiveThreshold = tcb.receiveLimit;
  info.rtt = tcb.srtt;
  info.rttVariation = tcb.rttvar;
  info.sendThreshold = segments(tcb.ssthresh, tcb.mss);
  info.sendWindow = segments(tcb.cwnd, tcb.mss);
  info.advertisedMss = tcb.localMss;
  info.reordering = DUPLICATE_ACKS;
  info.receiveSpace = tcb.receiveLimit;
  info.totalRetransmits = tcb.retransmits;
}

/** TCP_INFO: a snapshot of the connection, cut to `length` bytes. */
export function tcpInfoAnswer(socket: Socket, length: u32): i32 {
  memory.fill(CALL_OPTION, 0, SIZE);
  const info = changetype<TcpInfo>(CALL_OPTION);
  if (socket.tcb != 0) fill(info, changetype<Tcb>(socket.tcb));
  else info.state = <u8>(socket.kind == SocketKind.listener ? TCP_LISTEN : TCP_CLOSE);
  return <i32>min(length, SIZE);
}
