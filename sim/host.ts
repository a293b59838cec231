import { readFileSync } from "node:fs";
import * as layout from "../build/generated/node/layout.js";

/** Every door that answers a number; stack/index.ts documents them. */
const DOORS = [
  "create",
  "attach",
  "portOpen",
  "addressAdd",
  "gatewaySet",
  "receive",
  "tick",
  "output",
  "outputDone",
  "outputUrgent",
  "socketOpen",
  "socketBind",
  "socketConnect",
  "socketDisconnect",
  "socketListen",
  "socketAccept",
  "socketShutdown",
  "socketClose",
  "socketName",
  "socketSendPlan",
  "socketSendCommit",
  "socketSendCancel",
  "socketReceivePlan",
  "socketReceiveCommit",
  "socketAvailable",
  "socketUnsent",
  "socketReady",
  "socketError",
  "socketLingers",
  "socketOptionSet",
  "socketOptionGet",
  "waitSetOpen",
  "waitSetClose",
  "interestAdd",
  "interestModify",
  "interestRemove",
  "waitSetHarvest",
  "waitSetSleep",
  "waitSetWake",
  "takeWakes",
] as const;

/** The doors of the stack as Node sees them: 32-bit values are numbers, 64-bit values bigints. */
export type Doors = { [name in (typeof DOORS)[number]]: (...args: (number | bigint)[]) => number } & {
  nextDeadline(): bigint;
};

/** An address and port. IPv4 only, dotted. */
export interface Address {
  ip: string;
  port: number;
}

/** A frame the stack wants on the wire; super-frames carry their segment size. */
export interface Frame {
  bytes: Uint8Array;
  segmentSize: number;
}

export interface HostOptions {
  /** Size of the region in bytes; 8 MiB unless given. */
  size?: number;
  /** Microseconds at creation. */
  now?: bigint;
  /** Four words of entropy. */
  seed?: [bigint, bigint, bigint, bigint];
  ip?: string;
  prefixLength?: number;
  gateway?: string;
  /** Last byte of the hardware address 02:00:00:00:00:xx. */
  mac?: number;
  mtu?: number;
  /** PortFlag bits. */
  flags?: number;
  segmentationMax?: number;
}

const PAGE = 65536;
/** Received frames are placed behind the region: RX_BURST areas of 68 KiB. */
const FRAME_AREA = 68 * 1024;

let compiled: WebAssembly.Module | undefined;

/** The compiled stack, loaded once: the very module that becomes liblstack. */
export function stackModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL("../../stack/stack.wasm", import.meta.url)));
  return compiled;
}

/** One stack in Node, with one port: frames go in and come out as byte arrays, time is an argument. */
export class StackHost {
  readonly memory: WebAssembly.Memory;
  readonly doors: Doors;
  readonly size: number;
  readonly mac: Uint8Array;
  now: bigint;
  /** The number of bytes in front of the Ethernet header (virtio-net header), or 0. */
  readonly vnet: number;

