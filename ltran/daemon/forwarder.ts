/** The forwarding module and its thread, as the rest of the daemon uses them. */
import { COUNTERS } from "../../build/generated/node/dispatch-counters.js";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import { PORT_FLAG_VNET_HEADER } from "../../build/generated/node/layout.js";
import * as registration from "../../build/generated/node/registration-layout.js";
import { addressText, macNumber, macText } from "./addresses.js";
import { bondByMac, type DaemonConfig, firstMac } from "./config.js";
import { inOwnWords, loadDpdk } from "./dpdk.js";
import type { Register, Welcome } from "./message.js";
import { errorName, type Native, type NicFacts } from "./native.js";
import { type Refusal, refusals } from "./refusal.js";
import { Windows } from "./windows.js";

/** Where addresses of the module end. */
const WINDOW_END = 2 ** 32 - 4096;
/** Clients that lost their ltran try again five times a second. */
const GRACE_US = 3_000_000n;
const NONE = new Uint8Array();

/** A vport of the module with the memory that belongs to it. */
export interface Vport {
  id: number;
  address: number;
  size: number;
}

/** The descriptors of a client: its memory, what wakes it, what it wakes the forwarder by. */
export interface ClientFiles {
  memory: number;
  toClient: number;
  toLtran: number;
  /** The process that sent them; null: what wakes the client is an eventfd, else a socket. */
  pid: number | null;
}

/** Where the two rings lie in a client's memory. */
export interface Rings {
  /** From the client, and to it. */
  take: number;
  put: number;
}

/** One link of an aggregation; the states are those of LACPDUs. */
export interface LacpLink {
  /** The hardware address of the partner's system; zeros: there is none. */
  partner: string;
  actorState: number;
  partnerState: number;
}

/** Most that one client may send; 0: no limit. */
export interface RateLimit {
  packets: number;
  megabits: number;
}

/** Makes the module, opens NICs, opens and closes vports; one per process. */
export class Forwarder {
  readonly #native: Native;
  readonly #config: DaemonConfig;
  readonly #windows: Windows;
  /** For each NIC, in the order of their opening, its bond and its port number. */
  readonly #nics: { bond: number; port: number }[] = [];
  #hasTrapped = false;

