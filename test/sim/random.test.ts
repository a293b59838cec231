import assert from "node:assert/strict";
import { test } from "node:test";
import { Digest } from "../../sim/digest.js";
import { Random } from "../../sim/random.js";

function words(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

test("a seed and a stream give the same numbers every time, others give different ones", () => {
  const seed = 0xfedc_ba98_7654_3210n;
  assert.deepEqual(words(new Random(seed, 3), 50), words(new Random(seed, 3), 50));
  const distinct = new Set(
    [
      new Random(seed, 3),
      new Random(seed, 4),
      new Random(seed + 1n, 3),
      new Random(seed ^ (1n << 63n), 3),
    ].map((random) => words(random, 4).join()),
  );
  assert.equal(distinct.size, 4);
});

test("every bit of a word is set half of the time, also for seeds that differ in one bit", () => {
  const draws = 4000;
  for (const seed of [0n, 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    const random = new Random(seed);
    const ones = new Array<number>(32).fill(0);
    for (let i = 0; i < draws; i++) {
      const word = random.next();
      for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] ?? 0) + ((word >>> bit) & 1);
    }
    for (const count of ones) assert.ok(Math.abs(count - draws / 2) < 200, `${count} of ${draws}`);
  }
});

test("below, between, spread and chance keep to their bounds and reach them", () => {
  const random = new Random(7n);
  const seen = new Set(Array.from({ length: 500 }, () => random.between(3, 6)));
  assert.deepEqual([...seen].sort(), [3, 4, 5, 6]);
  for (let i = 0; i < 1000; i++) {
    const value = random.spread(10, 100_000);
    assert.ok(value >= 10 && value <= 100_000);
  }
  const hits = Array.from({ length: 10_000 }, () => random.chance(0.1)).filter(Boolean).length;
  assert.ok(hits > 850 && hits < 1150, `${hits}`);
  assert.equal(random.chance(0), false);
});

test("the digest tells apart what differs in one bit, in order or in length", () => {
  const of = (...parts: Uint8Array[]) => {
    const digest = new Digest();
    for (const part of parts) digest.addBytes(part);
    return digest.hex();
  };
  const bytes = new Uint8Array(37).map((_, i) => i);
  const all = new Set([of(bytes)]);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const other = bytes.slice();
    other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    all.add(of(other));
  }
  all.add(of(bytes, new Uint8Array(0)));
  all.add(of(bytes.subarray(0, 36)));
  all.add(of(bytes.subarray(0, 10), bytes.subarray(10)));
  assert.equal(all.size, 1 + bytes.length * 8 + 3);
  assert.match(of(bytes), /^[0-9a-f]{16}$/);
  assert.equal(of(bytes), of(bytes.slice()));
});
