import { countReason, FALLBACKS_AT } from "./counters";

/** Why a socket is served by the kernel and not by the stack. */
export enum FallbackReason {
  /** An address family or socket type that the stack does not have. */
  unsupportedType,
  /** Bound to an address that is the kernel's. */
  kernelAddress,
  /** Connected to an address that is the kernel's, or that only the kernel has a route to. */
  kernelRoute,
  /** The thread or the option in the configuration excludes it. */
  excluded,
  /** The stack could not start and the configuration says on_failure = "kernel". */
  stackFailed,
  /** The stack had no memory for it. */
  noMemory,
  count,
}

/** Counts why a socket goes to the kernel. */
export function countFallback(reason: FallbackReason): void {
  countReason(FALLBACKS_AT, reason);
}
