import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { complement, fold, sumBytes } from "../../../sim/wire/checksum.js";
import { openRoom, type Room } from "../../support/room.js";
import { dotted, hex } from "../support/frames.js";
import { Random } from "../support/random.js";

const AT = 0x10000;
let room: Room;

function call(name: string, ...args: (number | bigint)[]): bigint {
  const door = room[name];
  assert.ok(door, `no function ${name}`);
  // Functions without a result answer undefined.
  return BigInt.asUintN(64, BigInt(door(...args) ?? 0));
}

/** A folded sum in network order: the module's are in memory order. */
function folded(sum: bigint): number {
  const word = Number(call("checksumFold", sum));
  return ((word & 0xff) << 8) | ((word >> 8) & 0xff);
}

function put(bytes: Uint8Array, at = AT): void {
  new Uint8Array(room.memory.buffer).set(bytes, at);
}

/** The two halves of 16 address bytes, as the stack holds them. */
function halves(bytes: Uint8Array): [bigint, bigint] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return [view.getBigUint64(0, true), view.getBigUint64(8, true)];
}

before(async () => {
  room = await openRoom("test/stack/rooms/wire.room.ts");
});

describe("checksum", () => {
  it("adds up RFC 1071's example", () => {
    put(hex("0001 f203 f4f5 f6f7"));
    assert.equal(folded(call("checksumAdd", 0n, AT, 8)), 0xddf2);
  });

  it("equals an independent implementation over random bytes of every length and alignment", () => {
    const random = new Random(1);
    for (let round = 0; round < 3000; round++) {
      const length = round < 300 ? round : random.below(4000);
      const at = AT + random.below(16);
      const bytes = random.bytes(length);
      if (random.below(8) === 0) bytes.fill(255);
      put(bytes, at);
      assert.equal(folded(call("checksumAdd", 0n, at, length)), fold(sumBytes(bytes, 0, length)));
    }
  });

  it("holds for 65535 bytes of ones", () => {
    const bytes = new Uint8Array(65535).fill(255);
    put(bytes);
    assert.equal(folded(call("checksumAdd", 0n, AT, 65535)), fold(sumBytes(bytes, 0, 65535)));
    // Starting from a sum that carries out of 32 bits when folded.
    assert.equal(folded(0xffff_ffff_ffff_ffffn), 0xffff);
    assert.equal(folded(0x1_ffff_fffen), 0xffff);
    assert.equal(folded(0n), 0);
  });

  it("adds pieces up that begin at odd offsets", () => {
    const random = new Random(2);
    for (let round = 0; round < 500; round++) {
      const bytes = random.bytes(1 + random.below(600));
      put(bytes);
      let sum = 0n;
      for (let offset = 0; offset < bytes.length; ) {
        const part = Math.min(bytes.length - offset, random.below(70));
        sum = call("checksumAddAt", sum, AT + offset, part, offset);
        offset += part;
      }
      assert.equal(folded(sum), fold(sumBytes(bytes, 0, bytes.length)));
    }
  });

  it("sums pseudo-headers of both IP versions up", () => {
    const random = new Random(3);
    for (let round = 0; round < 300; round++) {
      const pair = random.bytes(32);
      const isV4 = random.below(2) === 0;
      if (isV4) {
        for (const at of [0, 16]) {
          pair.fill(0, at, at + 10);
          pair.fill(255, at + 10, at + 12);
        }
      }
      const length = random.below(65536);
      const protocol = random.below(2) === 0 ? 6 : 17;
      const expected = isV4
        ? sumBytes(pair, 12, 4) + sumBytes(pair, 28, 4) + protocol + length
        : sumBytes(pair, 0, 32) + protocol + length;
      const sum = call(
        "pseudoSum",
        ...halves(pair.subarray(0, 16)),
        ...halves(pair.subarray(16)),
        protocol,
        length,
      );
      assert.equal(folded(sum), fold(expected));
      if (!isV4) continue;
      const raw = (at: number) => new DataView(pair.buffer).getUint32(at, true);
      assert.equal(folded(call("ipv4PseudoSum", raw(12), raw(28), protocol, length)), fold(expected));
    }
  });

  it("follows a change of one word without the rest (RFC 1624)", () => {
    const random = new Random(4);
    for (let round = 0; round < 2000; round++) {
      const bytes = random.bytes(20);
      bytes[0] = 69;
      const view = new DataView(bytes.buffer);
      const before = complement(sumBytes(bytes, 0, 20));
      const from = view.getUint16(4, true);
      const to = random.below(4) === 0 ? 0 : random.below(65536);
      view.setUint16(4, to, true);
      const swapped = ((before & 0xff) << 8) | (before >> 8);
      const after = Number(call("checksumUpdate", swapped, from, to)) & 0xffff;
      assert.equal(((after & 0xff) << 8) | (after >> 8), complement(sumBytes(bytes, 0, 20)));
    }
  });
});

