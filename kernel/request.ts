import { CALL } from "../stack/memory/map";

/**
 * What a message to the kernel is about, in the call area, and the message itself behind it. The shell fills
 * the request in, calls kernelMessage() and sends what it wrote over netlink.
 */
@unmanaged
export class KernelRequest {
  /** Hardware address of the kernel's device, in the low 48 bits, first byte lowest. */
  mac: u64;
  /** Tells the filters of several programs apart. */
  filter: u64;
  /** The kernel's number of the device. */
  interfaceIndex: u32;
  /** Largest IP packet. */
  mtu: u32;
  /** Addresses as they stand in memory, network byte order: the shared one, and its gateway or 0. */
  address: u32;
  gateway: u32;
  prefixLength: u32;
  /** Names at KERNEL_WIRES. */
  wires: u32;
  /** 1: the filter goes with the socket that made it; 0 for kernels before 5.12, which cannot do that. */
  isOwned: u32;
  /** Where the message goes on; for the writers only. */
  cursor: u32;
  /** Out: 1, the message goes to nfnetlink, not to rtnetlink. */
  isFilter: u32;
}

export const KERNEL_REQUEST: usize = CALL + 0x2400;
/** Names of the interfaces on which frames for shared addresses arrive: 16 bytes each, zeros behind. */
export const KERNEL_WIRES: usize = KERNEL_REQUEST + 0x80;
export const KERNEL_WIRES_MOST: u32 = 16;
export const KERNEL_WIRE_SIZE: u32 = 16;
export const KERNEL_MESSAGE: usize = KERNEL_WIRES + <usize>(KERNEL_WIRES_MOST * KERNEL_WIRE_SIZE);
export const KERNEL_MESSAGE_SIZE: u32 = 0x800;
/** Bytes of request and message. */
export const KERNEL_AREA_SIZE: u32 = <u32>(KERNEL_MESSAGE - KERNEL_REQUEST) + KERNEL_MESSAGE_SIZE;

/** The request that the call is about. */
export function kernelRequest(): KernelRequest {
  return changetype<KernelRequest>(KERNEL_REQUEST);
}
