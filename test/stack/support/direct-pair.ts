import assert from "node:assert/strict";
import * as layout from "../../../build/generated/node/layout.js";
import * as registration from "../../../build/generated/node/registration-layout.js";
import { SOCK_STREAM } from "../../../build/generated/node/system.js";
import { RingPeer } from "./ring-peer.js";

/** How often both may run without coming to rest. */
const ROUNDS_MAX = 10_000;
const WINDOW = 16 << 20;
const PORT = 80;
/** Where the second byte of the EtherType stands, 6 for ARP. */
const ETHERTYPE_AT = 13;
const ARP_SECOND_BYTE = 6;

/** A message of an introduction, as ltran sends and receives it. */
export function introduction(
  kind: number,
  ip: string,
  mac: bigint,
  fields: Record<number, number> = {},
): Uint8Array {
  const bytes = RingPeer.message(kind, registration.INTRODUCTION_SIZE, [1]);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(registration.INTRODUCTION_MAC, mac, true);
  bytes.set([0xff, 0xff, ...ip.split(".").map(Number)], registration.INTRODUCTION_ADDRESS + 10);
  for (const [at, value] of Object.entries(fields)) view.setUint32(Number(at), value, true);
  return bytes;
}

/** Which of its program's stacks a stack is. */
export interface Place {
  index: number;
  count: number;
}

const ALONE: Place = { index: 0, count: 1 };

/** One of the two: a stack behind ltran, with a ring to the other one. */
export class Side {
  /** The port to the other one, or -1. */
  port = -1;

  constructor(
    readonly ring: RingPeer,
    readonly ip: string,
    readonly mac: bigint,
    readonly place: Place,
  ) {}

  get host() {
    return this.ring.host;
  }

  /** Where the ring to the other one lies. */
  get region(): number {
    return (this.ring.end + 4095) & ~4095;
  }

  /** Gives the stack a message of ltran's; the step that it answers. */
  hear(message: Uint8Array): number {
    this.host.bytes(layout.CALL_OPTION, message.length).set(message);
    return this.host.doors.introductionInput(message.length, this.host.now);
  }

  /** The message in place for ltran. */
  said(): Uint8Array {
    return this.host.bytes(layout.CALL_OPTION, registration.INTRODUCTION_SIZE).slice();
  }

  kindSaid(): number {
    const said = this.said();
    return said[registration.MESSAGE_KIND] as number;
  }

  /** Runs the port once as the shell does; whether frames moved. */
  run(): boolean {
    const { doors, now } = this.host;
    if (this.port < 0) return false;
    const pending = doors.ringPending(this.port) !== 0;
    if (pending) doors.receive(this.port, layout.RX_BURST, now);
    const waiting = doors.output(this.port, now);
    const done = waiting === 0 ? 0 : doors.ringTransmit(this.port);
    doors.outputDone(this.port, done);
    return pending || done > 0;
  }
}

/** Fields of a message about a stack that say which of its program's it is. */
function stackOf({ place: { index, count } }: Side): Record<number, number> {
  return { [registration.INTRODUCTION_STACK_INDEX]: index | (count << 16) };
}

/** Two stacks behind one ltran, which the test plays, and the ring between them. */
export class DirectPair {
  /** Packets that ltran forwarded. */
  forwarded = 0;
  /** ltran says with what it forwards which stack it is from. */
  saysSender = false;

  private constructor(
    readonly first: Side,
    readonly second: Side,
  ) {}

  /** Two stacks, the only ones of their programs unless told otherwise. */
  static async open(first = ALONE, second = ALONE): Promise<DirectPair> {
    const side = async (last: number, place: Place) => {
      const ip = `10.0.0.${last}`;
      const mac = BigInt(last) * 0x0100_0000_0000n + 2n;
      const ring = await RingPeer.open({ ip, window: WINDOW });
      ring.host.doors.stackPlace(place.index, place.count);
      ring.register();
      ring.vnet = 10;
      const words = [last, layout.PORT_FLAG_VNET_HEADER, 1500, 0];
      assert.equal(ring.answer(RingPeer.message(2, 40, words, mac)), 0);
      return new Side(ring, ip, mac, place);
    };
    return new DirectPair(await side(1, first), await side(2, second));
  }

