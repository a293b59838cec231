import assert from "node:assert/strict";
import * as layout from "../../../build/generated/node/layout.js";
import { SOCK_STREAM } from "../../../build/generated/node/system.js";
import { type HostOptions, StackHost } from "../../../sim/host.js";
import { POOL } from "./lan.js";
import { Random } from "./random.js";

/** What the pipe between two stacks does to frames: chances out of 1000, and times in microseconds. */
export interface Pipe {
  loss: number;
  duplication: number;
  reordering: number;
  delay: number;
}

export const CLEAN: Pipe = { loss: 0, duplication: 0, reordering: 0, delay: 500 };

interface Flying {
  at: bigint;
  order: number;
  to: StackHost;
  bytes: Uint8Array;
}

const SERVER = { ip: "10.0.0.2", port: 80 };

/** Two stacks back to back in virtual time, everything drawn from one seed. */
export class TcpPair {
  readonly client: StackHost;
  readonly server: StackHost;
  readonly random: Random;
  clientHandle = -1;
  serverHandle = -1;
  private listener = -1;
  /** Bytes of the largest frame, and how many were left to the port to cut. */
  largest = 0;
  superFrames = 0;
  private readonly received: number;
  private flying: Flying[] = [];
  private order = 0;

  constructor(
    seed: number,
    readonly pipe: Pipe,
    options: HostOptions = {},
  ) {
    this.random = new Random(seed);
    const words = (): [bigint, bigint, bigint, bigint] => [
      BigInt(this.random.below(2 ** 31)),
      BigInt(this.random.below(2 ** 31)),
      BigInt(this.random.below(2 ** 31)),
      BigInt(this.random.below(2 ** 31)),
    ];
    // A port that fills checksums in leaves the receiver nothing to check.
    this.received = options.flags === undefined ? 0 : layout.RX_FLAG_CHECKSUM_GOOD;
    this.client = new StackHost({ ip: "10.0.0.1", mac: 1, seed: words(), ...options });
    this.server = new StackHost({ ip: "10.0.0.2", mac: 2, seed: words(), ...options });
  }

  private chance(outOf1000: number): boolean {
    return this.random.below(1000) < outOf1000;
  }

  private launch(from: StackHost, to: StackHost): void {
    for (const frame of from.transmit()) {
      this.largest = Math.max(this.largest, frame.bytes.length);
      if (frame.segmentSize > 0) this.superFrames++;
      const copies = this.chance(this.pipe.duplication) ? 2 : 1;
      for (let i = 0; i < copies; i++) {
        if (this.chance(this.pipe.loss)) continue;
        const late = this.chance(this.pipe.reordering) ? this.random.below(this.pipe.delay * 4) : 0;
        const at = from.now + BigInt(this.pipe.delay + late);
        this.flying.push({ at, order: this.order++, to, bytes: frame.bytes });
      }
    }
  }

  /** One step of virtual time: to the next frame or deadline, but 10 ms at most. */
  step(): void {
    this.launch(this.client, this.server);
    this.launch(this.server, this.client);
    const now = this.client.now;
    let next = now + 10_000n;
    for (const { at } of this.flying) if (at < next) next = at;
    for (const host of [this.client, this.server]) {
      const deadline = host.nextDeadline();
      if (deadline !== undefined && deadline < next) next = deadline > now ? deadline : now + 1n;
    }
    for (const host of [this.client, this.server]) host.advance(next - now);
    const due = this.flying
      .filter(({ at }) => at <= next)
      .sort((a, b) => Number(a.at - b.at) || a.order - b.order);
    this.flying = this.flying.filter(({ at }) => at > next);
    for (const { to, bytes } of due) to.receive([bytes], this.received);
  }

  /** Connects and accepts. */
  connect(): void {
    const server = this.server.doors;
    this.listener = server.socketOpen(4, SOCK_STREAM);
    this.server.setEndpoint(SERVER);
    assert.equal(server.socketBind(this.listener), 0);
    assert.equal(server.socketListen(this.listener, 8), 0);
    this.clientHandle = this.client.doors.socketOpen(4, SOCK_STREAM);
    this.client.setEndpoint(SERVER);
    this.client.doors.socketConnect(this.clientHandle, this.client.now);
    for (let i = 0; i < 100_000 && this.serverHandle < 0; i++) {
      this.step();
      this.serverHandle = server.socketAccept(this.listener, this.server.now);
    }
    assert.ok(this.serverHandle >= 0, "no connection");
  }

  /** Closes what is left and waits until both stacks hold nothing. */
  finish(): void {
    this.server.doors.socketClose(this.listener, this.server.now);
    this.client.doors.socketClose(this.clientHandle, this.client.now);
    this.server.doors.socketClose(this.serverHandle, this.server.now);
    for (let i = 0; i < 60_000 && (this.held("tcb") > 0 || this.flying.length > 0); i++) this.step();
    assert.equal(this.held("tcb"), 0, "control blocks");
    assert.equal(this.held("buffer"), 0, "buffers");
  }

  private held(pool: "tcb" | "buffer"): number {
    return this.client.poolUsed(POOL[pool]) + this.server.poolUsed(POOL[pool]);
  }
}
