/** The RPM: what rpm says about it, and what it unpacks to. */
import assert from "node:assert/strict";
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
  const folders = ["/etc/gazelle", rpmFolders.own];
  assert.deepEqual(query("-l").sort(), [...wanted, ...folders].sort());
});

test("the libraries lie in lib64 and configuration is kept over an update", () => {
  assert.ok(query("-l").includes("/usr/lib64/liblstack.so"));
  assert.ok(query("-c").includes("/etc/gazelle/lstack.conf"));
  assert.match(query("--requires").join("\n"), /^nodejs >= 18\.19$/m);
});

test("it unpacks", () => {
  const names = run("sh", ["-c", 'rpm2cpio "$1" | cpio -t --quiet', "sh", path]).toString();
  assert.match(names, /\.\/usr\/bin\/ltran\n/);
});
