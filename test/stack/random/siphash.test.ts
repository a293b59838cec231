import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openRoom } from "../../support/room.js";

const MASK = 0xffff_ffff_ffff_ffffn;
const rotl = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & MASK;

/** SipHash-2-4 of whole words after its specification, independent of the stack's. */
function reference(key: [bigint, bigint], words: bigint[]): bigint {
  let [v0, v1, v2, v3] = [
    key[0] ^ 0x736f6d6570736575n,
    key[1] ^ 0x646f72616e646f6dn,
    key[0] ^ 0x6c7967656e657261n,
    key[1] ^ 0x7465646279746573n,
  ];
  const round = () => {
    v0 = (v0 + v1) & MASK;
    v1 = rotl(v1, 13n) ^ v0;
    v0 = rotl(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotl(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotl(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotl(v1, 17n) ^ v2;
    v2 = rotl(v2, 32n);
  };
  for (const word of [...words, BigInt(words.length * 8) << 56n]) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

describe("SipHash", () => {
  it("the reference here gives the published vector for an 8-byte message", () => {
    const key: [bigint, bigint] = [0x0706050403020100n, 0x0f0e0d0c0b0a0908n];
    assert.equal(reference(key, [0x0706050403020100n]), 0x93f5f5799a932462n);
  });

  it("agrees with the reference", async () => {
    const room = await openRoom("test/stack/rooms/siphash.room.ts");
    for (let i = 1n; i < 200n; i++) {
      const w = (n: bigint) => (i * n * 0x9e3779b97f4a7c15n) & MASK;
      const words = [w(3n), w(4n), w(5n), w(6n), w(7n)];
      const hash = room.sipHash?.(w(1n), w(2n), ...words) as bigint;
      assert.equal(BigInt.asUintN(64, hash), reference([w(1n), w(2n)], words));
    }
  });
});
