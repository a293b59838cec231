/**
 * The kernel's device: what it is called, which addresses it has, and what keeps the kernel quiet elsewhere.
 */
import { closeSync } from "node:fs";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import { NETLINK_NETFILTER, NETLINK_ROUTE } from "../../build/generated/node/system.js";
import { networkManagerAdvice } from "../../ctl/network-manager.js";
import { ipv4Text, mappedAddress } from "./addresses.js";
import type { Instance } from "./admission.js";
import { type DaemonConfig, firstMac } from "./config.js";
import type { Forwarder } from "./forwarder.js";
import { errorName, type Native, type NicFacts } from "./native.js";

/** How long the kernel keeps an address without clients, in milliseconds: one may be starting again. */
const LINGER_MS = 15_000;

/** An address that the kernel has, too. */
interface Shared {
  /** Processes that have it. */
  clients: number;
  /** Runs while there are none. */
  timer: NodeJS.Timeout | null;
}

/** Makes the device and gives it the addresses of clients while there are any. */
export class KernelDevice {
  readonly #native: Native;
  readonly #forwarder: Forwarder;
  readonly #config: DaemonConfig;
  readonly #say: (text: string) => void;
  readonly #shared = new Map<number, Shared>();
  readonly #sockets: number[] = [];
  #facts: NicFacts | null = null;
  #isOwned = true;

  constructor(native: Native, config: DaemonConfig, forwarder: Forwarder, say: (text: string) => void) {
    this.#native = native;
    this.#config = config;
    this.#forwarder = forwarder;
    this.#say = say;
  }

  /** Makes the device, if there is to be one. @throws Error with cause and remedy. */
  open(): void {
    const device = this.#config.kernelDevice;
    if (device === null) return;
    const advice = networkManagerAdvice(device);
    if (advice !== null) this.#say(advice);
    this.#facts = this.#forwarder.openKernel(device);
    for (const protocol of [NETLINK_ROUTE, NETLINK_NETFILTER]) {
      const socket = this.#native.netlinkOpen(protocol);
      if (socket < 0) throw new Error(`cannot talk to the kernel about ${device}: ${errorName(socket)}`);
      this.#sockets.push(socket);
    }
    this.#makeFilter();
    // A kernel without IPv6 has nothing to be told about it.
    this.#tell(dispatch.KERNEL_STEP_NO_IPV6);
    const answer = this.#tell(dispatch.KERNEL_STEP_DEVICE_UP);
    if (answer < 0) throw new Error(`cannot set ${device} up: ${errorName(answer)}; it takes CAP_NET_ADMIN`);
  }

  #makeFilter(): void {
    if (this.#forwarder.kernelInterfaces().length === 0) return;
    let answer = this.#tell(dispatch.KERNEL_STEP_FILTER_MAKE);
    if (answer < 0 && ["EOPNOTSUPP", "EINVAL"].includes(errorName(answer))) {
      // Linux before 5.12: a filter stays until it is taken away, that of a killed ltran, too.
      this.#isOwned = false;
      this.#tell(dispatch.KERNEL_STEP_FORGET);
      answer = this.#tell(dispatch.KERNEL_STEP_FILTER_MAKE);
    }
    if (answer < 0) {
      throw new Error(
        `cannot keep the kernel from answering on ${this.#forwarder.kernelInterfaces().join(", ")} ` +
          `(${errorName(answer)}); kni_switch = 1 takes CAP_NET_ADMIN and a kernel with nf_tables for the ` +
          "family netdev (`modprobe nf_tables`)",
      );
    }
  }

