import { port } from "../../../stack/memory/port";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { DropReason } from "../stats/drop";
import { Frame } from "./frame";
import { toPort } from "./to-nic";

/**
 * Whether a frame may be for the kernel device: there is one, and it is in no VLAN and of an IP of which the
 * kernel has addresses there.
 */
export function kernelHears(f: Frame): bool {
  const r = root();
  return r.kernel != 0 && f.network == 0 && (f.isIpv6 == 0 || r.kernelIpv6 != 0);
}

/**
 * Hands a frame to the kernel device, which there is, or discards it with a reason. What a NIC received is
 * not copied: the shell sends it before it gives the NIC's memory back (index.ts, kernelDrop()).
 */
export function toKernel(f: Frame): void {
  const p = port(root().kernel - 1);
  if (toPort(p, f, DropReason.kernelFull)) count(Counter.kernelFramesOut);
}
