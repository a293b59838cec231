import * as layout from "../../build/generated/node/layout.js";
import { IPPROTO_TCP, SOCK_STREAM, TCP_INFO } from "../../build/generated/node/system.js";
import { fail } from "../failure.js";
import { StackHost } from "../host.js";
import { Random } from "../random.js";
import { PROTOCOL_TCP, parseIpv4, read16, read32 } from "../wire/frame.js";
import type { Flow } from "./forge.js";

/**
 * Rounds of frames that follow from one event; two stacks that answer each other for ever are caught here.
 */
const ROUNDS_MAX = 2000;
const KEPT_FRAMES = 6;

/** A stack of the fuzzer's network. */
export interface Node {
  host: StackHost;
  name: string;
  ip: string;
  address: number;
}

/** Which direction of a connection gets through. */
interface Block {
  toPeer: boolean;
  toTarget: boolean;
}

/** What was seen of a connection between target and peer. */
export interface Seen {
  flow: Flow;
  fromPeer: Uint8Array[];
  fromTarget: Uint8Array[];
}

/**
 * The target, its attacked peer, and a bystander on one perfect wire without delay; time only moves when told
 * to.
 */
export class FuzzLan {
  readonly target: Node;
  readonly peer: Node;
  readonly bystander: Node;
  readonly nodes: readonly Node[];
  /** Nodes whose cable is out. */
  readonly unplugged = new Set<Node>();
  now = 1_000_000;
  private readonly blocks = new Map<string, Block>();
  private readonly seen = new Map<string, Seen>();
  /** Frames the target sent. */
  answers = 0;

  constructor(seed: bigint) {
    const keys = new Random(seed, 90);
    const node = (name: string, last: number): Node => {
      const words = Array.from({ length: 4 }, () => keys.word64()) as [bigint, bigint, bigint, bigint];
      const ip = `10.0.0.${last}`;
      const host = new StackHost({ ip, mac: last, seed: words, now: BigInt(this.now) });
      return { host, name, ip, address: 0x0a000000 + last };
    };
    this.target = node("target", 1);
    this.peer = node("peer", 2);
    this.bystander = node("bystander", 3);
    this.nodes = [this.target, this.peer, this.bystander];
  }

  /** Moves time on; timers that become due on the way run in order. */
  advance(microseconds: number): void {
    const end = this.now + microseconds;
    for (;;) {
      const due = Math.min(
        ...this.nodes.map((node) => Number(node.host.nextDeadline() ?? Number.MAX_SAFE_INTEGER)),
      );
      if (due > end) break;
      this.setTime(Math.max(this.now, due));
      for (const { host } of this.nodes) host.doors.tick(host.now);
      this.pump();
    }
    this.setTime(end);
  }

  private setTime(now: number): void {
    this.now = now;
    for (const { host } of this.nodes) host.now = BigInt(now);
  }

  /** Carries frames until nobody has any. */
  pump(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let quiet = true;
      for (const node of this.nodes) {
        for (const { bytes } of node.host.transmit()) {
          quiet = false;
          this.carry(node, bytes);
        }
      }
      if (quiet) return;
    }
    fail("two stacks answer each other without end");
  }

  private carry(from: Node, bytes: Uint8Array): void {
    if (from === this.target) this.answers++;
    if (this.unplugged.has(from) || !this.passes(from, bytes)) return;
    const group = ((bytes[0] ?? 0) & 1) !== 0;
    for (const node of this.nodes) {
      if (this.unplugged.has(node)) continue;
      if (node !== from && (group || bytes[5] === node.host.mac[5])) node.host.receive([bytes]);
    }
  }

  /** Remembers segments between target and peer, and says whether the path is open. */
  private passes(from: Node, bytes: Uint8Array): boolean {
    if (from === this.bystander) return true;
    const ip = parseIpv4(bytes);
    if (ip === undefined || ip.protocol !== PROTOCOL_TCP) return true;
    const outgoing = from === this.target;
    const partner = read32(bytes, outgoing ? ip.header + 16 : ip.header + 12);
    if (partner !== this.peer.address) return true;
    const ports = [read16(bytes, ip.transport), read16(bytes, ip.transport + 2)];
    const [targetPort = 0, peerPort = 0] = outgoing ? ports : ports.reverse();
    const seen = this.flow(targetPort, peerPort);
    const kept = outgoing ? seen.fromTarget : seen.fromPeer;
    kept.push(bytes);
    if (kept.length > KEPT_FRAMES) kept.shift();
    if (outgoing) this.learn(seen.flow, bytes, ip.transport, ip.end);
    const block = this.blocks.get(`${targetPort}:${peerPort}`);
    return block === undefined || !(outgoing ? block.toPeer : block.toTarget);
  }

  private learn(flow: Flow, bytes: Uint8Array, at: number, end: number): void {
    const headerLength = ((bytes[at + 12] ?? 0) >> 4) * 4;
    const flags = bytes[at + 13] ?? 0;
    const length = end - at - headerLength + (flags & 1) + ((flags >> 1) & 1);
    flow.sequence = (read32(bytes, at + 4) + length) >>> 0;
    flow.acknowledgement = read32(bytes, at + 8);
    // The timestamp option follows two bytes of padding, or SACK permitted in a SYN.
    if (headerLength >= 32) flow.timestamp = read32(bytes, at + 24);
  }

  /** What is known of a connection. */
  flow(targetPort: number, peerPort: number): Seen {
    const key = `${targetPort}:${peerPort}`;
    let seen = this.seen.get(key);
    if (seen === undefined) {
      const numbers = { sequence: 0, acknowledgement: 0, timestamp: 0 };
      const ends = { target: this.target.address, peer: this.peer.address, targetPort, peerPort };
      seen = { flow: { ...ends, ...numbers }, fromPeer: [], fromTarget: [] };
      this.seen.set(key, seen);
    }
    return seen;
  }

  /** Closes a connection's path, one way or both. */
  block(targetPort: number, peerPort: number, block: Block): void {
    this.blocks.set(`${targetPort}:${peerPort}`, block);
  }

  /** Opens every path again and forgets what was seen. */
  openAll(): void {
    this.blocks.clear();
    this.seen.clear();
  }
}

/** A socket call that must succeed. */
export function must(what: string, answer: number): number {
  if (answer < 0) fail(`${what} answered ${answer}`);
  return answer;
}

/** A new TCP socket. */
export function openStream(node: Node): number {
  return must("socket", node.host.doors.socketOpen(4, SOCK_STREAM));
}

/** The local port of a socket. */
export function localPort(node: Node, handle: number): number {
  must("getsockname", node.host.doors.socketName(handle, 0));
  return node.host.endpoint().port;
}

/** The TCP_* state of a socket's connection, from TCP_INFO. */
export function stateOf(node: Node, handle: number): number {
  must("TCP_INFO", node.host.doors.socketOptionGet(handle, IPPROTO_TCP, TCP_INFO, 256, node.host.now));
  return node.host.bytes(layout.CALL_OPTION, 1)[0] ?? 0;
}
