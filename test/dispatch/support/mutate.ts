import type { Random } from "../../stack/support/random.js";

/** A frame with up to three changes, most of them within its first `headers` bytes. */
export function mutated(random: Random, frame: Uint8Array, headers = 66): Uint8Array {
  let bytes = Uint8Array.from(frame);
  for (let changes = random.below(4); changes > 0; changes--) {
    // Headers are where it matters.
    const at = random.below(random.below(3) > 0 ? Math.min(bytes.length, headers) : bytes.length);
    const kind = random.below(4);
    if (kind === 0) bytes[at] = random.below(256);
    else if (kind === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    else if (kind === 2) bytes = bytes.slice(0, Math.max(1, at));
    else bytes = new Uint8Array(Buffer.concat([bytes, random.bytes(random.below(40))]));
  }
  return bytes;
}

/** A frame behind a virtio-net header that is right now and then. */
export function withVirtio(random: Random, frame: Uint8Array): Uint8Array {
  const header = new Uint8Array(10);
  const view = new DataView(header.buffer);
  if (random.below(2) > 0) {
    view.setUint8(0, random.below(4));
    view.setUint8(1, random.below(3) > 0 ? random.below(2) : random.below(256));
    view.setUint16(4, random.below(3) > 0 ? 1448 : random.below(65536), true);
    view.setUint16(6, random.below(3) > 0 ? 34 : random.below(65536), true);
    view.setUint16(8, random.below(3) > 0 ? 16 : random.below(65536), true);
  }
  return new Uint8Array(Buffer.concat([header, frame]));
}
