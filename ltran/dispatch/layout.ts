/**
 * The offsets and sizes that the forwarding thread and the Node side need. Ports, their rings and the head of
 * the call area are where the stack has them (stack/layout.ts). The build compiles this file by itself and
 * writes build/generated/dispatch_layout.h from it.
 */
import { RingEnd } from "../../ring/end";
import { Identity, IDENTITY as identityAt } from "./memory/identity";
import {
  COUNTERS as countersAt,
  NICS as nicsAt,
  POOLS as poolsAt,
  DISPATCH_SIZE_MIN as sizeMin,
  VPORT_COUNTERS as vportCountersAt,
  VPORT_COUNTERS_STRIDE as vportCountersStride,
  VPORT_DROPS as vportDropsAt,
  VPORT_SLOTS_MAX as vportSlotsMax,
  VPORT_STRIDE as vportStride,
  VPORTS as vportsAt,
  VPORTS_MAX as vportsMax,
} from "./memory/map";
import { PoolOf } from "./memory/pools";
import { Counter } from "./stats/counters";
import { DropReason, DROPS_AT as dropsAt } from "./stats/drop";
import { NicCounter, NIC_COUNTERS as nicCounters, NIC_STRIDE as nicStride } from "./stats/nic";
import { STATE as flowState } from "./tables/flow";
import { TAKE_END as takeEnd, Vport } from "./tables/vport";

export const SIZE_MIN: u32 = sizeMin;
export const FLOW_STATE: u32 = flowState;
export const IDENTITY: u32 = <u32>identityAt;
export const IDENTITY_MAC: u32 = <u32>offsetof<Identity>("mac");
export const IDENTITY_HIGH: u32 = <u32>offsetof<Identity>("high");
export const IDENTITY_LOW: u32 = <u32>offsetof<Identity>("low");
export const IDENTITY_KEY: u32 = <u32>offsetof<Identity>("key");
export const IDENTITY_STACK_INDEX: u32 = <u32>offsetof<Identity>("stackIndex");
export const IDENTITY_FEATURES: u32 = <u32>offsetof<Identity>("features");
export const IDENTITY_TAKE_RING: u32 = <u32>offsetof<Identity>("takeRing");
export const IDENTITY_PUT_RING: u32 = <u32>offsetof<Identity>("putRing");
export const IDENTITY_SLOTS: u32 = <u32>offsetof<Identity>("slots");
export const IDENTITY_VLAN: u32 = <u32>offsetof<Identity>("vlan");
export const IDENTITY_BOND: u32 = <u32>offsetof<Identity>("bond");
export const IDENTITY_SIZE: u32 = <u32>offsetof<Identity>();

export const VPORTS: u32 = <u32>vportsAt;
export const VPORTS_MAX: u32 = vportsMax;
export const VPORT_STRIDE: u32 = <u32>vportStride;
export const VPORT_SLOTS_MAX: u32 = vportSlotsMax;
/** RingFault that made the client-to-server ring dead; 0: none. */
export const VPORT_TAKE_BROKEN: u32 = <u32>(takeEnd + offsetof<RingEnd>("broken"));
export const VPORT_FLOWS: u32 = <u32>offsetof<Vport>("flows");
export const VPORT_LISTENERS: u32 = <u32>offsetof<Vport>("listeners");

export const COUNTERS: u32 = <u32>countersAt;
export const COUNTERS_COUNT: u32 = Counter.count;
export const DROPS: u32 = <u32>dropsAt;
export const DROPS_COUNT: u32 = DropReason.count;
export const VPORT_COUNTERS: u32 = <u32>vportCountersAt;
export const VPORT_COUNTERS_STRIDE: u32 = <u32>vportCountersStride;
/** Counted from the vport's counters. */
export const VPORT_DROPS: u32 = <u32>vportDropsAt;

/** Of each NIC: how often so many frames, from one on, were received at once; then its counters. */
export const NICS: u32 = <u32>nicsAt;
export const NIC_STRIDE: u32 = <u32>nicStride;
export const NIC_COUNTERS: u32 = <u32>nicCounters;
export const NIC_COUNTERS_COUNT: u32 = NicCounter.count;

export const POOLS: u32 = <u32>poolsAt;
export const POOL_FLOW: u32 = PoolOf.flow;
export const POOL_LISTENER: u32 = PoolOf.listener;
export const POOL_ADDRESS: u32 = PoolOf.address;

export * from "../../kernel/layout";
