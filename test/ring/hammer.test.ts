/** Two processes and one ring port: nothing lost, reordered or torn, and no wake-up lost. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { before, test } from "node:test";
import { compileNativeRoom } from "./native-module.js";

/** The full ten million take a minute or two: GAZELLE_RING_FRAMES=10000000 runs them. */
const frames = Number(process.env["GAZELLE_RING_FRAMES"] ?? 200_000);
const seed = Number(process.env["GAZELLE_RING_SEED"] ?? 1);
const secondsPerFrame = 200e-6;

let program = "";

before(async () => {
  program = await compileNativeRoom("hammer");
});

for (const [slots, bufferSize, window] of [
  [512, 2048, 0],
  [64, 2048, 0],
  [1024, 1984, 0],
  // Where every frame waits for an answer, one lost wake-up is the end.
  [512, 2048, 1],
] as const) {
  const kind = window === 0 ? "" : `, ${window} unanswered`;
  test(`${frames} frames through rings of ${slots} slots of ${bufferSize} bytes${kind}`, (context) => {
    const each = Math.ceil(frames / 2);
    const result = spawnSync(program, ["run", each, seed, slots, bufferSize, window].map(String), {
      encoding: "utf8",
      timeout: 30_000 + frames * secondsPerFrame * 1_000,
    });
    assert.equal(result.status, 0, `${result.signal ?? ""} ${result.stderr}${result.stdout}`);
    for (const side of ["client", "server"]) {
      assert.ok(result.stdout.includes(`${side}: ${each} sent, ${each} received`), result.stdout);
    }
    for (const line of result.stdout.trim().split("\n")) context.diagnostic(line);
  });
}

test("figures", (context) => {
  const result = spawnSync(program, ["bench", "100000"], { encoding: "utf8", timeout: 60_000 });
  assert.equal(result.status, 0, result.stderr);
  for (const line of result.stdout.trim().split("\n")) context.diagnostic(line);
});
