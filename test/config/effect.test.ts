import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { readTable } from "../../config/table.js";
import { listFiles } from "../../scripts/build/files.js";
import { inBuild, inRoot } from "../../scripts/build/paths.js";

const { options } = readTable(inBuild("config", "config.wasm"), "lstack");

/** Options whose meaning reaches the shell in computed values. */
const CARRIERS: Readonly<Record<string, readonly string[]>> = {
  mask_addr: ["prefix_length"],
  devices: ["device_mac", "device_name"],
  port: ["port_kind"],
  use_ltran: ["port_kind"],
  dpdk_args: ["eal_args"],
  num_cpus: ["cpus", "stacks", "eal_args"],
  stack_num: ["stacks"],
  app_bind_numa: ["other_cpus", "stack_nodes"],
  app_exclude_cpus: ["first_cpus", "other_cpus"],
  memory: ["memory_size"],
  tcp_conn_count: ["memory_size"],
  mbuf_count_per_conn: ["memory_size"],
};

const shell = listFiles(inRoot("lstack"), [".c", ".h"])
  .filter((path) => !path.includes("/runtime/config."))
  .map((path) => readFileSync(path, "utf8"))
  .join("\n");

function isUsed(field: string): boolean {
  return new RegExp(`\\b(config|configuration)(->|\\.)${field}\\b`).test(shell);
}

describe("an option with effect", () => {
  for (const option of options.filter((candidate) => candidate.effect === "full" && !candidate.isDerived)) {
    it(`${option.key} is used by the shell; if not, withoutEffect() has to say so`, () => {
      const fields = CARRIERS[option.key] ?? [option.key];
      assert.ok(fields.some(isUsed), fields.join(", "));
      const kinds = fields.map((field) => options.find((candidate) => candidate.key === field)?.field);
      assert.ok(!kinds.includes("none") && !kinds.includes(undefined), "the shell cannot see it");
    });
  }
});

describe("an option without effect", () => {
  it("is not seen by the shell", () => {
    for (const option of options.filter((candidate) => candidate.effect !== "full")) {
      assert.equal(option.field, "none", option.key);
      assert.ok(option.limitation.length > 10, option.key);
    }
  });
});
