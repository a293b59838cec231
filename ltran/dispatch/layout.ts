/**
 * The offsets and sizes that the forwarding thread and the Node side need. Ports, their rings and the head of
 * the call area are where the stack has them (stack/layout.ts). The build compiles this file by itself and
 * writes build/generated/dispatch_layout.h from it.
 */
import {
  KernelRequest,
  KERNEL_AREA_SIZE as kernelAreaSize,
  KERNEL_MESSAGE as kernelMessageAt,
  KERNEL_REQUEST as kernelRequestAt,
  KERNEL_WIRE_SIZE as kernelWireSize,
  KERNEL_WIRES as kernelWiresAt,
} from "../../kernel/request";
import { KernelStep } from "../../kernel/steps";
import { RingEnd } from "../../ring/end";
import { Identity, IDENTITY as identityAt } from "./memory/identity";
import {
  COUNTERS as countersAt,
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
import { Counter, VportCounter } from "./stats/counters";
import { DropReason, DROPS_AT as dropsAt } from "./stats/drop";
import { PUT_END as putEnd, TAKE_END as takeEnd, Vport, VportState } from "./tables/vport";

export const SIZE_MIN: u32 = sizeMin;
export const IDENTITY: u32 = <u32>identityAt;
export const IDENTITY_MAC: u32 = <u32>offsetof<Identity>("mac");
export const IDENTITY_HIGH: u32 = <u32>offsetof<Identity>("high");
export const IDENTITY_LOW: u32 = <u32>offsetof<Identity>("low");
export const IDENTITY_KEY: u32 = <u32>offsetof<Identity>("key");
export const IDENTITY_PID: u32 = <u32>offsetof<Identity>("pid");
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
export const VPORT_STATE: u32 = <u32>offsetof<Vport>("state");
export const VPORT_STATE_OPEN: u32 = VportState.open;
export const VPORT_PID: u32 = <u32>offsetof<Vport>("pid");
export const VPORT_KEY: u32 = <u32>offsetof<Vport>("key");
export const VPORT_STACK_INDEX: u32 = <u32>offsetof<Vport>("stackIndex");
/** RingFault that made either ring dead; 0: none. */
export const VPORT_TAKE_BROKEN: u32 = <u32>(takeEnd + offsetof<RingEnd>("broken"));
export const VPORT_PUT_BROKEN: u32 = <u32>(putEnd + offsetof<RingEnd>("broken"));
export const VPORT_FLOWS: u32 = <u32>offsetof<Vport>("flows");
export const VPORT_LISTENERS: u32 = <u32>offsetof<Vport>("listeners");

export const COUNTERS: u32 = <u32>countersAt;
export const COUNTERS_COUNT: u32 = Counter.count;
export const DROPS: u32 = <u32>dropsAt;
export const DROPS_COUNT: u32 = DropReason.count;
export const VPORT_COUNTERS: u32 = <u32>vportCountersAt;
export const VPORT_COUNTERS_STRIDE: u32 = <u32>vportCountersStride;
export const VPORT_COUNTERS_COUNT: u32 = VportCounter.count;
/** Counted from the vport's counters. */
export const VPORT_DROPS: u32 = <u32>vportDropsAt;

export const POOLS: u32 = <u32>poolsAt;
export const POOL_FLOW: u32 = PoolOf.flow;
export const POOL_LISTENER: u32 = PoolOf.listener;
export const POOL_ADDRESS: u32 = PoolOf.address;

/** What the kernel is told (kernel/request.ts). */
export const KERNEL_AREA: u32 = <u32>kernelRequestAt;
export const KERNEL_AREA_SIZE: u32 = kernelAreaSize;
export const KERNEL_MAC: u32 = <u32>offsetof<KernelRequest>("mac");
export const KERNEL_FILTER: u32 = <u32>offsetof<KernelRequest>("filter");
export const KERNEL_INTERFACE: u32 = <u32>offsetof<KernelRequest>("interfaceIndex");
export const KERNEL_MTU: u32 = <u32>offsetof<KernelRequest>("mtu");
export const KERNEL_ADDRESS: u32 = <u32>offsetof<KernelRequest>("address");
export const KERNEL_GATEWAY: u32 = <u32>offsetof<KernelRequest>("gateway");
export const KERNEL_PREFIX_LENGTH: u32 = <u32>offsetof<KernelRequest>("prefixLength");
export const KERNEL_IS_OWNED: u32 = <u32>offsetof<KernelRequest>("isOwned");
export const KERNEL_WIRE_COUNT: u32 = <u32>offsetof<KernelRequest>("wires");
export const KERNEL_IS_FILTER: u32 = <u32>offsetof<KernelRequest>("isFilter");
/** Counted from the area: names of interfaces, and the message. */
export const KERNEL_WIRE_NAMES: u32 = <u32>(kernelWiresAt - kernelRequestAt);
export const KERNEL_WIRE_NAME_SIZE: u32 = kernelWireSize;
export const KERNEL_MESSAGE_AT: u32 = <u32>(kernelMessageAt - kernelRequestAt);
export const KERNEL_STEP_FILTER_MAKE: u32 = KernelStep.filterMake;
export const KERNEL_STEP_NO_IPV6: u32 = KernelStep.deviceWithoutIpv6;
export const KERNEL_STEP_DEVICE_UP: u32 = KernelStep.deviceUp;
export const KERNEL_STEP_SHARE: u32 = KernelStep.filterAdd;
export const KERNEL_STEP_UNSHARE: u32 = KernelStep.ruleRemove;
export const KERNEL_STEP_FORGET: u32 = KernelStep.filterForget;
