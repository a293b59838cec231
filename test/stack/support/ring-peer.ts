import assert from "node:assert/strict";
import * as layout from "../../../build/generated/node/layout.js";
import { type HostOptions, StackHost } from "../../../sim/host.js";
import { moduleImports } from "../../../sim/imports.js";
import { compileRoom, type Room } from "../../support/room.js";
import { toDotted } from "./frames.js";

/** An announcement as ltran reads it (ring/announcement.ts). */
export interface Announcement {
  kind: string;
  protocol: number;
  local: string;
  remote: string;
  backlog: number;
  sndNxt: number;
  rcvNxt: number;
}

/** What came out of the ring. */
export interface Taken {
  /** From the Ethernet header on. */
  bytes: Uint8Array;
  announcement?: Announcement;
}

const KINDS = ["none", "listen", "unlisten", "bind", "unbind", "flow", "flowGone", "done", "backlog"];
const ANNOUNCEMENT_TYPE = 0x88b5;
/** Slots of each ring. */
export const SLOTS = 2048;
const BUFFER = 2048;
const LONGEST = 70_000;
export const LTRAN_MAC = 0x0700_0000_0002n;

const ROOM = "test/ring/rooms/ring.room.ts";
let compiled: WebAssembly.Module | undefined;

function endpointAt(bytes: Uint8Array, at: number, port: number): string {
  return `${toDotted(bytes, at + 12)}:${port}`;
}

function announcementIn(frame: Uint8Array): Announcement | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint16(12) !== ANNOUNCEMENT_TYPE) return undefined;
  const body = frame.subarray(14);
  assert.deepEqual([...body.subarray(0, 3)], [0x5a, 0x41, 1]);
  return {
    kind: KINDS[body[3] as number] ?? "?",
    protocol: body[4] as number,
    local: endpointAt(body, 16, view.getUint16(14 + 6, true)),
    remote: endpointAt(body, 32, view.getUint16(14 + 8, true)),
    backlog: view.getUint32(14 + 12, true),
    sndNxt: view.getUint32(14 + 48, true),
    rcvNxt: view.getUint32(14 + 52, true),
  };
}

/** A stack with a ring port, and ltran's end of the ring in the same memory. */
export class RingPeer {
  /** The region shared with ltran, and behind it what only the stack reaches. */
  readonly region: number;
  readonly landing: number;
  /** What is ltran's alone: its two ends, marks, a buffer, a span. */
  private readonly take: number;
  private readonly put: number;
  private readonly marks: number;
  private readonly buffer: number;
  private readonly span: number;
  vnet = 0;
  /** Where option values lie at the doors. */
  readonly optionAt = layout.CALL_OPTION;

  private constructor(
    readonly host: StackHost,
    private readonly room: Room,
  ) {
    this.region = host.size;
    this.landing = this.region + host.doors.ringRegionSize();
    this.take = this.landing + layout.RING_LANDING_SIZE;
    this.put = this.take + 512;
    this.marks = this.put + 512;
    this.buffer = this.marks + 2 * SLOTS;
    this.span = this.buffer + LONGEST;
    assert.ok(this.span + 8 <= host.memory.buffer.byteLength);
  }

  /** A stack that has not registered yet. */
  static async open(options: HostOptions = {}): Promise<RingPeer> {
    const host = new StackHost({ mac: "later", window: 12 << 20, ...options });
    compiled ??= new WebAssembly.Module(new Uint8Array(await compileRoom(ROOM)));
    const { memory } = host;
    const { exports } = new WebAssembly.Instance(compiled, { env: { ...moduleImports(memory), memory } });
    return new RingPeer(host, exports as unknown as Room);
  }

  /** Where memory is free for others. */
  get end(): number {
    return this.span + 8;
  }

  private call(name: string, ...args: (number | bigint)[]): number {
    const door = this.room[name];
    assert.ok(door, name);
    return Number(door(...args));
  }

  /** The request for registration, with a new region. */
  register(mac = 0n): Uint8Array {
    const { host } = this;
    host.bytes(this.region, this.landing - this.region).fill(0);
    host.setEndpoint({ ip: "10.0.0.1", port: 0 });
    const size = host.doors.ringRegister(0, this.region, this.landing, 24, 4711, 2, 3, mac, 0x1234567890n, 7);
    const message = host.bytes(layout.CALL_OPTION, size).slice();
    const regionSize = this.landing - this.region;
    assert.equal(
      this.call("regionAttach", this.region, regionSize, SLOTS, BUFFER, this.take, this.put, this.marks),
      1,
    );
    return message;
  }

