import { EADDRINUSE, EBUSY, ENOMEM, ENOSPC } from "../../build/generated/system";
import { PORTS_MAX } from "../../stack/memory/map";
import { port } from "../../stack/memory/port";
import { portBegin } from "./create";
import { nicDone } from "./forward/to-nic";
import { root } from "./memory/root";
import { DropReason } from "./stats/drop";
import { addressFind, addressIsIpv6, addressMake, addressRelease } from "./tables/address";

/**
 * The kernel device: one more port, to which goes what no vport of a shared address wants, and from which the
 * kernel's programs reach NIC and vports.
 */

/** The device is in no VLAN. */
const UNTAGGED: u32 = 0;

/** Opens it, behind the last NIC; its number as a port, or -EBUSY (there is one), -ENOSPC. */
export function kernelBegin(flags: u32, mtu: u32, mac: u64, segmentationMax: u32): i32 {
  const r = root();
  if (r.kernel != 0) return -EBUSY;
  if (r.nics >= PORTS_MAX) return -ENOSPC;
  portBegin(r.nics, flags, mtu, mac, segmentationMax);
  r.kernel = r.nics + 1;
  return <i32>r.nics;
}

/** Shares an address with the kernel; 0, or -ENOMEM, -EADDRINUSE (it is shared already). */
export function kernelShare(high: u64, low: u64, mac: u64): i32 {
  const a = addressMake(high, low, UNTAGGED, mac);
  if (changetype<usize>(a) == 0) return -ENOMEM;
  if (a.kernel != 0) return -EADDRINUSE;
  a.kernel = 1;
  a.references++;
  if (addressIsIpv6(a)) root().kernelIpv6++;
  return 0;
}

/** Shares it no more. */
export function kernelUnshare(high: u64, low: u64): void {
  const a = addressFind(high, low, UNTAGGED);
  if (changetype<usize>(a) == 0 || a.kernel == 0) return;
  a.kernel = 0;
  if (addressIsIpv6(a)) root().kernelIpv6--;
  addressRelease(a);
}

/** What the device did not take at once is lost. */
export function kernelGiveUp(): void {
  const p = port(root().kernel - 1);
  nicDone(p, p.txTail - p.txHead, DropReason.kernelFull);
}
