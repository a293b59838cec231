import { addressOnLink } from "../link/addresses";
import { KERNEL_NETWORKS } from "../memory/map";
import { Port } from "../memory/port";
import { root } from "../memory/root";
import { ipv4Raw, isAnyAddress, isIpv4, isIpv4Loopback } from "../wire/address";
import { addressIsOurs } from "./addresses";

/** Who serves a socket. */
export enum Side {
  stack,
  kernel,
  /** Bound to any address: connections and datagrams may come from either. */
  both,
}

/** Networks of the kernel's interfaces that are kept; an interface beyond that is taken for none. */
const NETWORKS_MAX: u32 = 128;

/** A network of the kernel's: its own address in it, and the mask, in network byte order. */
@unmanaged
class KernelNetwork {
  address: u32;
  mask: u32;
}

function network(index: u32): KernelNetwork {
  return changetype<KernelNetwork>(KERNEL_NETWORKS + <usize>index * offsetof<KernelNetwork>());
}

/**
 * Tells of one network of the kernel's; `index` 0 begins the list anew. Both words as they lie in a
 * sockaddr_in.
 */
export function kernelNetworkSet(index: u32, address: u32, mask: u32): void {
  if (index >= NETWORKS_MAX) return;
  const n = network(index);
  n.address = address;
  n.mask = mask;
  root().kernelNetworks = index + 1;
}

/** Who serves a socket that is bound to an address. */
export function bindSide(high: u64, low: u64, v6Only: bool): Side {
  if (isAnyAddress(high, low) && !v6Only) return Side.both;
  return addressIsOurs(high, low) ? Side.stack : Side.kernel;
}

/**
 * Who serves traffic to an address: what is the kernel's own, or in a network of its interfaces but not of
 * ours, is the kernel's; the rest is ours if there is a gateway.
 */
export function routeSide(high: u64, low: u64): Side {
  if (!isIpv4(high, low) || isAnyAddress(high, low)) return Side.kernel;
  const raw = ipv4Raw(low);
  if (isIpv4Loopback(raw)) return Side.kernel;
  if (addressIsOurs(high, low)) return Side.stack;
  const count = root().kernelNetworks;
  for (let i: u32 = 0; i < count; i++) {
    if (network(i).address == raw) return Side.kernel;
  }
  if (changetype<usize>(addressOnLink(changetype<Port>(0), raw)) != 0) return Side.stack;
  for (let i: u32 = 0; i < count; i++) {
    const n = network(i);
    if (((n.address ^ raw) & n.mask) == 0) return Side.kernel;
  }
  return root().gateway != 0 ? Side.stack : Side.kernel;
}
