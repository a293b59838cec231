import { ErrorTokens } from "../../../stack/memory/error-tokens";
import { ROOT } from "./map";

/** What there is only one of. Addresses are offsets in linear memory. */
@unmanaged
export class Root extends ErrorTokens {
  /** Size of the region in bytes, as given to create(). */
  size: u32;
  /** The time of the current call, in microseconds of a clock that never goes back. */
  now: u64;
  /** Keys drawn from the seed. */
  tableKey: u64;
  choiceKey0: u64;
  choiceKey1: u64;

  /** Flow hash table: an array of Flow references. */
  flows: usize;
  flowMask: u32;
  /** Listener hash table: an array of Listener references. */
  listeners: usize;
  listenerMask: u32;
  /** Address hash table: an array of Address references. */
  addresses: usize;
  addressMask: u32;
  /** Remembered fragments (tables/fragment.ts). */
  fragments: usize;

  /** NIC ports, and the bonds (bond/bond.ts) that they are members of. */
  nics: u32;
  bonds: u32;
  /** Number of the kernel device's port, from one; 0: there is none. */
  kernel: u32;
  /** Addresses of IPv6 that the kernel has, too. */
  kernelIpv6: u32;
  /** Frames of the kernel device that wait in rings of NICs: their memory is not to be used again. */
  kernelHeld: u32;
  /** BondMode of all bonds. */
  bondMode: u32;

  /** Vports ever opened: those behind are untouched memory. */
  vportsTouched: u32;
  /** Vports that are open. */
  vportsOpen: u32;
  /** Where collect() begins. */
  collectNext: u32;
  /** Vports into whose ring something was put, and those to be kicked. */
  putHead: usize;
  kickHead: usize;
  /** Vports being closed whose flows are still to be reset. */
  closingHead: usize;

  /** Pairs of vports that wait to be introduced (tables/pair.ts). */
  pairHead: u32;
  pairTail: u32;
  /** Pairs, or vports with a broken ring, came since that was asked. */
  notice: u32;

  /** Until then nothing is unknown: vports may still be on their way back from another ltran. */
  graceUntil: u64;
  /** Longest time that an expired entry may stay, in microseconds. */
  scanInterval: u64;
  scanNext: u64;
}

/** The root; compiles to a constant address. */
export function root(): Root {
  return changetype<Root>(ROOT);
}
