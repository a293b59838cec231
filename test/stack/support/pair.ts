import * as layout from "../../../build/generated/node/layout.js";
import { type HostOptions, StackHost } from "../../../sim/host.js";

/** How many times frames may cross before a pair that does not come to rest is an error. */
const ROUNDS_MAX = 10_000;

/** Two stacks, 10.0.0.1 and 10.0.0.2, on one wire, in virtual time. */
export class Pair {
  readonly hosts: [StackHost, StackHost];
  /** Every frame carried since it was last emptied, with the place of its sender. */
  log: { from: number; bytes: Uint8Array }[] = [];
  /** Frames are lost while this is true. */
  cut = false;

  constructor(options: HostOptions = {}) {
    this.hosts = [
      new StackHost({ ...options, ip: "10.0.0.1", mac: 1, seed: [1n, 2n, 3n, 4n] }),
      new StackHost({ ...options, ip: "10.0.0.2", mac: 2, seed: [5n, 6n, 7n, 8n] }),
    ];
    this.pass(2_000_000);
  }

  /** Carries frames to and fro until both stacks have nothing more to say. */
  settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const [first, second] = this.hosts;
      const moved = this.carry(first, second) + this.carry(second, first);
      if (moved === 0) return;
    }
    throw new Error("the stacks do not come to rest");
  }

  private carry(from: StackHost, to: StackHost): number {
    const frames = from.transmit().map((frame) => frame.bytes);
    const sender = from === this.hosts[0] ? 0 : 1;
    for (const bytes of frames) this.log.push({ from: sender, bytes });
    if (this.cut) return frames.length;
    for (let at = 0; at < frames.length; at += layout.RX_BURST)
      to.receive(frames.slice(at, at + layout.RX_BURST));
    return frames.length;
  }

  /** Lets time pass, in steps of 10 ms. */
  pass(microseconds: number): void {
    for (let left = microseconds; left > 0; left -= 10_000) {
      for (const host of this.hosts) host.advance(BigInt(Math.min(left, 10_000)));
      this.settle();
    }
  }
}
