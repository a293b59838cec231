import assert from "node:assert/strict";
import { test } from "node:test";
import { Pattern } from "../../sim/pattern.js";
import { Random } from "../../sim/random.js";

const PERIOD = 65521;

test("a slice anywhere, of any length, repeats the same period", () => {
  const pattern = new Pattern(new Random(1n));
  const random = new Random(2n);
  for (let i = 0; i < 300; i++) {
    const position = random.below(10 * PERIOD);
    const slice = pattern.slice(position, random.between(1, 65536));
    for (const at of [0, slice.length - 1, random.below(slice.length)]) {
      assert.equal(slice[at], pattern.slice((position + at) % PERIOD, 1)[0]);
    }
  }
  const long = Buffer.concat([pattern.slice(100, 65536), pattern.slice(100 + 65536, 65536)]);
  assert.ok(pattern.matches(100, long));
});

test("bytes that are missing, repeated or changed do not match, and the difference is told", () => {
  const pattern = new Pattern(new Random(3n));
  const good = Uint8Array.from(pattern.slice(5000, 3000));
  assert.ok(pattern.matches(5000, good));
  assert.equal(pattern.matches(5001, good), false);
  assert.equal(pattern.matches(4999, good), false);
  const gap = Buffer.concat([pattern.slice(5000, 1000), pattern.slice(7448, 1000)]);
  assert.equal(pattern.matches(5000, gap), false);
  assert.match(pattern.describeDifference(5000, gap), /^from byte 1000 on they are 1448 /);
  good[2999] = (good[2999] ?? 0) ^ 1;
  assert.equal(pattern.matches(5000, good), false);
});
