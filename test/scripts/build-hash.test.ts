import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { BUILD_HASH_OUTPUT, buildHash } from "../../scripts/build/generate-build-hash.js";
import { StackHost } from "../../sim/host.js";

const FILES: [string, string][] = [
  ["stack/a.ts", "const a = 1;\n"],
  ["stack/b.ts", "const b = 2;\n"],
];

test("the build hash tells builds apart by sources, their names and the compiler's options", () => {
  const hash = buildHash(new Map(FILES), ["-O3"]);
  assert.match(hash, /^[0-9a-f]{16}$/);
  assert.equal(buildHash(new Map(FILES.toReversed()), ["-O3"]), hash);
  const others = [
    buildHash(new Map(FILES), ["-O2"]),
    buildHash(new Map(FILES), ["-O3", ""]),
    buildHash(new Map(FILES.slice(1)), ["-O3"]),
    buildHash(new Map([...FILES, ["stack/c.ts", ""]]), ["-O3"]),
    buildHash(new Map([...FILES.slice(1), ["stack/a.ts", "const a = 2;\n"]]), ["-O3"]),
    buildHash(new Map([...FILES.slice(1), ["stack/c.ts", "const a = 1;\n"]]), ["-O3"]),
  ];
  assert.equal(new Set([hash, ...others]).size, others.length + 1);
});

test("a region carries the hash of the build that made it", () => {
  const [, digits] =
    /BUILD_HASH: u64 = 0x([0-9a-f]{16});/.exec(readFileSync(BUILD_HASH_OUTPUT, "utf8")) ?? [];
  assert.ok(digits !== undefined);
  const carried = new StackHost().view().getBigUint64(layout.ROOT + layout.ROOT_BUILD_HASH, true);
  assert.equal(carried.toString(16).padStart(16, "0"), digits);
});
