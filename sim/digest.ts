/**
 * A running 64-bit digest of bytes and numbers: two lanes of MurmurHash3's 32-bit mixing with different
 * constants. It tells two runs apart; it is no cryptographic hash.
 */
export class Digest {
  private first = 0x2f0b4c47;
  private second = 0x61c88647;

  /** Adds the low 32 bits of `word`. */
  addWord(word: number): void {
    const k = word | 0;
    let x = Math.imul(k, 0xcc9e2d51);
    x = Math.imul((x << 15) | (x >>> 17), 0x1b873593);
    let h = this.first ^ x;
    h = (h << 13) | (h >>> 19);
    this.first = (Math.imul(h, 5) + 0xe6546b64) | 0;
    let y = Math.imul(k ^ this.first, 0x85ebca77);
    y = (y << 17) | (y >>> 15);
    h = this.second ^ y;
    h = (h << 11) | (h >>> 21);
    this.second = (Math.imul(h, 9) + 0x38b34ae5) | 0;
  }

  /** Adds a whole number up to 2^53. */
  addNumber(value: number): void {
    this.addWord(value % 4294967296);
    this.addWord(value / 4294967296);
  }

  /** Adds bytes and their length. */
  addBytes(bytes: Uint8Array): void {
    const length = bytes.length;
    this.addWord(length);
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
      this.addWord(low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24));
    }
    for (; at < length; at++) this.addWord(bytes[at] ?? 0);
  }

  /** 16 hexadecimal digits. */
  hex(): string {
    const text = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
    return text(this.first) + text(this.second);
  }
}