  /** Gives the stack ltran's answer; what ringWelcome() says to it. */
  answer(message: Uint8Array, mac = 0n, mtu = 0): number {
    this.host.bytes(layout.CALL_OPTION, message.length).set(message);
    return this.host.doors.ringWelcome(0, message.length, mac, mtu, this.host.now);
  }

  /** A message of ltran's: header, then 32-bit words. */
  static message(kind: number, size: number, words: number[] = [], mac = 0n): Uint8Array {
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x544c5a47, true);
    view.setUint16(4, 1, true);
    view.setUint16(6, kind, true);
    view.setUint32(8, size, true);
    words.forEach((word, i) => {
      view.setUint32(12 + 4 * i, word, true);
    });
    if (mac !== 0n) view.setBigUint64(32, mac, true);
    return bytes;
  }

  static welcome(flags = 0, mtu = 1500, segmentationMax = 0): Uint8Array {
    return RingPeer.message(2, 40, [7, flags, mtu, segmentationMax], LTRAN_MAC);
  }

  /** Registers and is welcome. */
  connect(flags = 0, segmentationMax = 0, mtu = 1500): void {
    this.vnet = flags & layout.PORT_FLAG_VNET_HEADER ? 10 : 0;
    this.register();
    assert.equal(this.answer(RingPeer.welcome(flags, mtu, segmentationMax)), 0);
  }

  /** The shell's turn: moves frames into the ring until there are none, or no room. */
  transmit(): void {
    const { doors, now } = this.host;
    for (;;) {
      const waiting = doors.output(0, now);
      if (waiting === 0) return;
      const done = doors.ringTransmit(0);
      doors.outputDone(0, done);
      if (done < waiting) return;
    }
  }

  /** Takes one frame out of the ring to ltran. */
  takeOne(): void {
    assert.ok(this.call("serverTake", this.take, this.buffer, LONGEST) > 0);
    this.call("serverTakePublish", this.take);
  }

  /** What the stack sent, taken out of the ring until the stack has nothing more to send. */
  taken(): Taken[] {
    const all: Taken[] = [];
    for (;;) {
      this.transmit();
      const before = all.length;
      for (;;) {
        const length = this.call("serverTake", this.take, this.buffer, LONGEST);
        assert.ok(length >= 0, "a frame that broke a rule");
        if (length === 0) break;
        const bytes = this.host.bytes(this.buffer + this.vnet, length - this.vnet).slice();
        const announcement = announcementIn(bytes);
        all.push(announcement === undefined ? { bytes } : { bytes, announcement });
      }
      this.call("serverTakePublish", this.take);
      if (all.length === before) return all;
    }
  }

  /** The announcements among what was taken: "listen 0.0.0.0:80". */
  announced(): string[] {
    return this.taken().flatMap(({ announcement }) => {
      if (announcement === undefined) return [];
      const { kind, local, remote, backlog } = announcement;
      if (kind === "done") return ["done"];
      if (kind === "backlog") return [`${kind} ${backlog} ${local}`];
      return [kind.startsWith("flow") ? `${kind} ${local} ${remote}` : `${kind} ${local}`];
    });
  }

  /**
   * Puts a frame, from the Ethernet header on, into the ring to the stack; false: no room. `sender`: which
   * stack of the program that sent it, counted from one, ltran says in the virtio-net header.
   */
  put1(frame: Uint8Array, sender = 0): boolean {
    const bytes = this.host.bytes(this.buffer, this.vnet + frame.length);
    bytes.fill(0, 0, this.vnet);
    // VIRTIO_NET_HDR_F_DATA_VALID.
    if (this.vnet > 0) bytes.set([2, 0, 0, 0, sender]);
    bytes.set(frame, this.vnet);
    const view = this.host.view();
    view.setUint32(this.span, this.buffer, true);
    view.setUint32(this.span + 4, bytes.length, true);
    const result = this.call("serverPut", this.put, this.span, 1);
    assert.ok(result >= 0, "the ring is dead");
    this.call("serverPutPublish", this.put);
    return result === 1;
  }

  /** The stack receives a frame. */
  give(frame: Uint8Array, sender = 0): void {
    assert.ok(this.put1(frame, sender), "no room in the ring");
    this.host.doors.receive(0, layout.RX_BURST, this.host.now);
  }

  detach(): void {
    this.host.doors.ringDetach(0, this.host.now);
  }
}
