/** The addon ltran/native: what only C can do. Numbers below zero that it answers are -errno. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { getSystemErrorName } from "node:util";
import { findInstalled } from "../../ctl/installation.js";

/** What is told from outside Node's sight; the numbers are those of ltran/native/events.h. */
export const NativeEvent = {
  /** The descriptor is readable; it is not watched any more. */
  readable: 0,
  /** The links of the NICs by bits have changed. */
  link: 1,
  /** The forwarding module trapped: nothing is forwarded any more. */
  trap: 2,
  /** The module noted pairs of clients that talk to each other, or clients that broke their rings. */
  noted: 3,
} as const;

/** A connection and who made it; `fd` may be -errno. */
export interface Accepted {
  fd: number;
  pid: number;
  uid: number;
  gid: number;
}

/**
 * A received message; size 0 is the connection's end, below 0 -errno. Who receives descriptors closes them.
 */
export interface Received {
  size: number;
  data: Buffer;
  fds: number[];
  /** Not 0: there were more descriptors than could be taken. */
  isCut: number;
}

/** What a NIC is, and what it did not take. */
export interface NicFacts {
  /** The interface's name; empty for a device that is none of the kernel's. */
  device: string;
  /** What to do when frames arrive cut off; empty: nothing to say. */
  truncation: string;
  /** The kernel's number of it. */
  interfaceIndex: number;
  /** Low 48 bits, first byte lowest. */
  mac: number;
  /** The device's own; `mac` is the bond's. */
  ownMac: number;
  mtu: number;
  flags: number;
  segmentationMax: number;
  windowSize: number;
  skipped: number;
  refused: number;
  isUp: number;
}

/** The functions of the addon. */
export interface Native {
  /** Makes the forwarding module with so many bytes of memory. */
  create(memoryBytes: number): number;
  /** Starts the forwarding thread; cpu -1: any. */
  start(cpu: number, lowPower: number): number;
  /** Ends its threads and closes the NICs. */
  stop(): void;
  /**
   * Calls a door of the module between two turns of the forwarding thread. `area` is copied to address `at`
   * of the module's memory before the call and back after it.
   */
  door(name: string, args: BigUint64Array, result: BigUint64Array, at: number, area: Uint8Array): number;
  /** Copies module memory. */
  read(at: number, area: Uint8Array): number;
  /**
   * Loads the object with DPDK, for an environment with these arguments, a zero byte behind each: a message,
   * empty when its devices can be opened.
   */
  dpdkLoad(path: string, words: Uint8Array): string;
  /**
   * Opens a device for frames to `mac`, its own or not: a message, empty when it is open. `order` counts
   * DPDK's devices from 1, with so many packet buffers each way; 0: an interface of the kernel.
   */
  nicOpen(
    device: string,
    mac: number,
    mtu: number,
    slots: number,
    window: number,
    order: number,
    receiveBuffers: number,
    transmitBuffers: number,
  ): string;
  /** The MTU of an interface, which is changed first unless `mtu` is 0. */
  deviceMtu(device: string, mtu: number): number;
  nicFacts(nic: number): NicFacts;
  /**
   * Makes the kernel's device, behind all NICs: a message, empty when it is open. `flags` are PortFlag bits
   * of the NICs.
   */
  kernelOpen(device: string, mac: number, mtu: number, flags: number, window: number): string;
  /** A netlink socket of a protocol. */
  netlinkOpen(protocol: number): number;
  /** Sends messages of which the last asks for an answer: 0, or what went wrong first. */
  netlinkTell(socket: number, messages: Uint8Array): number;
  /** Microseconds that the forwarding thread has spent moving frames. */
  busy(): number;
  /** Maps a sealed memory file of a client, of exactly `size` bytes, at an address of the window. */
  map(fd: number, size: number, address: number): number;
  unmap(size: number, address: number): number;
  /** Seals a memory file against shrinking and growing, and allocates `size` bytes of it. */
  seal(fd: number, size: number): number;
  /**
   * Takes over the descriptors of a client: a stream socket of process `pid` by which it is woken, and an
   * eventfd by which it wakes the forwarder. With process 0 both are eventfds. On an error they stay the
   * caller's.
   */
  wakesOpen(vport: number, toClient: number, toLtran: number, pid: number): number;
  wakesClose(vport: number): number;
  /** Begins to tell of events; links are looked at every `interval` ms. */
  events(callback: (event: number, value: number) => void, interval: number): number;
  /** Tells once when the descriptor is readable. */
  watch(fd: number): number;
  listen(path: string, backlog: number): number;
  accept(listener: number): Accepted;
  receive(fd: number): Received;
  send(fd: number, message: Uint8Array, ...fds: number[]): number;
}

/** Loads the addon of this build or installation. @throws Error when there is none. */
export function loadNative(): Native {
  const path = findInstalled(join("native", "ltran.node"));
  if (path === null) throw new Error("ltran.node is missing; run `npm run build`, or install Gazelle again");
  return createRequire(import.meta.url)(path) as Native;
}

/** The name of what a negative answer means, such as "ENOMEM". */
export function errorName(answer: number): string {
  return getSystemErrorName(answer);
}
