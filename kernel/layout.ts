/**
 * The offsets and sizes by which the kernel is told something (request.ts): part of the layout of each module
 * that says it.
 */
import {
  KernelRequest,
  KERNEL_AREA_SIZE as kernelAreaSize,
  KERNEL_MESSAGE as kernelMessageAt,
  KERNEL_REQUEST as kernelRequestAt,
  KERNEL_WIRE_SIZE as kernelWireSize,
  KERNEL_WIRES as kernelWiresAt,
} from "./request";
import { KernelStep } from "./steps";

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
