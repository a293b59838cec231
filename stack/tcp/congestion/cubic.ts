import { root } from "../../memory/root";
import { Tcb } from "../tcb";

/**
 * CUBIC (RFC 9438) in integers: milliseconds and bytes. W_cubic(t) = C (t - K)^3 + W_max with C = 0.4
 * segments/s^3 and beta = 0.7.
 */
const BETA_TENTHS: u32 = 7;
/**
 * Beyond this distance from K the cubic has left every real window behind; it keeps the cube within 64 bits.
 */
const DISTANCE_MAX_MS: u64 = 100_000;

/** The integer cube root, rounded down. */
function cubeRoot(value: u64): u64 {
  let low: u64 = 0;
  let high: u64 = 2_642_245;
  while (low < high) {
    const middle = (low + high + 1) / 2;
    if (middle * middle * middle <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** |C d^3| in bytes for a distance of `d` milliseconds: 0.4 segments/s^3 is 4 segments per 10^10 ms^3. */
function cubicBytes(mss: u32, d: u64): u64 {
  const distance = min(d, DISTANCE_MAX_MS);
  return (((((distance * distance * distance) / 1000) * 4) / 1000) * mss) / 10_000;
}

function epochBegin(tcb: Tcb): void {
  tcb.cubicEpoch = root().now;
  tcb.cubicEstimate = tcb.cwnd;
  tcb.cubicCredit = 0;
  if (tcb.cubicMax <= tcb.cwnd) {
    // RFC 9438, section 4.8: the last maximum is behind us already: start from the plateau.
    tcb.cubicMax = tcb.cwnd;
    tcb.cubicK = 0;
  } else {
    // Section 4.2, equation 2: K = cbrt((W_max - cwnd) / C), in milliseconds.
    tcb.cubicK = <u32>cubeRoot((<u64>(tcb.cubicMax - tcb.cwnd) * 2_500_000_000) / tcb.mss);
  }
}

/**
 * Section 4.3: the window that Reno with the same beta would have: alpha is 9/17 until it has reached W_max.
 */
function renoEstimate(tcb: Tcb, acknowledged: u32): u32 {
  tcb.cubicCredit += acknowledged;
  const full = tcb.cubicEstimate >= tcb.cubicMax;
  while (tcb.cubicCredit >= tcb.cwnd) {
    tcb.cubicCredit -= tcb.cwnd;
    tcb.cubicEstimate += full ? tcb.mss : (tcb.mss * 9) / 17;
  }
  return tcb.cubicEstimate;
}

/** Sections 4.2 to 4.5: growth in congestion avoidance. */
export function cubicAvoid(tcb: Tcb, acknowledged: u32): void {
  if (tcb.cubicEpoch == 0) epochBegin(tcb);
  const t = (root().now - tcb.cubicEpoch + tcb.srtt) / 1000;
  const k = <u64>tcb.cubicK;
  let target = <u64>tcb.cubicMax;
  if (t >= k) target += cubicBytes(tcb.mss, t - k);
  else target -= min(cubicBytes(tcb.mss, k - t), target);
  // Section 4.2: the target is kept between cwnd and 1.5 cwnd.
  target = min(max<u64>(target, tcb.cwnd), <u64>tcb.cwnd + tcb.cwnd / 2);
  const reno = renoEstimate(tcb, acknowledged);
  if (reno > <u32>target) {
    tcb.cwnd = max(tcb.cwnd, reno);
    return;
  }
  // Section 4.4: cwnd grows by (target - cwnd) / cwnd for each acknowledged segment.
  const growth = (<u64>(<u32>target - tcb.cwnd) * acknowledged) / tcb.cwnd;
  tcb.cwnd += <u32>growth;
}

/** Sections 4.6 and 4.7: multiplicative decrease, and fast convergence when the maximum has come down. */
export function cubicThreshold(tcb: Tcb, flight: u32): u32 {
  const window = tcb.cwnd;
  if (window < tcb.cubicMax) tcb.cubicMax = <u32>((<u64>window * (10 + BETA_TENTHS)) / 20);
  else tcb.cubicMax = window;
  tcb.cubicEpoch = 0;
  return max(<u32>((<u64>flight * BETA_TENTHS) / 10), 2 * tcb.mss);
}

/** Section 4.8: a time-out starts a new epoch, from where congestion avoidance will begin. */
export function cubicTimeout(tcb: Tcb): void {
  tcb.cubicEpoch = 0;
}
