import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import type { HostOptions, StackHost } from "../../../sim/host.js";
import { type Pipe, TcpPair } from "../support/tcp-pair.js";

const AGAIN = -11;

/** One direction of a connection: what was written and read. */
class Direction {
  written = 0;
  read = 0;
  ended = false;

  constructor(
    readonly from: StackHost,
    readonly fromHandle: number,
    readonly to: StackHost,
    readonly toHandle: number,
    readonly total: number,
    readonly salt: number,
  ) {}

  private bytes(place: number, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => ((place + i) * 31 + ((place + i) >>> 7) * this.salt) & 255);
  }

  write(most: number): void {
    const length = Math.min(most, this.total - this.written);
    if (length === 0) return;
    const taken = this.from.send(this.fromHandle, this.bytes(this.written, length));
    if (taken !== AGAIN) assert.ok(taken > 0, `send answered ${taken}`);
    if (taken > 0) this.written += taken;
    if (this.written === this.total) {
      assert.equal(this.from.doors.socketShutdown(this.fromHandle, 1, this.from.now), 0);
    }
  }

  receive(most: number): void {
    if (this.ended) return;
    const got = this.to.recv(this.toHandle, most);
    if (typeof got === "number") {
      assert.equal(got, AGAIN);
      return;
    }
    assert.deepEqual(Buffer.from(got), Buffer.from(this.bytes(this.read, got.length)));
    this.read += got.length;
    if (got.length === 0) {
      assert.equal(this.read, this.total);
      this.ended = true;
    }
  }
}

/** Moves `total` bytes each way over `pipe`, with writes, reads and pauses drawn from the seed. */
function exchange(
  seed: number,
  pipe: Pipe,
  total: number,
  slowReader = false,
  options: HostOptions = {},
): TcpPair {
  const pair = new TcpPair(seed, pipe, options);
  pair.connect();
  const { random } = pair;
  const directions = [
    new Direction(pair.client, pair.clientHandle, pair.server, pair.serverHandle, total, 3),
    new Direction(pair.server, pair.serverHandle, pair.client, pair.clientHandle, total, 5),
  ];
  let pause = 0;
  for (let i = 0; i < 400_000 && !directions.every((d) => d.ended); i++) {
    for (const direction of directions) {
      if (random.below(3) === 0) direction.write(1 + random.below(30_000));
      if (pause === 0) direction.receive(1 + random.below(40_000));
    }
    if (pause > 0) pause--;
    else if (slowReader && random.below(20) === 0) pause = 1 + random.below(300);
    pair.step();
  }
  for (const { read } of directions) assert.equal(read, total);
  pair.finish();
  return pair;
}

describe("TCP streams between two stacks", () => {
  for (const seed of [1, 2, 3]) {
    it(`arrive over loss, reordering and duplication, seed ${seed}`, () => {
      exchange(seed, { loss: 30, duplication: 20, reordering: 50, delay: 5000 }, 300_000);
    });
  }

  it("arrive over heavy loss", () => {
    exchange(11, { loss: 150, duplication: 0, reordering: 0, delay: 1000 }, 60_000);
  });

  it("arrive over heavy reordering", () => {
    exchange(12, { loss: 0, duplication: 50, reordering: 500, delay: 3000 }, 300_000);
  });

  it("arrive at a slow reader, through zero windows", () => {
    exchange(13, { loss: 10, duplication: 0, reordering: 0, delay: 200 }, 3_000_000, true);
  });

  it("arrive when buffers are scarce", () => {
    exchange(14, { loss: 20, duplication: 10, reordering: 20, delay: 1000 }, 2_000_000, true, {
      size: 4 << 20,
    });
  });

  it("travel in super-frames when the port cuts them, over loss too", () => {
    const flags = layout.PORT_FLAG_TX_CHECKSUM | layout.PORT_FLAG_SEGMENTATION;
    const pipe = { loss: 10, duplication: 5, reordering: 10, delay: 1000 };
    const pair = exchange(15, pipe, 2_000_000, false, { flags, segmentationMax: 65536 });
    assert.ok(pair.superFrames > 10, `${pair.superFrames} super-frames`);
    assert.ok(pair.largest > 10_000 && pair.largest <= 65535 + 14, `largest frame ${pair.largest}`);
  });

  it("one seed gives one run", () => {
    const pipe = { loss: 50, duplication: 20, reordering: 50, delay: 2000 };
    assert.equal(exchange(21, pipe, 50_000).client.now, exchange(21, pipe, 50_000).client.now);
  });
});