describe("addresses", () => {
  it("of IPv4 are kept as ::ffff:a.b.c.d", () => {
    const bytes = hex("00000000000000000000ffff0a000102");
    const [high, low] = halves(bytes);
    const raw = new DataView(dotted("10.0.1.2").buffer).getUint32(0, true);
    assert.equal(call("ipv4Low", raw), low);
    assert.equal(Number(call("ipv4Raw", low)), raw);
    assert.equal(call("isIpv4", high, low), 1n);
    assert.equal(call("isIpv4", 1n, low), 0n);
    assert.equal(call("isIpv4", 0n, 1n), 0n);
    assert.equal(call("isAnyAddress", 0n, 0n), 1n);
    assert.equal(call("isAnyAddress", 0n, 0xffff_0000n), 1n);
    assert.equal(call("isAnyAddress", high, low), 0n);
    assert.equal(call("isAnyAddress", 0n, 0x0100_0000_0000_0000n), 0n);
  });

  it("have masks of every length", () => {
    const mask = (length: number) => Number(BigInt.asUintN(32, call("ipv4Mask", length)));
    const view = new DataView(new ArrayBuffer(4));
    for (let length = 0; length <= 32; length++) {
      view.setUint32(0, mask(length), true);
      const bits = view.getUint32(0).toString(2).padStart(32, "0");
      assert.equal(bits, "1".repeat(length) + "0".repeat(32 - length));
    }
  });
});

describe("headers", () => {
  it("of Ethernet are written and read byte for byte", () => {
    put(new Uint8Array(16).fill(0xee));
    call("ethernetWrite", AT, 0x665544332211n, 0xffeeddccbbaan, 0x0806);
    const bytes = new Uint8Array(room.memory.buffer, AT, 16);
    assert.deepEqual(bytes, hex("112233445566 aabbccddeeff 0806 eeee"));
    assert.equal(call("ethernetDestination", AT), 0x665544332211n);
    assert.equal(call("ethernetSource", AT), 0xffeeddccbbaan);
    assert.equal(call("ethernetType", AT), 0x0806n);
    const group = new DataView(dotted("239.129.2.3").buffer).getUint32(0, true);
    // 01:00:5e and the low 23 bits (RFC 1112, section 6.4).
    assert.equal(call("multicastMac", group), 0x0302015e0001n);
  });

  it("of IPv4 have the checksum of an independent implementation", () => {
    const random = new Random(5);
    for (let round = 0; round < 500; round++) {
      const words = Array.from({ length: 8 }, () => random.below(0x1_0000_0000));
      const [tos = 0, ttl = 0, protocol = 0, source = 0, destination = 0, length = 0, id = 0, flags = 0] =
        words;
      call("ipv4Begin", AT, tos & 255, ttl & 255, protocol & 255, source, destination);
      call("ipv4Finish", AT, length & 65535, id & 65535, flags & 65535);
      const bytes = new Uint8Array(room.memory.buffer, AT, 20);
      assert.equal(bytes[0], 0x45);
      assert.equal(complement(sumBytes(bytes, 0, 20)), 0);
      assert.equal(call("ipv4FixedSum", AT), 0xffffn);
      put(hex("4f"), AT);
      call("ipv4CopyFixed", AT + 32, AT);
      assert.equal(call("ipv4FixedSum", AT + 32), 0xffffn);
      put(new Uint8Array(64));
    }
  });

  it("of virtio-net say what the port shall do (VIRTIO 1.2, section 5.1.6)", () => {
    const header = () => new Uint8Array(room.memory.buffer, AT, 10);
    call("virtioNetWritePlain", AT);
    assert.deepEqual(header(), new Uint8Array(10));
    call("virtioNetWriteChecksum", AT, 34, 16, 66, 0, 0);
    assert.deepEqual(header(), hex("01 00 0000 0000 2200 1000"));
    call("virtioNetWriteChecksum", AT, 34, 16, 66, 1448, 0);
    assert.deepEqual(header(), hex("01 01 4200 a805 2200 1000"));
    call("virtioNetWriteChecksum", AT, 54, 16, 86, 1428, 1);
    assert.deepEqual(header(), hex("01 04 5600 9405 3600 1000"));
    for (const [flags, good] of [
      [0, 0n],
      [1, 1n],
      [2, 1n],
      [3, 1n],
      [4, 0n],
    ] as const) {
      put(Uint8Array.from([flags]));
      assert.equal(call("virtioNetChecksumGood", AT), good);
    }
  });
});
