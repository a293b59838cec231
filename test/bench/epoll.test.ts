/** The event loop benchmark, short: that it measures. Work itself is counted in stack/socket/idle.test. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { buildEngineBench } from "../../bench/engine/build.js";
import { measureEpoll } from "../../bench/epoll/main.js";

const missing = process.getuid?.() !== 0 && !existsSync("/usr/include/lwip/lwipopts.h");
const skip = missing ? "liblwip-dev is not installed" : false;

test("one active connection is measured among many idle ones and among few", { skip }, async () => {
  await buildEngineBench();
  const result = await measureEpoll({ benchmark: "epoll", rounds: 1, seconds: 0.05 });
  assert.match(result.name, /1 active and 1000 idle/);
  const few = result.peers["1 + 1"] ?? 0;
  assert.ok(result.ours > 1000 && few > 1000, JSON.stringify(result));
  assert.ok(Math.abs((result.ratio["1 + 1"] ?? 0) - result.ours / few) < 0.01, JSON.stringify(result));
});
