/** A process' part of a rate limit. */
import type { Instance } from "./admission.js";
import type { RateLimit } from "./forwarder.js";

/**
 * What each stack of process `pid` may send: all that it has registered, under whatever keys, and those that
 * it said it will, share the limit of one process.
 */
export function rateShare(limit: RateLimit, pid: number, instances: readonly Instance[]): RateLimit {
  const own = instances.filter(({ peer }) => peer.pid === pid);
  const stacks = Math.max(
    1,
    own.reduce((sum, { stackCount }) => sum + stackCount, 0),
  );
  const share = (most: number) => Math.ceil(most / stacks);
  return { packets: share(limit.packets), megabits: share(limit.megabits) };
}
