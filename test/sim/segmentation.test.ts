import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../sim/random.js";
import { fold } from "../../sim/wire/checksum.js";
import {
  checksumsGood,
  fixIpChecksum,
  parseIpv4,
  pseudoHeaderSum,
  read16,
  read32,
  TcpBit,
  write16,
  write32,
} from "../../sim/wire/frame.js";
import { finish, readVirtioHeader, withVirtioHeader } from "../../sim/wire/segmentation.js";

const SEQUENCE = 0xffff_fe00;

/** A super-frame as a stack leaves it to its port: the checksum field holds the pseudo-header's sum. */
function superFrame(payload: number, segmentSize: number) {
  const random = new Random(9n);
  const bytes = new Uint8Array(14 + 20 + 32 + payload).map(() => random.next());
  write16(bytes, 12, 0x0800);
  bytes[14] = 0x45;
  write16(bytes, 16, bytes.length - 14);
  write16(bytes, 18, 0xfffe);
  write16(bytes, 20, 0x4000);
  bytes[23] = 6;
  write32(bytes, 38, SEQUENCE);
  bytes[46] = 0x80;
  bytes[47] = TcpBit.ack | TcpBit.psh | TcpBit.fin;
  const ip = parseIpv4(bytes);
  assert.ok(ip);
  fixIpChecksum(bytes, ip);
  write16(bytes, 50, fold(pseudoHeaderSum(bytes, ip, ip.end - ip.transport)));
  return { bytes, segmentSize, checksumStart: 34, checksumOffset: 16 };
}

test("a super-frame becomes segments with right lengths, sequence numbers, ids, flags and checksums", () => {
  const frame = superFrame(5000, 1448);
  const segments = finish(frame);
  assert.deepEqual(
    segments.map((segment) => segment.length - 66),
    [1448, 1448, 1448, 656],
  );
  let payload = Buffer.alloc(0);
  segments.forEach((segment, i) => {
    const ip = parseIpv4(segment);
    assert.ok(ip);
    assert.ok(checksumsGood(segment, ip), `segment ${i}`);
    assert.equal(read32(segment, 38), (SEQUENCE + i * 1448) >>> 0);
    assert.equal(read16(segment, 18), (0xfffe + i) & 0xffff);
    const last = i === segments.length - 1;
    assert.equal(segment[47], last ? TcpBit.ack | TcpBit.psh | TcpBit.fin : TcpBit.ack);
    payload = Buffer.concat([payload, segment.subarray(66)]);
  });
  assert.equal(Buffer.compare(payload, frame.bytes.subarray(66)), 0);
});

test("a single frame gets its checksum; a finished frame is left as it is", () => {
  const frame = superFrame(700, 0);
  const [finished] = finish(frame);
  assert.ok(finished);
  const ip = parseIpv4(finished);
  assert.ok(ip && checksumsGood(finished, ip));
  const plain = { bytes: finished.slice(), segmentSize: 0, checksumStart: 0, checksumOffset: 0 };
  assert.deepEqual(finish(plain), [finished]);
});

test("a checksum field that is not the pseudo-header's sum is a broken contract", () => {
  const frame = superFrame(700, 0);
  frame.bytes[51] = (frame.bytes[51] ?? 0) ^ 1;
  assert.throws(() => finish(frame), /pseudo-header's sum/);
});

test("a virtio-net header says the same thing before and after", () => {
  const frame = superFrame(3000, 1000);
  assert.deepEqual(readVirtioHeader(withVirtioHeader(frame, 10, false), 10), frame);
  const plain = { ...frame, segmentSize: 0, checksumStart: 0, checksumOffset: 0 };
  assert.deepEqual(readVirtioHeader(withVirtioHeader(plain, 10, true), 10), plain);
});
