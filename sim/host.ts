import { readFileSync } from "node:fs";
import * as layout from "../build/generated/node/layout.js";
import { moduleImports } from "./imports.js";

/** Every door that answers a number; stack/index.ts documents them. */
const DOORS = [
  "create",
  "attach",
  "portOpen",
  "portClose",
  "stackPlace",
  "socketCopy",
  "socketShadow",
  "socketFollow",
  "socketMayBind",
  "steeringProgram",
  "hashKeyDraw",
  "hashKeyTake",
  "handOverFailed",
  "addressAdd",
  "gatewaySet",
  "portLink",
  "rateLimitSet",
  "congestionControlSet",
  "receive",
  "tick",
  "output",
  "outputDone",
  "outputUrgent",
  "fallback",
  "kernelNetwork",
  "kernelOpen",
  "kernelShare",
  "sideOfBind",
  "sideOfRoute",
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
  "waitSetFace",
  "waitSetClose",
  "interestAdd",
  "interestModify",
  "interestRemove",
  "waitSetHarvest",
  "waitSetSleep",
  "waitSetWake",
  "takeWakes",
  "ringRegionSize",
  "ringRegister",
  "ringWelcome",
  "ringDetach",
  "ringPending",
  "ringArm",
  "ringDisarm",
  "ringDue",
  "ringTransmit",
  "introductionInput",
  "peerMake",
  "peerRegionSize",
  "peerTake",
  "peerClose",
  "peerAttached",
  "captureOpen",
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
  /** On ports with virtio-net headers that header comes first. */
  bytes: Uint8Array;
  segmentSize: number;
  /**
   * Where the port computes a checksum (offset in the Ethernet frame) and stores it from there; 0 and 0:
   * nowhere.
   */
  checksumStart: number;
  checksumOffset: number;
}

/** A frame that a port received, with its RxFlag bits. */
export interface ReceivedFrame {
  bytes: Uint8Array;
  flags: number;
  /** Bytes it had on the wire; as many as there are unless given. */
  wireLength?: number;
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
  /** Last byte of the hardware address 02:00:00:00:00:xx; "later": the port gets it from ltran. */
  mac?: number | "later";
  mtu?: number;
  /** PortFlag bits. */
  flags?: number;
  segmentationMax?: number;
  /**
   * Instances of the module that share the memory, each door call being made through one at random; 1 unless
   * given.
   */
  instances?: number;
  /** Bytes behind the region; as much as a burst of frames needs unless given. */
  window?: number;
  /** Another module in place of the stack's, and what it imports beside the memory. */
  module?: { wasm: WebAssembly.Module; imports: Record<string, WebAssembly.ImportValue> };
}

const PAGE = 65536;
/** Received frames are placed behind the region: RX_BURST areas of 68 KiB. */
const FRAME_AREA = 68 * 1024;

let compiled: WebAssembly.Module | undefined;

/** The compiled stack, loaded once: the very module that becomes liblstack. */
function stackModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL("../../stack/stack.wasm", import.meta.url)));
  return compiled;
}

function instantiate(memory: WebAssembly.Memory, module: HostOptions["module"]): Doors {
  const { wasm, imports } = module ?? { wasm: stackModule(), imports: {} };
  const { exports } = new WebAssembly.Instance(wasm, {
    env: { ...imports, ...moduleImports(memory), memory },
  });
  for (const name of [...DOORS, "nextDeadline"]) {
    if (typeof exports[name] !== "function") throw new Error(`the stack has no door ${name}`);
  }
  return exports as unknown as Doors;
}

/**
 * Doors behind which another instance may stand at each call: nothing may live in an instance (DESIGN D1).
 */
function alternating(instances: Doors[]): Doors {
  let state = 1;
  const pick = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return instances[(state >>> 16) % instances.length] as Doors;
  };
  const doors: Record<string, (...args: (number | bigint)[]) => number | bigint> = {};
  for (const name of DOORS) doors[name] = (...args) => pick()[name](...args);
  doors.nextDeadline = () => pick().nextDeadline();
  return doors as unknown as Doors;
}

/**
 * One stack in Node, with one port unless more are opened: frames go in and come out as byte arrays, time is
 * an argument.
 */
export class StackHost {
  readonly memory: WebAssembly.Memory;
  readonly doors: Doors;
  readonly size: number;
  mac: Uint8Array = new Uint8Array(6);
  now = 0n;
  /** The number of bytes in front of the Ethernet header (virtio-net header), or 0. */
  vnet = 0;
  private readonly memoryView: DataView;

