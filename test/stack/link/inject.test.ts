import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { icmp, read16, type Seen } from "../support/frames.js";
import { fromPeer, Lan } from "../support/lan.js";

const LOSS = 1n;
const DUPLICATE = 2n;
const REORDER = 4n;
const DELAY = 8n;
const MILLION = 1_000_000n;

/** A setting as the control socket's thread stores it. */
function set(lan: Lan, setting: number, low: bigint, high = 0n): void {
  lan.host.view().setBigUint64(layout.SETTINGS + 8 * setting, (high << 32n) | low, true);
}

/** A stack that knows the peer and injects these faults. */
function faulty(faults: bigint): Lan {
  const lan = new Lan();
  lan.meet();
  set(lan, layout.SETTING_INJECTING, faults);
  return lan;
}

/** Echo request number `n`, with so many bytes. */
function echo(n: number, length = 8): Uint8Array {
  return fromPeer({ protocol: 1, payload: icmp(8, 0, n, new Uint8Array(length)) });
}

function echoes(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, n) => echo(n));
}

/** Numbers of the requests that were answered, in order. */
function answered(sent: readonly Seen[]): number[] {
  return sent.map(({ ip }) => read16(ip?.payload ?? new Uint8Array(8), 6));
}

describe("injected faults", () => {
  it("none: every frame gets through, nothing is held back", () => {
    const lan = faulty(0n);
    set(lan, layout.SETTING_INJECT_LOSS, MILLION, 1n);
    const buffers = lan.used("buffer");
    lan.expectDrops({}, () => assert.equal(lan.give(...echoes(50)).length, 50));
    assert.equal(lan.used("buffer"), buffers);
  });

  it("loss: at rate 1 all frames, at a half about half of them, each counted", () => {
    const lan = faulty(LOSS);
    set(lan, layout.SETTING_INJECT_LOSS, MILLION, 1n);
    lan.expectDrops({ injected: 20 }, () => assert.deepEqual(lan.give(...echoes(20)), []));
    set(lan, layout.SETTING_INJECT_LOSS, MILLION / 2n, 1n);
    const before = lan.drops("injected");
    const through = lan.give(...echoes(1_000)).length;
    assert.ok(through > 420 && through < 580, `${through} of 1000`);
    assert.equal(lan.drops("injected") - before, 1_000 - through);
  });

  it("loss comes in rows of COUNT frames", () => {
    const lan = faulty(LOSS);
    set(lan, layout.SETTING_INJECT_LOSS, 20_000n, 5n);
    const through = new Set(answered(lan.give(...echoes(2_000))));
    const rows: number[] = [];
    for (let n = 0; n < 2_000; n++) {
      if (through.has(n)) continue;
      if (n > 0 && !through.has(n - 1)) rows[rows.length - 1] = (rows.at(-1) ?? 0) + 1;
      else rows.push(1);
    }
    assert.ok(rows.length > 10, `${rows.length} rows`);
    // Two rows may touch.
    assert.ok(
      rows.slice(0, -1).every((row) => row % 5 === 0),
      rows.join(" "),
    );
  });

  it("duplicate: COUNT copies beside the frame", () => {
    const lan = faulty(DUPLICATE);
    set(lan, layout.SETTING_INJECT_DUPLICATE, MILLION, 2n);
    assert.deepEqual(answered(lan.give(echo(1), echo(2))), [1, 1, 1, 2, 2, 2]);
  });

  it("delay: nothing sooner, then all in order, and no buffer is kept", () => {
    const lan = faulty(DELAY);
    const buffers = lan.used("buffer");
    set(lan, layout.SETTING_INJECT_DELAY, 20_000n, 0n);
    assert.deepEqual(lan.give(...echoes(10), echo(10, 1_400)), []);
    assert.equal(lan.host.nextDeadline(), lan.host.now + 20_000n);
    assert.deepEqual(lan.wait(19_999), []);
    assert.deepEqual(answered(lan.wait(1)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.equal(lan.used("buffer"), buffers);
  });

  it("delay varies by RANGE, and ends when faults are switched off", () => {
    const lan = faulty(DELAY);
    set(lan, layout.SETTING_INJECT_DELAY, 20_000n, 10_000n);
    assert.deepEqual(lan.give(...echoes(60)), []);
    assert.deepEqual(lan.wait(9_999), []);
    const early = answered(lan.wait(10_000, 500)).length;
    assert.ok(early > 10 && early < 50, `${early} of 60 in the first half`);
    set(lan, layout.SETTING_INJECTING, 0n);
    assert.equal(early + lan.wait(1).length, 60);
  });

  it("reorder: frames are overtaken, none is lost", () => {
    const lan = faulty(REORDER);
    set(lan, layout.SETTING_INJECT_REORDER, MILLION / 4n, 3n);
    const numbers = [...answered(lan.give(...echoes(200))), ...answered(lan.wait(20_000))];
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      Array.from({ length: 200 }, (_, n) => n),
    );
    assert.notDeepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    );
  });

  it("more frames than can be held back pass", () => {
    const lan = faulty(DELAY);
    set(lan, layout.SETTING_INJECT_DELAY, 20_000n, 0n);
    assert.equal(lan.give(...echoes(300)).length, 300 - 256);
    assert.equal(lan.wait(20_000).length, 256);
  });

  it("bears with any value of a setting", () => {
    for (const wild of [0n, 1n, 0xffff_ffffn, 1n << 31n]) {
      const lan = faulty(0xffff_ffffn);
      for (let setting = layout.SETTING_INJECT_LOSS; setting < layout.SETTING_COUNT; setting++) {
        set(lan, setting, wild, wild);
      }
      set(lan, layout.SETTING_INJECT_LOSS, 0n);
      lan.give(...echoes(100));
      set(lan, layout.SETTING_INJECTING, 0n);
      lan.wait(20_000_000);
      assert.equal(lan.used("buffer"), 0);
    }
  });
});