  private other(side: Side): Side {
    return side === this.first ? this.second : this.first;
  }

  /** What one wrote into the shared memory is there for the other one. */
  share(from: Side): void {
    const to = this.other(from);
    const size = from.host.doors.peerRegionSize();
    to.host.bytes(to.region, size).set(from.host.bytes(from.region, size));
  }

  /** ltran's part of an introduction, up to the answer of the second one. */
  introduce(): void {
    const { first, second } = this;
    const size = first.host.doors.peerRegionSize();
    first.host.bytes(first.region, size).fill(0);
    assert.equal(
      first.hear(introduction(registration.REGISTRATION_OFFER, second.ip, second.mac, stackOf(second))),
      layout.INTRODUCTION_MAKE,
    );
    first.port = first.host.doors.peerMake(first.region, first.ring.landing, first.host.now);
    assert.ok(first.port > 0);
    assert.equal(first.kindSaid(), registration.REGISTRATION_OFFERED);
    const offered = new DataView(first.said().buffer);
    const fields = Object.fromEntries(
      [
        registration.INTRODUCTION_SLOTS,
        registration.INTRODUCTION_BUFFER_SIZE,
        registration.INTRODUCTION_REGION_SIZE,
      ].map((at) => [at, offered.getUint32(at, true)]),
    );
    this.share(first);
    const about = { ...fields, ...stackOf(first) };
    const message = introduction(registration.REGISTRATION_INTRODUCTION, first.ip, first.mac, about);
    assert.equal(second.hear(message), layout.INTRODUCTION_TAKE);
    second.port = second.host.doors.peerTake(second.region, second.ring.landing, second.host.now);
    assert.ok(second.port > 0);
    assert.equal(second.kindSaid(), registration.REGISTRATION_ATTACHED);
    this.share(second);
    const ready = introduction(registration.REGISTRATION_READY, second.ip, second.mac, stackOf(second));
    assert.equal(first.hear(ready), 0);
  }

  /** Everything moves until both are at rest. */
  settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let any = false;
      for (const side of [this.first, this.second]) {
        if (side.port >= 0 && side.run()) any = true;
        if (side.port >= 0) this.share(side);
        for (const { bytes, announcement } of side.ring.taken()) {
          if (announcement !== undefined) continue;
          any = true;
          if (bytes[ETHERTYPE_AT] !== ARP_SECOND_BYTE) this.forwarded++;
          this.other(side).ring.give(bytes, this.saysSender ? side.place.index + 1 : 0);
        }
      }
      if (!any) return;
    }
    throw new Error("the stacks do not come to rest");
  }

  /** Lets time pass in steps of 10 ms. */
  pass(milliseconds: number): void {
    for (let left = milliseconds; left > 0; left -= 10) {
      for (const { host } of [this.first, this.second]) host.advance(10_000n);
      this.settle();
    }
  }

  /** A connection from the first to the second: both handles. */
  connect(): [number, number] {
    const server = this.second.host;
    const client = this.first.host;
    const listener = server.doors.socketOpen(4, SOCK_STREAM);
    server.setEndpoint({ ip: "0.0.0.0", port: PORT });
    assert.equal(server.doors.socketBind(listener), 0);
    assert.equal(server.doors.socketListen(listener, 8), 0);
    const handle = client.doors.socketOpen(4, SOCK_STREAM);
    client.setEndpoint({ ip: this.second.ip, port: PORT });
    client.doors.socketConnect(handle, client.now);
    this.settle();
    const accepted = server.doors.socketAccept(listener, server.now);
    assert.ok(accepted >= 0, `no connection: ${accepted}`);
    server.doors.socketClose(listener, server.now);
    return [handle, accepted];
  }

  /** The shell found the other end gone. */
  closePort(side: Side): number {
    const length = side.host.doors.peerClose(side.port, side.host.now);
    side.port = -1;
    return length;
  }
}
