import { addressAt, addressOnLink, isBroadcast } from "../link/addresses";
import { selfPort } from "../link/loop";
import { Neighbour, neighbourFor } from "../link/neighbours";
import { peerPort } from "../link/peers";
import { Port } from "../memory/port";
import { root } from "../memory/root";
import { DropReason } from "../stats/drop";
import { ipv4Raw, isIpv4, isIpv4Martian, isIpv4Multicast } from "../wire/address";
import { addressIsOurs } from "./addresses";

/** Whether a destination is reached without a gateway: on-link, broadcast, or multicast. */
function isDirect(raw: u32): bool {
  return isBroadcast(raw) || isIpv4Multicast(raw);
}

/** The port that packets to a destination leave by, or null (0) when there is no route. */
function routePort(high: u64, low: u64): Port {
  const r = root();
  const none = changetype<Port>(0);
  if (!isIpv4(high, low) || r.addresses == 0) return none;
  if (addressIsOurs(high, low)) return selfPort(high, low);
  const peer = peerPort(high, low);
  if (changetype<usize>(peer) != 0) return peer;
  const raw = ipv4Raw(low);
  const own = addressOnLink(none, raw);
  if (changetype<usize>(own) != 0) return own.port;
  if (isDirect(raw)) return addressAt(0).port;
  return r.gateway != 0 && !isIpv4Martian(raw) ? addressAt(r.gateway - 1).port : none;
}

/**
 * The entry of the next hop towards a destination: the destination itself when it is on-link, or the gateway
 * (RFC 1122, section 3.3.1). Null (0) when there is no route, or no entry is left.
 */
export function routeTo(high: u64, low: u64): Neighbour {
  const p = routePort(high, low);
  const none = changetype<Neighbour>(0);
  if (changetype<usize>(p) == 0) return none;
  if (p.peer != 0 || addressIsOurs(high, low)) return neighbourFor(p, high, low);
  const raw = ipv4Raw(low);
  if (isDirect(raw) || changetype<usize>(addressOnLink(p, raw)) != 0) return neighbourFor(p, high, low);
  const r = root();
  return neighbourFor(p, r.gatewayHigh, r.gatewayLow);
}

/** Why routeTo() had no answer for a destination: no route, or no free entry for the next hop. */
export function routeFailure(high: u64, low: u64): DropReason {
  const isRouted = changetype<usize>(routePort(high, low)) != 0;
  return isRouted ? DropReason.noNeighbour : DropReason.ipNoRoute;
}

/** The largest IP packet that the way to a destination is known to carry; 0 when there is no route. */
export function pathMtu(high: u64, low: u64): u32 {
  const p = routePort(high, low);
  return changetype<usize>(p) == 0 ? 0 : p.mtu;
}
