import { Pool } from "../../../stack/memory/pool";
import { POOLS } from "./map";

/** Every kind of object that is taken and given back. */
export enum PoolOf {
  /** tables/flow.ts: Flow */
  flow,
  /** tables/listener.ts: Listener */
  listener,
  /** tables/address.ts: Address */
  address,
}

/** The header of a pool. */
export function poolOf(kind: PoolOf): Pool {
  return changetype<Pool>(POOLS + <usize>kind * offsetof<Pool>());
}

/** Objects of a pool that are free. */
export function poolFree(p: Pool): u32 {
  return p.capacity - p.used;
}
