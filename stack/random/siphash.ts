/**
 * SipHash-2-4 over five words (Aumasson and Bernstein, 2012): a keyed hash that a peer who does not know the
 * key can neither predict nor steer. For sequence numbers (RFC 6528), ports (RFC 6056) and SYN cookies.
 */
export function sipHash(key0: u64, key1: u64, a: u64, b: u64, c: u64, d: u64, e: u64): u64 {
  let v0 = key0 ^ 0x736f6d6570736575;
  let v1 = key1 ^ 0x646f72616e646f6d;
  let v2 = key0 ^ 0x6c7967656e657261;
  let v3 = key1 ^ 0x7465646279746573;
  // Five words, a last one with the length in its top byte, and the finalisation.
  for (let i: u32 = 0; i < 7; i++) {
    let word: u64 = 0;
    if (i == 0) word = a;
    else if (i == 1) word = b;
    else if (i == 2) word = c;
    else if (i == 3) word = d;
    else if (i == 4) word = e;
    else if (i == 5) word = (<u64>40) << 56;
    else v2 ^= 0xff;
    v3 ^= word;
    const rounds: u32 = i == 6 ? 4 : 2;
    for (let round: u32 = 0; round < rounds; round++) {
      v0 += v1;
      v2 += v3;
      v1 = rotl<u64>(v1, 13) ^ v0;
      v3 = rotl<u64>(v3, 16) ^ v2;
      v0 = rotl<u64>(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = rotl<u64>(v1, 17) ^ v2;
      v3 = rotl<u64>(v3, 21) ^ v0;
      v2 = rotl<u64>(v2, 32);
    }
    v0 ^= word;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}
