import { EAFNOSUPPORT, ENETUNREACH } from "../../build/generated/system";
import { addressAt, addressOnLink } from "../link/addresses";
import { Port } from "../memory/port";
import { root } from "../memory/root";
import { ipv4Raw, isIpv4 } from "../wire/address";

export { addressAssign } from "../link/addresses";

/** Whether an address is a unicast address of this stack. */
export function addressIsOurs(high: u64, low: u64): bool {
  const held = root().addresses;
  if (held == 0) return false;
  const first = addressAt(0);
  if (first.low == low && first.high == high) return true;
  for (let i: u32 = 1; i < held; i++) {
    const a = addressAt(i);
    if (a.low == low && a.high == high) return true;
  }
  return false;
}

/**
 * Sends everything that is not on-link through a gateway. Answers 0, -EAFNOSUPPORT for IPv6, or -ENETUNREACH
 * when the gateway is not itself on-link.
 */
export function gatewayAssign(high: u64, low: u64): i32 {
  if (!isIpv4(high, low)) return -EAFNOSUPPORT;
  const r = root();
  const raw = ipv4Raw(low);
  for (let i: u32 = 0; i < r.addresses; i++) {
    const a = addressAt(i);
    if (((raw ^ ipv4Raw(a.low)) & a.mask) == 0 && a.low != low) {
      r.gateway = i + 1;
      r.gatewayHigh = high;
      r.gatewayLow = low;
      return 0;
    }
  }
  return -ENETUNREACH;
}

/**
 * The source address for a destination, in root().sourceHigh and sourceLow; false when there is no route to
 * it.
 */
export function sourceFor(high: u64, low: u64): bool {
  const r = root();
  if (!isIpv4(high, low) || r.addresses == 0) return false;
  let own = addressOnLink(changetype<Port>(0), ipv4Raw(low));
  if (changetype<usize>(own) == 0) own = addressAt(r.gateway != 0 ? r.gateway - 1 : 0);
  r.sourceHigh = own.high;
  r.sourceLow = own.low;
  return true;
}
