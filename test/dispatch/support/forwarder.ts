import { readFileSync } from "node:fs";
import { COUNTERS } from "../../../build/generated/node/dispatch-counters.js";
import * as dispatch from "../../../build/generated/node/dispatch-layout.js";
import * as layout from "../../../build/generated/node/layout.js";
import { moduleImports } from "../../../sim/imports.js";
import { addressBytes } from "../../stack/support/ipv6.js";
import { RingClient } from "./client.js";

const PAGE = 65536;
const REGION = 24 << 20;
/** Room for received frames behind the region, and for each client's region behind that. */
const FRAME_AREA = 68 * 1024;

let compiled: WebAssembly.Module | undefined;

function dispatchModule(): WebAssembly.Module {
  const path = new URL("../../../../dispatch/dispatch.wasm", import.meta.url);
  compiled ??= new WebAssembly.Module(readFileSync(path));
  return compiled;
}

/** The doors of ltran/dispatch/index.ts. */
interface Doors {
  create(size: number, now: bigint): number;
  graceSet(until: bigint): void;
  nicOpen(flags: number, mtu: number, mac: bigint, segmentationMax: number): number;
  nicLink(nic: number, isUp: number, now: bigint): void;
  nicActive(bond?: number): number;
  kernelOpen(flags: number, mtu: number, mac: bigint, segmentationMax: number): number;
  kernelAddressAdd(high: bigint, low: bigint, mac: bigint): number;
  kernelAddressRemove(high: bigint, low: bigint): void;
  kernelHolds(): number;
  kernelDrop(): void;
  bondModeSet(mode: number): number;
  bondOpen(): number;
  nicOwnMacSet(nic: number, mac: bigint): void;
  nicIsActive(nic: number): number;
  lacpLink(nic: number): bigint;
  vportOpen(data: number, size: number, flags: number, mtu: number, now: bigint): number;
  vportClose(vport: number, now: bigint): number;
  takeNotice(): number;
  takeBroken(): number;
  takePair(): number;
  pairMade(first: number, second: number): number;
  pairEnded(first: number, second: number, now: bigint): number;
  pairAgain(first: number, second: number): number;
  rateLimitSet(vport: number, packets: number, megabits: number, now: bigint): number;
  scanIntervalSet(interval: bigint): void;
  receive(nic: number, count: number, now: bigint): void;
  collect(now: bigint): number;
  outputWaiting(nic: number): number;
  outputDone(nic: number, count: number): void;
  pending(): number;
  sleep(): number;
  awake(): void;
  takeKicks(): number;
  tick(now: bigint): void;
  nextDeadline(): bigint;
}

/** Who a vport is. */
export interface Identity {
  ip: string;
  mac: Uint8Array;
  /** The same for all stacks of a process; a process of its own unless given. */
  key?: number;
  stackIndex?: number;
  /** It announces listeners and connections: it does unless told otherwise. */
  announces?: boolean;
  /** It takes part in introductions. */
  directRings?: boolean;
  flags?: number;
  slots?: number;
  /** Untagged unless given. */
  vlan?: number;
  /** The first one unless given. */
  bond?: number;
}

/** A vport with its client's end. */
export interface TestVport {
  id: number;
  client: RingClient;
  identity: Identity;
}

function macWord(mac: Uint8Array): bigint {
  return mac.reduce((word, byte, i) => word | (BigInt(byte) << BigInt(8 * i)), 0n);
}

/** The two halves of an address, of IPv4 as ::ffff:a.b.c.d, as the module has them. */
export function addressWords(ip: string): [bigint, bigint] {
  const bytes = addressBytes(ip);
  const word = (of: Uint8Array, shift = 0) =>
    of.reduce((sum, byte, i) => sum | (BigInt(byte) << BigInt(shift + 8 * i)), 0n);
  if (bytes.length === 4) return [0n, word(bytes, 32) | 0xffff0000n];
  return [word(bytes.subarray(0, 8)), word(bytes.subarray(8))];
}

/** Numbers of counters and drop reasons that are not zero, by name. */
export type Counts = Record<string, number>;

/** A frame that the NIC was given. */
export interface Sent {
  frame: Uint8Array;
  flags: number;
  segmentSize: number;
  headerLength: number;
  checksumStart: number;
  checksumOffset: number;
  spanCount: number;
}

