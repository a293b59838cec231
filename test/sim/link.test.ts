import assert from "node:assert/strict";
import { test } from "node:test";
import { EventQueue } from "../../sim/event-queue.js";
import { Link, type LinkSettings, noLinkEvents, PERFECT_LINK } from "../../sim/link.js";
import { Random } from "../../sim/random.js";

const FRAME = 1000;

/** Sends `count` numbered frames, one each `gap` microseconds, and tells what arrived when. */
function send(settings: Partial<LinkSettings>, count: number, gap: number) {
  const queue = new EventQueue();
  const counts = noLinkEvents();
  const arrived: { number: number; time: number; bytes: Uint8Array }[] = [];
  const link = new Link({ ...PERFECT_LINK, ...settings }, queue, new Random(11n), counts, (bytes) => {
    arrived.push({ number: new DataView(bytes.buffer).getUint32(0), time: queue.now, bytes });
  });
  for (let i = 0; i < count; i++) {
    queue.at(i * gap, () => {
      const bytes = new Uint8Array(FRAME);
      new DataView(bytes.buffer).setUint32(0, i);
      link.send(bytes);
    });
  }
  while (queue.step());
  return { arrived, counts };
}

test("a perfect link delivers every frame in order after its delay and the time on the wire", () => {
  const { arrived } = send({ delay: 500, rate: 10 }, 20, 1000);
  assert.deepEqual(
    arrived.map(({ number, time }) => [number, time]),
    Array.from({ length: 20 }, (_, i) => [i, i * 1000 + 103 + 500]),
  );
});

test("the rate spaces frames, the queue limit drops what comes on top", () => {
  const { arrived, counts } = send({ delay: 0, rate: 1, queueLimit: 4 * FRAME + 200 }, 10, 0);
  assert.equal(arrived.length, 4);
  assert.equal(counts.overflowed, 6);
  const times = arrived.map(({ time }) => time);
  assert.deepEqual(times, [1024, 2048, 3072, 4096]);
});

test("loss, bursts and outages lose about as many frames as they say", () => {
  const lost = (settings: Partial<LinkSettings>) => send(settings, 5000, 10).counts.lost / 5000;
  assert.ok(Math.abs(lost({ loss: 0.1 }) - 0.1) < 0.02);
  assert.ok(Math.abs(lost({ burstLoss: 0.01, burstDuration: 200 }) - 0.096) < 0.05);
  assert.ok(Math.abs(lost({ outagePeriod: 5000, outageLength: 1000 }) - 0.2) < 0.02);
});

test("jitter keeps the order; reordering does not, and loses nothing", () => {
  const order = (settings: Partial<LinkSettings>) =>
    send(settings, 500, 20).arrived.map(({ number }) => number);
  const inOrder = Array.from({ length: 500 }, (_, i) => i);
  assert.deepEqual(order({ jitter: 500 }), inOrder);
  const reordered = order({ reorder: 0.1, reorderDelay: 300 });
  assert.notDeepEqual(reordered, inOrder);
  assert.deepEqual(
    [...reordered].sort((a, b) => a - b),
    inOrder,
  );
});

test("duplication delivers some frames twice", () => {
  const { arrived, counts } = send({ duplicate: 0.2 }, 1000, 20);
  assert.equal(arrived.length, 1000 + counts.duplicated);
  assert.ok(counts.duplicated > 150 && counts.duplicated < 250);
});