  constructor(options: HostOptions = {}) {
    this.size = options.size ?? 8 << 20;
    this.now = options.now ?? 1_000_000n;
    const pages = Math.ceil((this.size + layout.RX_BURST * FRAME_AREA) / PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: 65536 });
    const instance = new WebAssembly.Instance(stackModule(), { env: { memory: this.memory } });
    for (const name of DOORS) {
      if (typeof instance.exports[name] !== "function") throw new Error(`the stack has no door ${name}`);
    }
    this.doors = instance.exports as unknown as Doors;
    const seed = options.seed ?? [1n, 2n, 3n, 4n];
    seed.forEach((word, i) => {
      this.view().setBigUint64(layout.CALL + layout.CALL_SEED + 8 * i, BigInt.asUintN(64, word), true);
    });
    if (this.doors.create(this.size, this.now) !== 0) throw new Error(`create(${this.size}) refused`);
    const last = options.mac ?? 1;
    this.mac = new Uint8Array([2, 0, 0, 0, 0, last]);
    const flags = options.flags ?? 0;
    this.vnet = flags & layout.PORT_FLAG_VNET_HEADER ? 10 : 0;
    const macWord = BigInt(2) | (BigInt(last) << 40n);
    this.doors.portOpen(flags, options.mtu ?? 1500, macWord, options.segmentationMax ?? 0);
    this.setEndpoint({ ip: options.ip ?? "10.0.0.1", port: 0 });
    const added = this.doors.addressAdd(0, options.prefixLength ?? 24, this.now);
    if (added !== 0) throw new Error(`addressAdd: ${added}`);
    if (options.gateway !== undefined) {
      this.setEndpoint({ ip: options.gateway, port: 0 });
      this.doors.gatewaySet();
    }
  }

  view(): DataView {
    return new DataView(this.memory.buffer);
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }

  /** Puts `address` into the call area's endpoint and marks it as given. */
  setEndpoint(address: Address): void {
    const at = layout.CALL_ENDPOINT;
    const target = this.bytes(at, 16);
    target.fill(0);
    target[10] = 0xff;
    target[11] = 0xff;
    target.set(address.ip.split(".").map(Number), 12);
    this.view().setUint16(at + layout.ENDPOINT_PORT, address.port, true);
    this.view().setUint16(at + layout.ENDPOINT_VERSION, 4, true);
    this.view().setUint32(layout.CALL + layout.CALL_ENDPOINT_GIVEN, 1, true);
  }

  /** The endpoint that the last call answered. */
  endpoint(): Address {
    const at = layout.CALL_ENDPOINT;
    const ip = [...this.bytes(at + 12, 4)].join(".");
    return { ip, port: this.view().getUint16(at + layout.ENDPOINT_PORT, true) };
  }

  /** The 64-bit number that the last call answered beside its result. */
  value(): bigint {
    return this.view().getBigUint64(layout.CALL + layout.CALL_VALUE, true);
  }

  setValue(value: bigint): void {
    this.view().setBigUint64(layout.CALL + layout.CALL_VALUE, BigInt.asUintN(64, value), true);
  }

  /** Hands Ethernet frames (up to RX_BURST) over; on ports with virtio-net headers those stand in front. */
  receive(frames: Uint8Array[], flags = 0, wireLength?: number): void {
    if (frames.length > layout.RX_BURST) throw new Error("more frames than a burst holds");
    frames.forEach((frame, i) => {
      const address = this.size + i * FRAME_AREA;
      this.bytes(address, frame.length).set(frame);
      const at = layout.PORTS + layout.PORT_RX + i * layout.RX_FRAME_SIZE;
      this.view().setUint32(at + layout.RX_FRAME_ADDRESS, address, true);
      this.view().setUint32(at + layout.RX_FRAME_LENGTH, frame.length, true);
      this.view().setUint32(at + layout.RX_FRAME_WIRE_LENGTH, wireLength ?? frame.length, true);
      this.view().setUint32(at + layout.RX_FRAME_FLAGS, flags, true);
    });
    this.doors.receive(0, frames.length, this.now);
  }

  /** Everything the stack wants to transmit now. */
  transmit(): Frame[] {
    const frames: Frame[] = [];
    for (;;) {
      const count = this.doors.output(0, this.now);
      if (count === 0) return frames;
      const head = this.view().getUint32(layout.PORTS + layout.PORT_TX_HEAD, true);
      for (let i = 0; i < count; i++) frames.push(this.frameAt((head + i) >>> 0));
      this.doors.outputDone(0, count);
    }
  }

  private frameAt(position: number): Frame {
    const view = this.view();
    const ring = layout.PORTS + layout.PORT_TX;
    const slot = ring + (position & (layout.TX_RING - 1)) * layout.TX_SLOT_STRIDE;
    const parts: Uint8Array[] = [];
    const spans = view.getUint16(slot + layout.TX_SLOT_SPAN_COUNT, true);
    for (let i = 0; i < spans; i++) {
      const span = slot + layout.TX_SLOT_SPANS + i * layout.SPAN_SIZE;
      const address = view.getUint32(span + layout.SPAN_ADDRESS, true);
      parts.push(this.bytes(address, view.getUint32(span + layout.SPAN_LENGTH, true)));
    }
    const flags = view.getUint16(slot + layout.TX_SLOT_FLAGS, true);
    const segmentSize = view.getUint16(slot + layout.TX_SLOT_SEGMENT_SIZE, true);
    const bytes = Buffer.concat(parts);
    return {
      bytes: new Uint8Array(bytes),
      segmentSize: flags & layout.TX_FLAG_SEGMENT ? segmentSize : 0,
    };
  }

  /** Moves time forward and runs what is due. */
  advance(microseconds: bigint): void {
    this.now += microseconds;
    this.doors.tick(this.now);
  }

  /** When the stack wants to run next, or undefined for never. */
  nextDeadline(): bigint | undefined {
    const at = BigInt.asUintN(64, this.doors.nextDeadline());
    return at === 0xffff_ffff_ffff_ffffn ? undefined : at;
  }

  /** A counter by its place (build/generated/counters.json names them). */
  counter(index: number, base = layout.COUNTERS): bigint {
    return this.view().getBigUint64(base + 8 * index, true);
  }

  /** Objects of pool `id` in use. */
  poolUsed(id: number): number {
    return this.view().getUint32(layout.POOLS + id * layout.POOL_SIZE + layout.POOL_USED, true);
  }

  /** The spans that the last plan answered. */
  spans(): Uint8Array[] {
    const view = this.view();
    const count = view.getUint32(layout.CALL + layout.CALL_SPAN_COUNT, true);
    return Array.from({ length: count }, (_, i) => {
      const at = layout.CALL_SPAN + i * layout.SPAN_SIZE;
      const address = view.getUint32(at + layout.SPAN_ADDRESS, true);
      return this.bytes(address, view.getUint32(at + layout.SPAN_LENGTH, true));
    });
  }

  /** send(): plan, copy, commit; answers the bytes taken or -errno. */
  send(handle: number, data: Uint8Array, flags = 0): number {
    const planned = this.doors.socketSendPlan(handle, data.length, flags, this.now);
    if (planned < 0) return planned;
    let done = 0;
    for (const span of this.spans()) {
      span.set(data.subarray(done, done + span.length));
      done += span.length;
    }
    return this.doors.socketSendCommit(handle, done, flags, this.now);
  }

  /** recv(): plan, copy, commit; answers the bytes, or -errno. Nothing read and no error is the end of the stream. */
  recv(handle: number, length: number, flags = 0): Uint8Array | number {
    const planned = this.doors.socketReceivePlan(handle, length, flags, 0, this.now);
    if (planned < 0) return planned;
    const data = new Uint8Array(Buffer.concat(this.spans()));
    this.doors.socketReceiveCommit(handle, data.length, flags, this.now);
    return data;
  }
}
