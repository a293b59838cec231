/** The RPM: what rpm says about it, and what it unpacks to. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { run } from "../../scripts/lab/command.js";
import { contents } from "../../scripts/package/contents.js";
import { rpmFolders } from "../../scripts/package/folders.js";
import { buildRpm } from "../../scripts/package/rpm.js";

let path = "";

before(async () => {
  path = await buildRpm();
});

function query(...words: string[]): string[] {
  return run("rpm", ["-qp", "--nosignature", ...words, path])
    .toString()
    .trim()
    .split("\n");
}

test("it holds every file of the list, and no other", () => {
  const wanted = contents(rpmFolders).map((item) => item.target);
  const found = query("-l");
  assert.deepEqual(
    wanted.filter((path) => !found.includes(path)),
    [],
  );
  const others = found.filter((path) => !wanted.includes(path));
  assert.deepEqual(
    others.filter((folder) => !wanted.some((path) => path.startsWith(`${folder}/`))),
    [],
  );
});

test("the libraries lie in lib64 and configuration is kept over an update", () => {
  assert.ok(query("-l").includes("/usr/lib64/liblstack.so"));
  assert.ok(query("-c").includes("/etc/gazelle/lstack.conf"));
  assert.match(query("--requires").join("\n"), /^nodejs >= 18\.19$/m);
});

test("nothing is left of it when it is removed", () => {
  const root = mkdtempSync(join(tmpdir(), `gz-${process.pid}-rpm-`));
  try {
    const rpm = (...words: string[]) => run("rpm", ["--root", root, "--nodeps", "--noscripts", ...words]);
    rpm("--ignoreos", "--ignorearch", "--nosignature", "-i", path);
    assert.ok(existsSync(join(root, "etc/gazelle/ltran.conf")));
    rpm("-e", "gazelle");
    for (const folder of ["/etc/gazelle", rpmFolders.own, rpmFolders.documents]) {
      assert.ok(!existsSync(join(root, folder)), folder);
    }
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("it unpacks", () => {
  const names = run("sh", ["-c", 'rpm2cpio "$1" | cpio -t --quiet', "sh", path]).toString();
  assert.match(names, /\.\/usr\/bin\/ltran\n/);
});
