import assert from "node:assert/strict";
import * as layout from "../../../build/generated/node/layout.js";
import { openRoom, type Room } from "../../support/room.js";

/** An address and port at the doors. */
export interface Endpoint {
  ip: string;
  port: number;
}

/** An event of a harvest. */
export interface Event {
  data: bigint;
  events: number;
  fd: number;
}

/** Pools by their place in PoolId (stack/memory/pool.ts). */
export const POOL = { socket: 0, tcb: 1, buffer: 2, waitSet: 3, interest: 4 } as const;

const REGION = 8 << 20;
const PAGES = 256;
/** Bytes that a test hands to the stack lie behind the region. */
const OUTSIDE = 12 << 20;

/** The socket doors of a fresh stack at 10.0.0.1/24, compiled with the test's own entry file. */
export class SocketRoom {
  private constructor(
    private readonly room: Room,
    readonly now: bigint,
  ) {}

  static async open(ip = "10.0.0.1"): Promise<SocketRoom> {
    const room = await openRoom("test/stack/rooms/socket.room.ts", PAGES);
    const sockets = new SocketRoom(room, 1_000_000n);
    sockets.restart(ip);
    return sockets;
  }

  /** Lays the region out anew: as after open(), but without compiling. */
  restart(ip = "10.0.0.1"): void {
    new Uint8Array(this.room.memory.buffer).fill(0);
    this.endpoint = { ip, port: 0 };
    assert.equal(this.call("open", REGION), 0);
  }

  call(name: string, ...args: (number | bigint)[]): number {
    const door = this.room[name];
    assert.ok(door, `no door ${name}`);
    return Number(door(...args));
  }

  view(): DataView {
    return new DataView(this.room.memory.buffer);
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.room.memory.buffer, address, length);
  }

  set endpoint(endpoint: Endpoint) {
    this.setEndpoint(endpoint, 4);
  }

  get endpoint(): Endpoint {
    const at = layout.CALL_ENDPOINT;
    const ip = [...this.bytes(at + 12, 4)].join(".");
    return { ip, port: this.view().getUint16(at + layout.ENDPOINT_PORT, true) };
  }

  /** An endpoint for a socket of `version`; "::" is the IPv6 address of zeros. */
  setEndpoint(endpoint: Endpoint, version: number): void {
    const at = layout.CALL_ENDPOINT;
    this.bytes(at, layout.ENDPOINT_SIZE).fill(0);
    if (endpoint.ip !== "::") {
      this.bytes(at + 10, 2).fill(0xff);
      this.bytes(at + 12, 4).set(endpoint.ip.split(".").map(Number));
    }
    this.view().setUint16(at + layout.ENDPOINT_PORT, endpoint.port, true);
    this.view().setUint16(at + layout.ENDPOINT_VERSION, version, true);
  }

  /** Says whether the endpoint belongs to the next send plan. */
  giveEndpoint(given: boolean): void {
    this.view().setUint32(layout.CALL + layout.CALL_ENDPOINT_GIVEN, given ? 1 : 0, true);
  }

  value(): number {
    return Number(this.view().getBigUint64(layout.CALL + layout.CALL_VALUE, true));
  }

  spans(): Uint8Array[] {
    const count = this.view().getUint32(layout.CALL + layout.CALL_SPAN_COUNT, true);
    return Array.from({ length: count }, (_, i) => {
      const at = layout.CALL_SPAN + i * layout.SPAN_SIZE;
      const address = this.view().getUint32(at + layout.SPAN_ADDRESS, true);
      const length = this.view().getUint32(at + layout.SPAN_LENGTH, true);
      assert.ok(address >= layout.ROOT && address + length <= REGION, "a span outside the region");
      return this.bytes(address, length);
    });
  }

  harvest(set: number, most: number): Event[] {
    const count = this.call("waitSetHarvest", set, most);
    assert.ok(count >= 0, `harvest: ${count}`);
    return Array.from({ length: count }, (_, i) => {
      const at = layout.CALL_EVENT + i * layout.EVENT_SIZE;
      return {
        data: this.view().getBigUint64(at + layout.EVENT_DATA, true),
        events: this.view().getUint32(at + layout.EVENT_EVENTS, true),
        fd: this.view().getUint32(at + layout.EVENT_FD, true),
      };
    });
  }

  /** Every wait set that is to be woken, one sleeper each. */
  wakes(): number[] {
    const ids: number[] = [];
    for (;;) {
      const count = this.call("takeWakes");
      for (let i = 0; i < count; i++) ids.push(this.view().getInt32(layout.CALL_WAKE + 4 * i, true));
      if (count < layout.CALL_WAKES) return ids;
    }
  }

  /** A datagram arrives for `handle`; false when it was dropped. */
  deliver(handle: number, payload: Uint8Array, from: Endpoint): boolean {
    this.bytes(OUTSIDE, payload.length).set(payload);
    this.endpoint = from;
    return this.call("deliver", handle, OUTSIDE, payload.length) === 1;
  }

  /** recvfrom(): the datagram or bytes, or -errno. */
  receive(handle: number, length: number, flags = 0): Uint8Array | number {
    const planned = this.call("socketReceivePlan", handle, length, flags, 0, this.now);
    if (planned < 0) return planned;
    const data = new Uint8Array(Buffer.concat(this.spans()));
    assert.equal(data.length, planned);
    assert.equal(this.call("socketReceiveCommit", handle, planned, flags, this.now), 0);
    return data;
  }

  /** setsockopt() with the bytes of a value: 0 or -errno. */
  setOption(handle: number, level: number, name: number, value: Uint8Array): number {
    this.bytes(layout.CALL_OPTION, layout.CALL_OPTION_SIZE).fill(0);
    this.bytes(layout.CALL_OPTION, value.length).set(value);
    return this.call("socketOptionSet", handle, level, name, value.length, this.now);
  }

  /** getsockopt(): the value, or -errno. */
  getOption(handle: number, level: number, name: number, room: number): Uint8Array | number {
    this.bytes(layout.CALL_OPTION, layout.CALL_OPTION_SIZE).fill(0);
    const length = this.call("socketOptionGet", handle, level, name, room, this.now);
    return length < 0 ? length : this.bytes(layout.CALL_OPTION, length).slice();
  }

  used(pool: number): number {
    return this.call("used", pool);
  }
}
