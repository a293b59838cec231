import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOMEM } from "../../build/generated/system";
import { RingRole } from "../../ring/end";
import { RegistrationFeature } from "../../ring/registration";
import { serverAttach } from "../../ring/server";
import { PortFlag } from "../../stack/memory/port";
import { ipv4Raw, isIpv4, isIpv4Martian, isIpv6Host } from "../../stack/wire/address";
import { isGroupMac } from "../../stack/wire/ethernet";
import { closeHurry } from "./close";
import { Identity, identity } from "./memory/identity";
import { VPORT_SLOTS_MAX } from "./memory/map";
import { root } from "./memory/root";
import { Counter, count } from "./stats/counters";
import { addressFind, addressJoin, addressMake } from "./tables/address";
import { networkOf } from "./tables/network";
import { pairsForget } from "./tables/pair";
import { Vport, VportState, vportMarks, vportPut, vportTake, vportTakeFree } from "./tables/vport";

/** The last number that a VLAN may have (IEEE 802.1Q, table 9-2). */
const VLAN_LAST: u32 = 4094;
/** Time for announcements of what existed before: a client does it at once, if it does it. */
export const RETURNING_US: u64 = 2_000_000;

/** Whether the rings can be served as they lie in the region of `size` bytes mapped at `data`. */
function attach(v: Vport, who: Identity, data: u32, size: u32): bool {
  if (who.slots > VPORT_SLOTS_MAX || who.takeRing >= size || who.putRing >= size) return false;
  const takeAt = <usize>data + <usize>who.takeRing;
  const putAt = <usize>data + <usize>who.putRing;
  const base = <usize>data;
  return (
    serverAttach(vportTake(v), RingRole.serverTake, takeAt, who.slots, base, size, vportMarks(v)) &&
    serverAttach(vportPut(v), RingRole.serverPut, putAt, who.slots, base, size, 0)
  );
}

/** Whether an address can be a host's. */
function isHost(high: u64, low: u64): bool {
  return isIpv4(high, low) ? !isIpv4Martian(ipv4Raw(low)) : isIpv6Host(high, low);
}

/** What is wrong with the identity, as an errno, or 0. */
function judge(who: Identity): i32 {
  if (isGroupMac(who.mac) || who.mac == 0 || who.mac >> 48 != 0) return EINVAL;
  if (who.vlan > VLAN_LAST || who.bond >= root().bonds) return EINVAL;
  if (!isHost(who.high, who.low)) return EADDRNOTAVAIL;
  const a = addressFind(who.high, who.low, networkOf(who.bond, who.vlan));
  // Others on the link can know only one hardware address of it.
  const isOther = changetype<usize>(a) != 0 && a.vportCount > 0 && a.mac != who.mac;
  return isOther ? EADDRINUSE : 0;
}

/**
 * Opens a vport whose rings lie in the region of `size` bytes mapped at `data`, for the identity in the call
 * area. `flags` are PortFlag, `mtu` its largest IP packet. Its number, or -errno.
 */
export function vportBegin(data: u32, size: u32, flags: u32, mtu: u32): i32 {
  const who = identity();
  const wrong = judge(who);
  if (wrong != 0) return -wrong;
  let v = vportTakeFree();
  if (changetype<usize>(v) == 0) {
    closeHurry();
    v = vportTakeFree();
    if (changetype<usize>(v) == 0) return -ENOMEM;
  }
  if (!attach(v, who, data, size)) return -EINVAL;
  const network = networkOf(who.bond, who.vlan);
  const a = addressMake(who.high, who.low, network, who.mac);
  if (changetype<usize>(a) == 0) return -ENOMEM;
  if (a.vportCount == 0) a.mac = who.mac;
  const r = root();
  v.flags = flags & PortFlag.vnetHeader;
  v.mtu = mtu;
  v.mac = who.mac;
  v.network = network;
  v.key = who.key;
  v.stackIndex = who.stackIndex;
  v.announces = (who.features & RegistrationFeature.announces) != 0 ? 1 : 0;
  v.takesRings = (who.features & RegistrationFeature.directRings) != 0 ? 1 : 0;
  v.returningUntil = v.announces != 0 ? r.now + RETURNING_US : 0;
  v.state = VportState.open;
  addressJoin(a, v);
  pairsForget(v);
  r.vportsOpen++;
  count(Counter.vportsOpened);
  return <i32>v.id;
}
