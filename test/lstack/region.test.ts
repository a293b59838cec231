/** The stack's memory as other processes see it, and what a process pays that does not use the stack. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../scripts/lab/command.js";
import { preloadEnvironment, requireStackLibrary } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { Probe } from "./probe.js";

/** F_SEAL_SHRINK | F_SEAL_GROW: nobody can take memory away under the stack. */
const sizeSeals = 2 | 4;

/** Asks for the seals, then tries to shrink; Node has neither call. */
const readSeals = `
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
print(fcntl.fcntl(fd, 1034))
for size in (4096, os.fstat(fd).st_size + 4096):
    try:
        os.ftruncate(fd, size)
        print("resized")
    except PermissionError:
        print("refused")
`;

test("the region is a sealed memory file without a path in any file system", async () => {
  const probe = await Probe.start({ label: "region", configuration: { port: "packet" } });
  try {
    const { pid } = probe.program;
    const maps = readFileSync(`/proc/${pid}/maps`, "latin1");
    assert.match(maps, / rw-s .* \/memfd:gazelle \(deleted\)$/m);
    const folder = `/proc/${pid}/fd`;
    const files = readdirSync(folder).filter((fd) =>
      readlinkSync(`${folder}/${fd}`).startsWith("/memfd:gazelle"),
    );
    assert.equal(files.length, 1);
    const path = `${folder}/${files[0]}`;
    const [seals, shrink, grow] = run("/usr/bin/python3", ["-c", readSeals, path])
      .toString()
      .trim()
      .split("\n");
    assert.equal(Number(seals) & sizeSeals, sizeSeals);
    assert.deepEqual([shrink, grow], ["refused", "refused"]);
    assert.equal(await probe.ask("unharmed"), "unharmed");
  } finally {
    await probe.stop();
  }
});

/** The files that `sh -c true` opens, in order, without the dynamic linker's cache. */
function opened(environment: Readonly<Record<string, string>>): string[] {
  const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const file = join(temporaryFolder(), "opened");
  const watch = ["-f", "-e", "trace=execve,open,openat,memfd_create,socket", "-o", file];
  run("strace", [...watch, "env", ...assignments, "sh", "-c", "true"]);
  const report = readFileSync(file, "latin1");
  // The calls of `env` itself come first.
  const calls = report.slice(report.lastIndexOf("execve("));
  const names = [...calls.matchAll(/(?:open|openat)\((?:AT_FDCWD, )?"([^"]+)".*= \d+$/gm)].map(
    (match) => match[1],
  );
  return names.filter((name): name is string => name !== undefined && !name.endsWith("ld.so.cache"));
}

test("a process that is not selected opens the library itself and libc, and nothing else", () => {
  requireStackLibrary();
  const plain = new Set(opened({}));
  for (const selection of [{}, { GAZELLE_BIND_PROCNAME: "redis-server,nginx" }]) {
    const preloaded = opened({ ...preloadEnvironment(), ...selection, LSTACK_CONF_PATH: "/nonexistent" });
    const further = new Set(preloaded.filter((name) => !plain.has(name) && !name.endsWith("/liblstack.so")));
    assert.ok(
      preloaded.some((name) => name.endsWith("/liblstack.so")),
      preloaded.join(" "),
    );
    // With a list of names the process reads its own to compare.
    further.delete("/proc/self/cmdline");
    assert.deepEqual([...further], []);
  }
});

test("a process that is not selected maps neither the engine nor a region", () => {
  const assignments = Object.entries(preloadEnvironment()).map(([name, value]) => `${name}=${value}`);
  const own = 'while read -r line; do echo "$line"; done < /proc/$$/maps';
  const maps = run("env", [...assignments, "sh", "-c", own]).toString();
  assert.match(maps, /\/liblstack\.so$/m);
  assert.doesNotMatch(maps, /liblstack-engine|liblstack-dpdk|libconfig|memfd/);
});
