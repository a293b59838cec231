/** The golden ratio's 32 fractional bits: steps of the Weyl sequence that expands a seed. */
const WEYL = 0x9e3779b9;

function rotateLeft(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}

/** The finaliser of MurmurHash3: every bit of the word affects every bit of the result. */
function mix(word: number): number {
  let z = word;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/**
 * The simulator's pseudo-random numbers: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom
 * number generators") on 32-bit words. Everything a run draws comes from generators like this one, so that a
 * seed repeats it.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** A generator for `seed` (64 bits); every `stream` of one seed is independent of the others. */
  constructor(seed: bigint, stream = 0) {
    const low = Number(BigInt.asUintN(32, seed));
    const high = Number(BigInt.asUintN(32, seed >> 32n));
    let weyl = mix(low) ^ mix(high ^ WEYL) ^ mix(stream + 0x5bd1e995);
    const word = () => {
      weyl = (weyl + WEYL) | 0;
      return mix(weyl) ^ mix(low + weyl) ^ mix(high - weyl);
    };
    this.a = word() | 0;
    this.b = word() | 0;
    this.c = word() | 0;
    // The state must not be all zeros.
    this.d = word() | 1;
  }

  /** The next word, 0..2^32-1. */
  next(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.b, 5), 7), 9) >>> 0;
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = rotateLeft(this.d, 11);
    return result;
  }

  /** 0 <= x < 1. */
  unit(): number {
    return this.next() / 4294967296;
  }

  /** 0..bound-1; `bound` up to 2^32. */
  below(bound: number): number {
    return Math.floor(this.unit() * bound);
  }

  /** low..high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** A whole number between `low` and `high` (both above 0), every order of magnitude equally likely. */
  spread(low: number, high: number): number {
    const value = Math.round(low * (high / low) ** this.unit());
    return Math.min(Math.floor(high), Math.max(low, value));
  }

  /** True with probability `probability`; draws nothing when it is 0. */
  chance(probability: number): boolean {
    return probability > 0 && this.unit() < probability;
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** A 64-bit word. */
  word64(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }
}