  /** Whether the kernel has the address of a process, too: not in VLANs, on other bonds, of IPv6. */
  #isShared({ mac, vlan }: Pick<Instance, "mac" | "vlan">): boolean {
    return this.#facts !== null && vlan === 0 && mac === firstMac(this.#config);
  }

  /** One more process has an address. */
  acquire(instance: Pick<Instance, "ipv4" | "mac" | "vlan">): void {
    const { ipv4 } = instance;
    if (ipv4 === null || !this.#isShared(instance)) return;
    const known = this.#shared.get(ipv4);
    if (known !== undefined) {
      known.clients++;
      if (known.timer !== null) clearTimeout(known.timer);
      known.timer = null;
      return;
    }
    this.#shared.set(ipv4, { clients: 1, timer: null });
    this.#forwarder.shareWithKernel(mappedAddress(ipv4), true);
    this.#run(dispatch.KERNEL_STEP_SHARE, dispatch.KERNEL_STEP_UNSHARE, ipv4, true);
  }

  /** One process less has an address; the kernel keeps it for a while. */
  release(instance: Pick<Instance, "ipv4" | "mac" | "vlan">): void {
    const { ipv4 } = instance;
    if (ipv4 === null || !this.#isShared(instance)) return;
    const shared = this.#shared.get(ipv4);
    if (shared === undefined || --shared.clients > 0) return;
    shared.timer = setTimeout(() => this.#withdraw(ipv4), LINGER_MS);
    shared.timer.unref();
  }

  #withdraw(ipv4: number): void {
    this.#run(dispatch.KERNEL_STEP_UNSHARE, dispatch.KERNEL_STEP_FORGET, ipv4, false);
    this.#forwarder.shareWithKernel(mappedAddress(ipv4), false);
    this.#shared.delete(ipv4);
  }

  /** Takes the steps from one to before another one about an address. */
  #run(from: number, to: number, ipv4: number, isSaid: boolean): void {
    for (let step = from; step < to; step++) {
      const answer = this.#tell(step, ipv4);
      // What a killed ltran left serves again.
      if (answer === 0 || errorName(answer) === "EEXIST" || !isSaid) continue;
      const what = `${ipv4Text(ipv4)} on ${this.#config.kernelDevice}`;
      this.#say(`the kernel does not take over ${what} (step ${step}): ${errorName(answer)}`);
    }
  }

  /** Ends everything that does not end with the process. */
  close(): void {
    for (const [ipv4, { timer }] of this.#shared) {
      if (timer !== null) clearTimeout(timer);
      this.#withdraw(ipv4);
    }
    if (this.#facts !== null && !this.#isOwned) this.#tell(dispatch.KERNEL_STEP_FORGET);
    for (const socket of this.#sockets.splice(0)) closeSync(socket);
    this.#facts = null;
  }

  /** Tells the kernel what a step says; 0 or -errno. */
  #tell(step: number, ipv4 = 0): number {
    const { message, isFilter } = this.#forwarder.kernelMessage(step, this.#request(ipv4));
    // Devices that the kernel does not have it hears nothing on.
    if (message.length === 0 || (isFilter && this.#forwarder.kernelInterfaces().length === 0)) return 0;
    return this.#native.netlinkTell(this.#sockets[isFilter ? 1 : 0] ?? -1, message);
  }

  #request(ipv4: number): Buffer {
    const { subnetHostBits } = this.#config;
    const mac = firstMac(this.#config);
    const area = Buffer.alloc(dispatch.KERNEL_AREA_SIZE);
    area.writeBigUInt64LE(mac, dispatch.KERNEL_MAC);
    area.writeBigUInt64LE(mac, dispatch.KERNEL_FILTER);
    area.writeUInt32LE(this.#facts?.interfaceIndex ?? 0, dispatch.KERNEL_INTERFACE);
    area.writeUInt32LE(this.#facts?.mtu ?? 0, dispatch.KERNEL_MTU);
    area.writeUInt32BE(ipv4, dispatch.KERNEL_ADDRESS);
    area.writeUInt32LE(32 - subnetHostBits, dispatch.KERNEL_PREFIX_LENGTH);
    area.writeUInt32LE(this.#isOwned ? 1 : 0, dispatch.KERNEL_IS_OWNED);
    const wires = this.#forwarder.kernelInterfaces();
    area.writeUInt32LE(wires.length, dispatch.KERNEL_WIRE_COUNT);
    for (const [index, device] of wires.entries()) {
      area.write(device, dispatch.KERNEL_WIRE_NAMES + index * dispatch.KERNEL_WIRE_NAME_SIZE);
    }
    return area;
  }
}