  constructor(options: HostOptions = {}) {
    this.size = options.size ?? 8 << 20;
    const pages = Math.ceil((this.size + (options.window ?? layout.RX_BURST * FRAME_AREA)) / PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: 65536 });
    this.memoryView = new DataView(this.memory.buffer);
    const instances = Array.from({ length: options.instances ?? 1 }, () =>
      instantiate(this.memory, options.module),
    );
    this.doors = instances.length === 1 ? (instances[0] as Doors) : alternating(instances);
    this.start(options);
  }

  /** Forgets everything and starts a new stack in the same memory: much cheaper than a new instance. */
  restart(options: HostOptions): void {
    if ((options.size ?? this.size) !== this.size) throw new Error("a host keeps the size of its region");
    this.bytes(layout.ROOT, this.size - layout.ROOT).fill(0);
    this.start(options);
  }

  private start(options: HostOptions): void {
    this.now = options.now ?? 1_000_000n;
    const seed = options.seed ?? [1n, 2n, 3n, 4n];
    seed.forEach((word, i) => {
      this.view().setBigUint64(layout.CALL + layout.CALL_SEED + 8 * i, BigInt.asUintN(64, word), true);
    });
    if (this.doors.create(this.size, this.now) !== 0) throw new Error(`create(${this.size}) refused`);
    const isLater = options.mac === "later";
    const last = isLater ? 1 : Number(options.mac ?? 1);
    this.mac = new Uint8Array([2, 0, 0, 0, 0, last]);
    const flags = options.flags ?? 0;
    this.vnet = flags & layout.PORT_FLAG_VNET_HEADER ? 10 : 0;
    const macWord = isLater ? 0n : BigInt(2) | (BigInt(last) << 40n);
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
    return this.memoryView;
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

  /** No address goes with the next send: a datagram goes to the connected peer. */
  clearEndpoint(): void {
    this.view().setUint32(layout.CALL + layout.CALL_ENDPOINT_GIVEN, 0, true);
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
  receive(frames: Uint8Array[], flags = 0, wireLength?: number, port = 0): void {
    this.receiveBurst(
      frames.map((bytes) => (wireLength === undefined ? { bytes, flags } : { bytes, flags, wireLength })),
      port,
    );
  }

  /** The same with flags for every frame. */
  receiveBurst(frames: readonly ReceivedFrame[], port = 0): void {
    if (frames.length > layout.RX_BURST) throw new Error("more frames than a burst holds");
    frames.forEach((frame, i) => {
      const address = this.size + i * FRAME_AREA;
      this.bytes(address, frame.bytes.length).set(frame.bytes);
      const at = layout.PORTS + port * layout.PORT_STRIDE + layout.PORT_RX + i * layout.RX_FRAME_SIZE;
      this.view().setUint32(at + layout.RX_FRAME_ADDRESS, address, true);
      this.view().setUint32(at + layout.RX_FRAME_LENGTH, frame.bytes.length, true);
      this.view().setUint32(at + layout.RX_FRAME_WIRE_LENGTH, frame.wireLength ?? frame.bytes.length, true);
      this.view().setUint32(at + layout.RX_FRAME_FLAGS, frame.flags, true);
    });
    this.doors.receive(port, frames.length, this.now);
  }

  /** Everything the stack wants to transmit now by one of its ports. */
  transmit(port = 0): Frame[] {
    const frames: Frame[] = [];
    for (;;) {
      const part = this.transmitSome(layout.TX_RING, port);
      if (part.length === 0) return frames;
      frames.push(...part);
    }
  }

  /** At most `limit` frames of the transmit ring; the others stay in it. */
  transmitSome(limit: number, port = 0): Frame[] {
    const count = Math.min(limit, this.doors.output(port, this.now));
    const at = layout.PORTS + port * layout.PORT_STRIDE;
    const head = this.view().getUint32(at + layout.PORT_TX_HEAD, true);
    const frames = Array.from({ length: count }, (_, i) => this.frameAt(at, (head + i) >>> 0));
    if (count > 0) this.doors.outputDone(port, count);
    return frames;
  }

  private frameAt(port: number, position: number): Frame {
    const view = this.view();
    const ring = port + layout.PORT_TX;
    const flagged = view.getUint32(port + layout.PORT_FLAGS, true) & layout.PORT_FLAG_VNET_HEADER;
    const vnet = flagged ? 10 : 0;
    const slot = ring + (position & (layout.TX_RING - 1)) * layout.TX_SLOT_STRIDE;
    const spans = view.getUint16(slot + layout.TX_SLOT_SPAN_COUNT, true);
    if (spans > layout.TX_SPANS) throw new Error(`a frame of ${spans} spans`);
    const parts: Uint8Array[] = [];
    for (let i = 0; i < spans; i++) {
      const span = slot + layout.TX_SLOT_SPANS + i * layout.SPAN_SIZE;
      parts.push(this.spanAt(span));
    }
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const length = view.getUint32(slot + layout.TX_SLOT_LENGTH, true);
    if (bytes.length !== length + vnet) throw new Error(`spans of ${bytes.length} bytes, length ${length}`);
    const flags = view.getUint16(slot + layout.TX_SLOT_FLAGS, true);
    const field = (offset: number, flag: number) => (flags & flag ? view.getUint16(slot + offset, true) : 0);
    return {
      bytes,
      segmentSize: field(layout.TX_SLOT_SEGMENT_SIZE, layout.TX_FLAG_SEGMENT),
      checksumStart: field(layout.TX_SLOT_CHECKSUM_START, layout.TX_FLAG_CHECKSUM),
      checksumOffset: field(layout.TX_SLOT_CHECKSUM_OFFSET, layout.TX_FLAG_CHECKSUM),
    };
  }

  /** The bytes of a span; the shell checks every address that leaves the module, and so does this. */
  private spanAt(span: number): Uint8Array {
    const address = this.view().getUint32(span + layout.SPAN_ADDRESS, true);
    const length = this.view().getUint32(span + layout.SPAN_LENGTH, true);
    if (address < layout.ROOT || address + length > this.size) throw new Error("a span outside the region");
    return this.bytes(address, length);
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
    if (count > layout.CALL_SPANS) throw new Error(`a plan of ${count} spans`);
    return Array.from({ length: count }, (_, i) => this.spanAt(layout.CALL_SPAN + i * layout.SPAN_SIZE));
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

  /**
   * recv(): plan, copy, commit; answers the bytes, or -errno. Nothing read and no error is the end of the
   * stream.
   */
  recv(handle: number, length: number, flags = 0): Uint8Array | number {
    const planned = this.doors.socketReceivePlan(handle, length, flags, 0, this.now);
    if (planned < 0) return planned;
    const data = new Uint8Array(Buffer.concat(this.spans()));
    this.doors.socketReceiveCommit(handle, data.length, flags, this.now);
    return data;
  }
}
