/** What a device with receive-side scaling is told by the ports of several stacks. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { DPDK_COMPILE, DPDK_LINK } from "../../scripts/build/dpdk-link.js";
import { run } from "../../scripts/lab/command.js";
import { removeDpdkFolderAtEnd } from "../../scripts/lab/dpdk-folder.js";
import { repositoryRoot } from "../../scripts/lab/repository.js";

const folder = join(repositoryRoot, "build", "test-native");
const program = join(folder, "spread");
const sources = join("lstack", "port", "dpdk");
const machine = process.arch === "x64" ? ["-march=x86-64-v2"] : [];
/** The null driver is no part of what is built for applications. */
const nullDriver = ["-Wl,--whole-archive", "-l:librte_net_null.a", "-Wl,--no-whole-archive"];
const wrapped = ["-Wl,--wrap=rte_eth_dev_info_get"];

before(() => {
  mkdirSync(folder, { recursive: true });
  const files = [
    ...readdirSync(join(repositoryRoot, sources))
      .filter((name) => name.endsWith(".c"))
      .map((name) => join(sources, name)),
    join("test", "lstack", "native", "spread.c"),
  ].map((path) => join(repositoryRoot, path));
  const includes = ["lstack", "build/generated"].map((path) => `-I${join(repositoryRoot, path)}`);
  const options = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", ...machine, ...DPDK_COMPILE, ...includes];
  run("gcc", [...options, ...files, "-o", program, ...nullDriver, ...wrapped, ...DPDK_LINK], {
    timeoutMs: 120_000,
  });
  removeDpdkFolderAtEnd();
});

for (const queues of [2, 3]) {
  test(`${queues} stacks: their key, and a table in which queues take turns`, () => {
    const lines = run(program, [String(queues)])
      .toString()
      .trim()
      .split("\n");
    const said = Object.fromEntries(lines.slice(queues).map((line) => line.split(" ")));
    assert.deepEqual(
      lines.slice(0, queues),
      Array.from({ length: queues }, (_, i) => `port ${i}: entries 128`),
    );
    const key = Uint8Array.from({ length: 40 }, (_, i) => i * 37 + 11);
    assert.equal(said.key, Buffer.from(key).toString("hex"));
    const table = Uint8Array.from({ length: 128 }, (_, i) => i % queues);
    assert.equal(said.table, Buffer.from(table).toString("hex"));
  });
}

test("one stack leaves the device's hash alone", () => {
  assert.equal(run(program, ["1"]).toString(), "port 0: entries 0\n");
});
