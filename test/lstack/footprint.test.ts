/** What a stack costs before anybody connects, and which processors it runs on. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inBuild } from "../../scripts/build/paths.js";
import { run } from "../../scripts/lab/command.js";
import { Probe } from "./probe.js";

/** Memory of the region that is really there, in KiB, as the kernel counts it for a process. */
function residentRegion(pid: number): number {
  const smaps = readFileSync(`/proc/${pid}/smaps`, "latin1");
  const mappings = smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const regions = mappings.filter((mapping) => mapping.split("\n")[0]?.includes("/memfd:gazelle"));
  assert.ok(regions.length > 0, "no region");
  return regions.reduce((sum, mapping) => sum + Number(/^Rss:\s+(\d+) kB$/m.exec(mapping)?.[1]), 0);
}

test("a stack holds less than 16 MiB of its region at first: memory comes when it is needed", async () => {
  const probe = await Probe.start({ label: "footprint", configuration: { port: "packet" } });
  try {
    assert.equal(await probe.ask("hello"), "hello");
    const resident = residentRegion(probe.program.pid);
    assert.ok(resident < 16 * 1024, `${resident} KiB`);
  } finally {
    await probe.stop();
  }
});

test("liblstack.so and its engine need no AVX", {
  skip: process.arch !== "x64" && "not an x86 processor",
}, () => {
  for (const object of ["liblstack.so", "liblstack-engine.so"]) {
    const code = run("objdump", ["-d", "--no-show-raw-insn", inBuild(object)]).toString();
    assert.ok(code.includes("%xmm"), `${object} is not x86 code`);
    assert.doesNotMatch(code, /%[yz]mm\d/, object);
  }
});
