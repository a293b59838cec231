import { root } from "../memory/root";
import { Latency, latencyAdd } from "../stats/latency";
import { before } from "./sequence";
import { Tcb, TcbFlag, tcbClear, tcbHas, tcbSet } from "./tcb";

/**
 * RFC 6298; the lower bound is below its 1 s, as every widely used system has it (section 5 of RFC 8961
 * allows it).
 */
const RTO_MIN_US: u32 = 200_000;
const RTO_MAX_US: u32 = 60_000_000;
/** RFC 6298, section 2.1. */
export const RTO_INITIAL_US: u32 = 1_000_000;
/** RFC 6298, section 5.7: after a SYN had to be retransmitted. */
export const RTO_AFTER_SYN_LOSS_US: u32 = 3_000_000;

/** Takes a round-trip time, in microseconds, into the estimate. */
function rttSample(tcb: Tcb, sample: u32): void {
  const rtt = max<u32>(sample, 1);
  latencyAdd(Latency.roundTrip, rtt);
  if (tcb.srtt == 0) {
    // RFC 6298, section 2.2: the first measurement.
    tcb.srtt = rtt;
    tcb.rttvar = rtt / 2;
  } else {
    // RFC 6298, section 2.3: beta 1/4, alpha 1/8.
    const deviation = rtt > tcb.srtt ? rtt - tcb.srtt : tcb.srtt - rtt;
    tcb.rttvar = tcb.rttvar - tcb.rttvar / 4 + deviation / 4;
    tcb.srtt = max<u32>(tcb.srtt - tcb.srtt / 8 + rtt / 8, 1);
  }
  const rto = <u64>tcb.srtt + max<u64>(1000, <u64>tcb.rttvar * 4);
  tcb.rto = <u32>min<u64>(max<u64>(rto, RTO_MIN_US), RTO_MAX_US);
}

/** Starts timing the segment that ends at `end`, unless one is being timed. */
export function rttStart(tcb: Tcb, end: u32): void {
  if (tcbHas(tcb, TcbFlag.timing)) return;
  tcbSet(tcb, TcbFlag.timing);
  tcb.timedSequence = end;
  tcb.timedAt = root().now;
}

/**
 * An ACK of new data arrived. Karn's rule (RFC 6298, section 3): a retransmission ends the timing, so that
 * only unambiguous samples are left; when none is, the echoed timestamp is (RFC 7323, section 4.1).
 */
export function rttAcknowledged(tcb: Tcb, acknowledgement: u32, hasEcho: bool, elapsedMs: u32): void {
  if (tcbHas(tcb, TcbFlag.timing)) {
    if (before(acknowledgement, tcb.timedSequence)) return;
    tcbClear(tcb, TcbFlag.timing);
    rttSample(tcb, <u32>min<u64>(root().now - tcb.timedAt, RTO_MAX_US));
  } else if (hasEcho && elapsedMs < RTO_MAX_US / 1000) {
    rttSample(tcb, elapsedMs * 1000);
  }
}

/** RFC 6298, section 5.5: the time-out doubled for each retransmission in a row. */
export function rtoBackedOff(tcb: Tcb): u64 {
  return min<u64>((<u64>tcb.rto) << min<u32>(tcb.backoff, 16), RTO_MAX_US);
}
