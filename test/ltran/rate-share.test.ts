/** A rate limit is a process', however many stacks it registers, and under whatever keys. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instance } from "../../ltran/daemon/admission.js";
import { rateShare } from "../../ltran/daemon/rate-share.js";

const limit = { packets: 1_000, megabits: 10 };
const instance = (pid: number, key: bigint, stackCount: number) =>
  ({ key, peer: { pid, uid: 0, gid: 0 }, stackCount }) as Instance;

test("the stacks of a process share its limit, another process has its own", () => {
  const all = [instance(1, 1n, 2), instance(2, 2n, 1)];
  assert.deepEqual(rateShare(limit, 1, all), { packets: 500, megabits: 5 });
  assert.deepEqual(rateShare(limit, 2, all), limit);
});

test("who registers under several keys gains nothing", () => {
  const all = Array.from({ length: 10 }, (_, key) => instance(1, BigInt(key), 4));
  const { packets, megabits } = rateShare(limit, 1, all);
  assert.deepEqual([packets, megabits], [25, 1]);
});

test("no limit is none for each stack, and a small one is not none", () => {
  assert.deepEqual(rateShare({ packets: 0, megabits: 0 }, 1, [instance(1, 1n, 4)]), {
    packets: 0,
    megabits: 0,
  });
  assert.deepEqual(rateShare({ packets: 1, megabits: 1 }, 1, [instance(1, 1n, 4)]), {
    packets: 1,
    megabits: 1,
  });
});
