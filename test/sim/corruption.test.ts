import assert from "node:assert/strict";
import { test } from "node:test";
import { corrupt } from "../../sim/corruption.js";
import { Random } from "../../sim/random.js";
import {
  checksumsGood,
  fixIpChecksum,
  fixTransportChecksum,
  parseIpv4,
  write16,
} from "../../sim/wire/frame.js";

/** A whole packet with right checksums. */
function packet(protocol: number, payload: number, random: Random): Uint8Array {
  const headers = 14 + 20 + (protocol === 6 ? 20 : 8);
  const frame = new Uint8Array(headers + payload).map(() => random.next());
  write16(frame, 12, 0x0800);
  frame[14] = 0x45;
  write16(frame, 16, frame.length - 14);
  write16(frame, 20, 0x4000);
  frame[23] = protocol;
  frame[46] = 0x50;
  if (protocol === 17) write16(frame, 38, 8 + payload);
  const ip = parseIpv4(frame);
  assert.ok(ip);
  fixIpChecksum(frame, ip);
  fixTransportChecksum(frame, ip);
  assert.ok(checksumsGood(frame, ip));
  return frame;
}

test("a detectable error is always found by a checksum", () => {
  const random = new Random(3n);
  let damagedFrames = 0;
  for (let i = 0; i < 20_000; i++) {
    const frame = packet(random.pick([6, 17]), random.between(0, 200), random);
    const damaged = corrupt(frame, "detectable", random);
    if (damaged === undefined) continue;
    damagedFrames++;
    assert.notDeepEqual(damaged, frame);
    const ip = parseIpv4(damaged);
    assert.ok(ip === undefined || !checksumsGood(damaged, ip), `frame ${i}: the damage is not detectable`);
  }
  assert.ok(damagedFrames > 15_000);
});

test("the damage is one bit or a burst of at most 15, inside the IP packet", () => {
  const random = new Random(4n);
  for (let i = 0; i < 5000; i++) {
    const frame = packet(6, 50, random);
    const damaged = corrupt(frame, "detectable", random);
    assert.ok(damaged);
    const bits: number[] = [];
    frame.forEach((byte, at) => {
      for (let bit = 0; bit < 8; bit++) {
        if (((byte ^ (damaged[at] ?? 0)) & (0x80 >> bit)) !== 0) bits.push(at * 8 + bit);
      }
    });
    assert.ok((bits[0] ?? 0) >= 14 * 8);
    assert.ok((bits.at(-1) ?? 0) - (bits[0] ?? 0) < 15);
  }
});

test("ARP is left alone by detectable errors, and nothing by arbitrary ones", () => {
  const random = new Random(5n);
  const arp = new Uint8Array(42);
  write16(arp, 12, 0x0806);
  assert.equal(corrupt(arp, "detectable", random), undefined);
  assert.equal(corrupt(arp, "none", random), undefined);
  const kept = Array.from({ length: 200 }, () => corrupt(arp, "arbitrary", random)).filter(
    (damaged) => damaged !== undefined && Buffer.compare(damaged, arp) === 0,
  );
  assert.ok(kept.length < 10);
});

test("of a fragmented datagram only the first fragment is damaged", () => {
  const random = new Random(6n);
  const frame = packet(17, 100, random);
  write16(frame, 20, 0x2000 | 10);
  for (let i = 0; i < 50; i++) assert.equal(corrupt(frame, "detectable", random), undefined);
  write16(frame, 20, 0x2000);
  const damaged = Array.from({ length: 50 }, () => corrupt(frame, "detectable", random));
  assert.ok(damaged.some((copy) => copy !== undefined));
});
