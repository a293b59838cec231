import assert from "node:assert/strict";
import { COUNTERS } from "../../../build/generated/node/counters.js";
import * as layout from "../../../build/generated/node/layout.js";
import { type HostOptions, StackHost } from "../../../sim/host.js";
import { arp, ethernet, type Ipv4Packet, ipv4, macOf, type Seen, seen, toHex } from "./frames.js";

/**
 * The stack under test is 10.0.0.1/24 with hardware address 02:00:00:00:00:01; 10.0.0.N is played with ...:N.
 */
export const OWN = "10.0.0.1";
export const OWN_MAC = macOf(1);
export const PEER = "10.0.0.2";
export const PEER_MAC = macOf(2);

/** Places in PoolId (stack/memory/pool.ts). */
export const POOL = {
  socket: 0,
  tcb: 1,
  buffer: 2,
  waitSet: 3,
  interest: 4,
  neighbour: 5,
  reassembly: 6,
} as const;

function find(kind: string, name: string): number {
  const entry = COUNTERS.find((candidate) => candidate.enum === kind && candidate.name === name);
  assert.ok(entry, `no ${kind} ${name}`);
  return entry.index;
}

/** One stack and the wire it is on, in virtual time. */
export class Lan {
  readonly host: StackHost;

  constructor(options: HostOptions = {}) {
    this.host = new StackHost(options);
    // The announcements of the address.
    this.host.transmit();
    this.host.advance(2_000_000n);
    this.host.transmit();
  }

  counter(name: string): number {
    return Number(this.host.counter(find("Counter", name)));
  }

  drops(name: string): number {
    return Number(this.host.counter(find("DropReason", name), layout.DROPS));
  }

  /** Every reason that anything was dropped for, with its count. */
  allDrops(): Record<string, number> {
    const entries = COUNTERS.filter((entry) => entry.enum === "DropReason").map(
      (entry) => [entry.name, Number(this.host.counter(entry.index, layout.DROPS))] as const,
    );
    return Object.fromEntries(entries.filter(([, count]) => count > 0));
  }

  /** Runs `act` and asserts that it raised exactly the drop reasons in `expected`. */
  expectDrops(expected: Record<string, number>, act: () => void): void {
    const before = this.allDrops();
    act();
    const after = this.allDrops();
    const raised = Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    assert.deepEqual(Object.fromEntries(raised), expected);
  }

  /** Gives frames to the stack, at most a burst at a time, and answers what it sends. */
  give(...frames: Uint8Array[]): Seen[] {
    const sent: Seen[] = [];
    for (let at = 0; at < frames.length; at += layout.RX_BURST) {
      this.host.receive(frames.slice(at, at + layout.RX_BURST));
      sent.push(...this.sent());
    }
    return sent;
  }

  /** What the stack wants to send now, taken apart. */
  sent(): Seen[] {
    return this.host.transmit().map((frame) => seen(frame.bytes));
  }

  /** Lets time pass in steps of at most `step` and answers what the stack sends meanwhile. */
  wait(microseconds: number, step = 100_000): Seen[] {
    const sent: Seen[] = [];
    for (let left = microseconds; left > 0; left -= step) {
      this.host.advance(BigInt(Math.min(left, step)));
      sent.push(...this.sent());
    }
    return sent;
  }

  /** Makes the stack know host 10.0.0.`last` by an ARP request of that host. */
  meet(last = 2): void {
    const sender = `10.0.0.${last}`;
    const replies = this.give(arp({ operation: 1, senderMac: macOf(last), sender, target: OWN }));
    assert.equal(replies.length, 1);
    assert.equal(replies[0]?.arp?.operation, 2);
    assert.equal(replies[0]?.to, toHex(macOf(last)));
  }

  /** Buffers, neighbours, reassemblies in use. */
  used(pool: keyof typeof POOL): number {
    return this.host.poolUsed(POOL[pool]);
  }

  /** How many of them there are. */
  capacity(pool: keyof typeof POOL): number {
    const at = layout.POOLS + POOL[pool] * layout.POOL_SIZE + layout.POOL_CAPACITY;
    return this.host.view().getUint32(at, true);
  }
}

/** A frame from the peer to the stack that carries an IPv4 packet; what is not given is PEER to OWN. */
export function fromPeer(
  packet: Partial<Ipv4Packet> & { protocol: number; payload: Uint8Array },
  to: Uint8Array = OWN_MAC,
): Uint8Array {
  return ethernet(to, PEER_MAC, 0x0800, ipv4({ source: PEER, destination: OWN, ...packet }));
}
