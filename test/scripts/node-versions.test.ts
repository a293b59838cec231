/** Which Node a clone needs, and which one the installed programs do. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inRoot } from "../../scripts/build/paths.js";
import { NODE_LEAST } from "../../scripts/package/words.js";

const description = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as {
  engines: { node: string };
  devEngines: { runtime: { name: string; version: string } };
};

test("package.json tells the Node of programs from that of building and testing", () => {
  assert.equal(description.engines.node, `>=${NODE_LEAST}.0`);
  const least = /MINIMUM_NODE = (\d+);/.exec(readFileSync(inRoot("scripts", "bootstrap.mjs"), "utf8"))?.[1];
  assert.deepEqual(description.devEngines.runtime, { name: "node", version: `>=${least}.0.0` });
});