/** The module in Node: NICs whose frames are byte arrays, vports with clients, time an argument. */
export class Forwarder {
  readonly memory: WebAssembly.Memory;
  readonly doors: Doors;
  now = 10_000_000n;
  private readonly framesAt: number;
  private clientsAt: number;
  private keys = 1000;

  constructor(size = REGION, clientsBytes = 16 << 20) {
    this.framesAt = size;
    this.clientsAt = size + layout.RX_BURST * FRAME_AREA;
    const pages = Math.ceil((this.clientsAt + clientsBytes) / PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: 65536 });
    const { exports } = new WebAssembly.Instance(dispatchModule(), {
      env: { ...moduleImports(this.memory), memory: this.memory },
    });
    this.doors = exports as unknown as Doors;
    for (let i = 0; i < 4; i++) {
      this.view().setBigUint64(
        layout.CALL + layout.CALL_SEED + 8 * i,
        BigInt(i + 7) * 0x9e3779b97f4a7c15n,
        true,
      );
    }
    if (this.doors.create(size, this.now) !== 0) throw new Error("create refused");
  }

  view(): DataView {
    return new DataView(this.memory.buffer);
  }

  nicOpen(mac: Uint8Array, flags = 0, segmentationMax = 0, mtu = 1500): number {
    return this.doors.nicOpen(flags, mtu, macWord(mac), segmentationMax);
  }

  /** Opens the kernel device with virtio-net headers; its number. */
  kernelOpen(mac: Uint8Array): number {
    const offloads = layout.PORT_FLAG_TX_CHECKSUM | layout.PORT_FLAG_SEGMENTATION;
    return this.doors.kernelOpen(layout.PORT_FLAG_VNET_HEADER | offloads, 1500, macWord(mac), 65000);
  }

  /** Gives the kernel an address; 0 or -errno. */
  kernelShare(ip: string, mac: Uint8Array): number {
    return this.doors.kernelAddressAdd(...addressWords(ip), macWord(mac));
  }

  /** Opens a vport; its number or -errno as `id`. */
  open(identity: Identity): TestVport {
    const slots = identity.slots ?? 64;
    const client = new RingClient(this.memory, this.clientsAt, slots);
    this.clientsAt += client.size;
    return { id: this.openAt(client, identity), client, identity };
  }

  /** Opens a vport on a region that is there already. */
  openAt(client: RingClient, identity: Identity): number {
    const at = dispatch.IDENTITY;
    const view = this.view();
    const [high, low] = addressWords(identity.ip);
    view.setBigUint64(at + dispatch.IDENTITY_MAC, macWord(identity.mac), true);
    view.setBigUint64(at + dispatch.IDENTITY_HIGH, high, true);
    view.setBigUint64(at + dispatch.IDENTITY_LOW, low, true);
    view.setBigUint64(at + dispatch.IDENTITY_KEY, BigInt(identity.key ?? this.keys++), true);
    view.setUint32(at + dispatch.IDENTITY_STACK_INDEX, identity.stackIndex ?? 0, true);
    view.setUint32(
      at + dispatch.IDENTITY_FEATURES,
      (identity.announces === false ? 0 : 2) | (identity.directRings ? 4 : 0),
      true,
    );
    view.setUint32(at + dispatch.IDENTITY_TAKE_RING, client.takeRing, true);
    view.setUint32(at + dispatch.IDENTITY_PUT_RING, client.putRing, true);
    view.setUint32(at + dispatch.IDENTITY_SLOTS, client.slots, true);
    view.setUint32(at + dispatch.IDENTITY_VLAN, identity.vlan ?? 0, true);
    view.setUint32(at + dispatch.IDENTITY_BOND, identity.bond ?? 0, true);
    return this.doors.vportOpen(client.base, client.size, identity.flags ?? 0, 1500, this.now);
  }

  /** Hands frames to a NIC as received. */
  receive(frames: readonly Uint8Array[], nic = 0, flags = 0): void {
    const port = layout.PORTS + nic * layout.PORT_STRIDE + layout.PORT_RX;
    frames.forEach((frame, i) => {
      const address = this.framesAt + i * FRAME_AREA;
      new Uint8Array(this.memory.buffer).set(frame, address);
      const at = port + i * layout.RX_FRAME_SIZE;
      this.view().setUint32(at + layout.RX_FRAME_ADDRESS, address, true);
      this.view().setUint32(at + layout.RX_FRAME_LENGTH, frame.length, true);
      this.view().setUint32(at + layout.RX_FRAME_WIRE_LENGTH, frame.length, true);
      this.view().setUint32(at + layout.RX_FRAME_FLAGS, flags, true);
    });
    this.doors.receive(nic, frames.length, this.now);
  }

  /** What waits in a NIC's transmit ring, with its virtio-net header if it has one; nothing leaves. */
  waiting(nic = 0): Sent[] {
    const port = layout.PORTS + nic * layout.PORT_STRIDE;
    const head = this.view().getUint32(port + layout.PORT_TX_HEAD, true);
    return Array.from({ length: this.doors.outputWaiting(nic) }, (_, i) => {
      const at = port + layout.PORT_TX + ((head + i) & (layout.TX_RING - 1)) * layout.TX_SLOT_STRIDE;
      return this.slotAt(at);
    });
  }

  private slotAt(at: number): Sent {
    const view = this.view();
    const spanCount = view.getUint16(at + layout.TX_SLOT_SPAN_COUNT, true);
    const parts = Array.from({ length: spanCount }, (_, i) => {
      const span = at + layout.TX_SLOT_SPANS + i * layout.SPAN_SIZE;
      const address = view.getUint32(span + layout.SPAN_ADDRESS, true);
      return new Uint8Array(this.memory.buffer).slice(
        address,
        address + view.getUint32(span + layout.SPAN_LENGTH, true),
      );
    });
    return {
      frame: new Uint8Array(Buffer.concat(parts)),
      spanCount,
      flags: view.getUint16(at + layout.TX_SLOT_FLAGS, true),
      segmentSize: view.getUint16(at + layout.TX_SLOT_SEGMENT_SIZE, true),
      headerLength: view.getUint16(at + layout.TX_SLOT_HEADER_LENGTH, true),
      checksumStart: view.getUint16(at + layout.TX_SLOT_CHECKSUM_START, true),
      checksumOffset: view.getUint16(at + layout.TX_SLOT_CHECKSUM_OFFSET, true),
    };
  }

  /** Every frame that a NIC has to send, and that it did. */
  transmit(nic = 0): Uint8Array[] {
    const frames = this.waiting(nic).map(({ frame }) => frame);
    this.doors.outputDone(nic, frames.length);
    return frames;
  }

  /** Takes from all rings until there is nothing. */
  collect(): number {
    let taken = 0;
    for (let got = this.doors.collect(this.now); got > 0; got = this.doors.collect(this.now)) taken += got;
    return taken;
  }

  /** Lets time pass, with the calls that become due on the way. */
  pass(microseconds: number): void {
    const end = this.now + BigInt(microseconds);
    for (let rounds = 0; rounds < 100_000; rounds++) {
      const next = this.doors.nextDeadline();
      if (next > end) break;
      if (next > this.now) this.now = next;
      this.doors.tick(this.now);
    }
    this.now = end;
    this.doors.tick(this.now);
  }

  /** Numbers of the vports to be kicked. */
  kicks(): number[] {
    const count = this.doors.takeKicks();
    return Array.from({ length: count }, (_, i) => this.view().getInt32(layout.CALL_WAKE + 4 * i, true));
  }

  private tableCounts(name: string, at: number): Counts {
    const counts: Counts = {};
    for (const entry of COUNTERS.filter((counter) => counter.enum === name)) {
      const value = Number(this.view().getBigUint64(at + entry.index * 8, true));
      if (value !== 0) counts[entry.name] = value;
    }
    return counts;
  }

  counters(): Counts {
    return this.tableCounts("Counter", dispatch.COUNTERS);
  }

  drops(): Counts {
    return this.tableCounts("DropReason", dispatch.DROPS);
  }

  vportCounters(id: number): Counts {
    return this.tableCounts("VportCounter", dispatch.VPORT_COUNTERS + id * dispatch.VPORT_COUNTERS_STRIDE);
  }

  vportDrops(id: number): Counts {
    const at = dispatch.VPORT_COUNTERS + id * dispatch.VPORT_COUNTERS_STRIDE + dispatch.VPORT_DROPS;
    return this.tableCounts("DropReason", at);
  }

  /** Objects of a pool that are in use. */
  used(pool: number): number {
    return this.view().getUint32(dispatch.POOLS + pool * layout.POOL_SIZE + layout.POOL_USED, true);
  }

  /** Objects that a pool has room for. */
  room(pool: number): number {
    return this.view().getUint32(dispatch.POOLS + pool * layout.POOL_SIZE + layout.POOL_CAPACITY, true);
  }

  flows(): number {
    return this.used(dispatch.POOL_FLOW);
  }
}