  /** @throws Error when there is no memory. */
  constructor(native: Native, config: DaemonConfig) {
    this.#native = native;
    this.#config = config;
    const { memoryBytes } = config;
    this.#check(
      native.create(memoryBytes),
      `cannot make the forwarder's memory of ${memoryBytes / 2 ** 20} MiB`,
    );
    this.#windows = new Windows(memoryBytes, WINDOW_END);
    this.#door("scanIntervalSet", [BigInt(config.scanInterval) * 1_000_000n]);
  }

  #check(answer: number, what: string): void {
    if (answer < 0) throw new Error(`${what}: ${errorName(answer)}`);
  }

  /** Calls a door; the result as 64 bits without a sign, or null when the module trapped, perhaps now. */
  #wide(name: string, args: readonly (number | bigint)[], at = 0, area: Uint8Array = NONE): bigint | null {
    if (this.#hasTrapped) return null;
    const result = new BigUint64Array(1);
    const values = BigUint64Array.from(args, (value) => BigInt.asUintN(64, BigInt(value)));
    const answer = this.#native.door(name, values, result, at, area);
    this.#hasTrapped = answer < 0 && errorName(answer) === "EIO";
    if (this.#hasTrapped) return null;
    this.#check(answer, `the forwarder does not answer ${name}`);
    return result[0] ?? 0n;
  }

  /** As #wide; the result as a signed number of 32 bits. */
  #call(name: string, args: readonly (number | bigint)[], at = 0, area: Uint8Array = NONE): number | null {
    const result = this.#wide(name, args, at, area);
    return result === null ? null : Number(BigInt.asIntN(32, result));
  }

  /** As #call. @throws Refusal when the module trapped: the end of ltran is on its way. */
  #door(name: string, args: readonly (number | bigint)[], at = 0, area: Uint8Array = NONE): number {
    const result = this.#call(name, args, at, area);
    if (result === null) throw refusals.ending();
    return result;
  }

  /** Opens the devices of all bonds. @throws Error with cause and remedy. */
  openNics(): void {
    const { bonds, bondMode, dpdk } = this.#config;
    this.#check(this.#door("bondModeSet", [bondMode]), `bond_mode ${bondMode}`);
    if (dpdk !== null) loadDpdk(this.#native, dpdk.arguments);
    for (const [number, { mac, ports, devices }] of bonds.entries()) {
      // There is one already.
      if (number > 0) this.#check(this.#door("bondOpen", []), `bond of ${mac}`);
      ports.forEach((port, index) => {
        this.#openNic(number, port, devices[index] ?? `port ${port}`, Number(macNumber(mac)));
      });
    }
  }

  #openNic(bond: number, port: number, device: string, mac: number): void {
    const { dpdk, mtu, receiveSlots } = this.#config;
    // How much of the window it takes is known when it is open: it begins where everything is free.
    const start = this.#windows.take(1) ?? WINDOW_END;
    this.#windows.give(start, 1);
    const { receiveBuffers, transmitBuffers } = dpdk ?? { receiveBuffers: 0, transmitBuffers: 0 };
    const order = dpdk === null ? 0 : port + 1;
    const buffers = [receiveBuffers, transmitBuffers] as const;
    const message = this.#native.nicOpen(device, mac, mtu, receiveSlots, start, order, ...buffers);
    if (message !== "") throw new Error(`${device}: ${inOwnWords(message)}`);
    const nic = this.#nics.push({ bond, port }) - 1;
    const { windowSize, ownMac } = this.nicFacts(nic);
    this.#windows.take(windowSize);
    this.#door("nicOwnMacSet", [nic, ownMac]);
  }

  /** Those NICs that are interfaces of the kernel. */
  kernelInterfaces(): string[] {
    const names = this.#nics.map((_, nic) => this.#native.nicFacts(nic).device);
    return names.filter((name) => name !== "");
  }

  /** Makes the kernel's device, behind the NICs; what it is. @throws Error with cause and remedy. */
  openKernel(device: string): NicFacts {
    const { flags, mtu } = this.#common(this.#nics.map((_, nic) => nic));
    const start = this.#windows.take(1) ?? WINDOW_END;
    this.#windows.give(start, 1);
    const message = this.#native.kernelOpen(device, Number(firstMac(this.#config)), mtu, flags, start);
    if (message !== "") throw new Error(message);
    const facts = this.nicFacts(this.#nics.length);
    this.#windows.take(facts.windowSize);
    return facts;
  }

  /**
   * The message to the kernel of a step about a request (kernel/request.ts); empty when there is nothing to
   * be said, or the module trapped: what was told before ends with the process.
   */
  kernelMessage(step: number, request: Buffer): { message: Buffer; isFilter: boolean } {
    const length = this.#call("kernelMessage", [step], dispatch.KERNEL_AREA, request) ?? 0;
    const message = request.subarray(dispatch.KERNEL_MESSAGE_AT, dispatch.KERNEL_MESSAGE_AT + length);
    return { message, isFilter: request.readUInt32LE(dispatch.KERNEL_IS_FILTER) !== 0 };
  }

  /** What no client of an address wants goes to the kernel, or does so no more. */
  shareWithKernel(address: Buffer, isShared: boolean): void {
    if (this.#hasTrapped) return;
    const [high, low] = [address.readBigUInt64LE(0), address.readBigUInt64LE(8)];
    if (isShared) {
      const answer = this.#door("kernelAddressAdd", [high, low, firstMac(this.#config)]);
      this.#check(answer, "cannot share an address with the kernel");
    } else this.#door("kernelAddressRemove", [high, low]);
  }

  /** The number of open NICs. */
  get nicCount(): number {
    return this.#nics.length;
  }

  /** The number of a NIC's bond. */
  bondOf(nic: number): number {
    return this.#nics[nic]?.bond ?? 0;
  }

  /** Microseconds in which frames were moved, of those since the start. */
  busyMicroseconds(): number {
    return this.#native.busy();
  }

  /** What NIC number `nic` is. */
  nicFacts(nic: number): NicFacts {
    const facts = this.#native.nicFacts(nic);
    return { ...facts, device: facts.device || `port ${this.#nics[nic]?.port}` };
  }

  /** Whether NIC number `nic` transmits and receives. */
  isActive(nic: number): boolean {
    return this.#call("nicIsActive", [nic]) === 1;
  }

  /** What LACP knows of the link of NIC number `nic`. */
  lacpLink(nic: number): LacpLink {
    const word = this.#wide("lacpLink", [nic]) ?? 0n;
    const partner = macText(word & 0xffff_ffff_ffffn);
    return { partner, actorState: Number((word >> 48n) & 0xffn), partnerState: Number(word >> 56n) };
  }

  /**
   * Starts to forward. Clients of an ltran that ended are on their way back: until they are, nothing is
   * unknown.
   * @throws Error when there is no thread.
   */
  start(isSuccessor: boolean): void {
    const { forwardCpu, isLowPower } = this.#config;
    if (isSuccessor) this.#door("graceSet", [this.#now() + GRACE_US]);
    this.#check(this.#native.start(forwardCpu, isLowPower ? 1 : 0), "cannot start the forwarding thread");
  }

  /**
   * Maps a client's memory and opens a vport on it; the descriptors to wake by belong to the vport then.
   * @throws Refusal when the client's memory or descriptors are not as they must be, or there is no room.
   */
  openVport(wanted: Register, files: ClientFiles, limit: RateLimit, rings = ringsOf(wanted)): Vport {
    const size = wanted.regionSize;
    if (this.#hasTrapped) throw refusals.ending();
    const address = this.#windows.take(size);
    if (address === null) throw refusals.memory();
    const mapped = this.#native.map(files.memory, size, address);
    if (mapped < 0) {
      this.#windows.give(address, size);
      const name = errorName(mapped);
      throw refusals.region(name === "ENODATA" ? "a part of it is not allocated" : name);
    }
    try {
      return { id: this.#openOn(rings, wanted, address, files, limit), address, size };
    } catch (error) {
      this.#release(address, size);
      throw error;
    }
  }

  #openOn(rings: Rings, wanted: Register, address: number, files: ClientFiles, limit: RateLimit): number {
    const { flags, mtu } = this.welcome(wanted, 0);
    // Introductions are for IPv4.
    const hasDirectRings = this.#config.hasDirectRings && wanted.ipv4 !== null;
    const features = hasDirectRings ? wanted.features : wanted.features & ~registration.FEATURE_DIRECT_RINGS;
    const args = [address, wanted.regionSize, flags, mtu, this.#now()];
    const who = identity(wanted, bondByMac(this.#config, wanted.mac), rings, features);
    const id = this.#door("vportOpen", args, dispatch.IDENTITY, who);
    if (id < 0) throw this.#explain(id, wanted);
    const answer = this.#native.wakesOpen(id, files.toClient, files.toLtran, files.pid ?? 0);
    if (answer < 0) {
      this.#door("vportClose", [id, this.#now()]);
      throw refusals.descriptors(errorName(answer));
    }
    this.#door("rateLimitSet", [id, limit.packets, limit.megabits, this.#now()]);
    return id;
  }

  #explain(answer: number, wanted: Register): Refusal {
    const name = errorName(answer);
    if (name === "ENOMEM") return refusals.memory();
    if (name === "EADDRINUSE") return refusals.foreignAddress(addressText(wanted.address));
    return name === "EADDRNOTAVAIL" ? refusals.family() : refusals.geometry();
  }

  #release(address: number, size: number): void {
    this.#native.unmap(size, address);
    this.#windows.give(address, size);
  }

  /** What a client is told of its port: what every NIC of its bond can do. */
  welcome(wanted: Register, vport: number): Welcome {
    const bond = bondByMac(this.#config, wanted.mac);
    const members = this.#nics.flatMap((nic, index) => (nic.bond === bond ? [index] : []));
    const { flags, mtu, segmentationMax } = this.#common(members);
    const hasHeader = (wanted.features & registration.FEATURE_VNET_HEADER) !== 0;
    return {
      vport,
      // Where a device knows no such header, the forwarder makes and reads those of its clients.
      flags: hasHeader ? flags | PORT_FLAG_VNET_HEADER : 0,
      mtu,
      segmentationMax: hasHeader ? segmentationMax : 0,
      mac: wanted.mac,
    };
  }

  /** What each of some NICs can do. */
  #common(nics: readonly number[]): Pick<NicFacts, "flags" | "mtu" | "segmentationMax"> {
    const facts = nics.map((nic) => this.nicFacts(nic));
    return {
      flags: facts.reduce((flags, nic) => flags & nic.flags, ~0),
      mtu: Math.min(...facts.map((nic) => nic.mtu)),
      segmentationMax: Math.min(...facts.map((nic) => nic.segmentationMax)),
    };
  }

  /** The numbers of two vports that talk to each other, or null when no more were noted. */
  nextPair(): readonly [number, number] | null {
    const pair = this.#door("takePair", []);
    return pair < 0 ? null : [pair & 0xffff, pair >>> 16];
  }

  /** The number of the next vport whose ring is dead, each told once, or null. */
  nextBroken(): number | null {
    const id = this.#call("takeBroken", []) ?? -1;
    return id < 0 ? null : id;
  }

  /** Limits what a vport sends from now on. */
  limit({ id }: Vport, { packets, megabits }: RateLimit): void {
    if (!this.#hasTrapped) this.#call("rateLimitSet", [id, packets, megabits, this.#now()]);
  }

  /** Two vports have a ring of their own. */
  pairMade(first: number, second: number): void {
    this.#door("pairMade", [first, second]);
  }

  /** They have none any more. */
  pairEnded(first: number, second: number): void {
    this.#door("pairEnded", [first, second, this.#now()]);
  }

  /** They may be noted again. */
  pairAgain(first: number, second: number): void {
    if (!this.#hasTrapped) this.#door("pairAgain", [first, second]);
  }

  /** The module failed: nobody can say anything to it any more. */
  trapped(): void {
    this.#hasTrapped = true;
  }

  /** Closes a vport: its flows and listeners go, peers are told, its memory is given back. */
  closeVport(vport: Vport): void {
    if (this.#call("vportClose", [vport.id, this.#now()]) === null) return;
    this.#native.wakesClose(vport.id);
    this.#release(vport.address, vport.size);
  }

  /** Copies bytes of the module's memory. */
  read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.#check(this.#native.read(at, bytes), "cannot read the forwarder's memory");
    return bytes;
  }

  /** Frames that were dropped for a reason of stats/drop.ts. */
  dropped(reason: string): number {
    const found = COUNTERS.find((entry) => entry.enum === "DropReason" && entry.name === reason);
    if (found === undefined) throw new Error(`there is no drop reason ${reason}`);
    return Number(this.read(dispatch.DROPS + found.index * 8, 8).readBigUInt64LE());
  }

  /** Microseconds of the clock that the forwarding thread uses. */
  #now(): bigint {
    return process.hrtime.bigint() / 1000n;
  }
}

/** As Gazelle's clients lay them out: one behind the other. */
function ringsOf({ slots }: Register): Rings {
  return { take: 0, put: registration.RING_DESCRIPTORS + slots * registration.DESCRIPTOR_SIZE };
}

/** Who a vport may be, as the module's call area has it. */
function identity(wanted: Register, bond: number, rings: Rings, features: number): Uint8Array {
  const area = Buffer.alloc(dispatch.IDENTITY_SIZE);
  area.writeBigUInt64LE(wanted.mac, dispatch.IDENTITY_MAC);
  wanted.address.copy(area, dispatch.IDENTITY_HIGH);
  area.writeBigUInt64LE(wanted.processKey, dispatch.IDENTITY_KEY);
  area.writeUInt32LE(wanted.stackIndex, dispatch.IDENTITY_STACK_INDEX);
  area.writeUInt32LE(features, dispatch.IDENTITY_FEATURES);
  area.writeUInt32LE(rings.take, dispatch.IDENTITY_TAKE_RING);
  area.writeUInt32LE(rings.put, dispatch.IDENTITY_PUT_RING);
  area.writeUInt32LE(wanted.slots, dispatch.IDENTITY_SLOTS);
  area.writeUInt32LE(wanted.vlan, dispatch.IDENTITY_VLAN);
  area.writeUInt32LE(bond, dispatch.IDENTITY_BOND);
  return area;
}
