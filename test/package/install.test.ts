/** install:system and uninstall:system on a system that is a folder. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { install, uninstall } from "../../scripts/package/install.js";

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), `gz-${process.pid}-install-`));
  mkdirSync(join(root, "etc"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function filesBelow(folder: string): string[] {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true });
  return all.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
}

test("an uninstall leaves what was there before", async () => {
  await install("/opt/gz", root);
  assert.ok(existsSync(join(root, "opt/gz/lib/liblstack.so")));
  assert.ok(existsSync(join(root, "etc/gazelle/lstack.conf")));
  await uninstall(root, false);
  assert.deepEqual(readdirSync(root), ["etc"]);
  assert.deepEqual(readdirSync(join(root, "etc")), []);
});

test("the installed tools find the installed files", async () => {
  await install("/opt/gz", root);
  const tool = join(root, "opt/gz/bin/gazelle");
  const version = spawnSync(tool, ["--version"], { encoding: "utf8" });
  assert.match(version.stdout, /^gazelle \d/, version.stderr);
  const check = spawnSync(tool, ["check", join(root, "etc/gazelle/lstack.conf")], { encoding: "utf8" });
  assert.equal(check.status, 0, check.stderr);
  const script = 'process.stdout.write(process.env.LD_PRELOAD + "")';
  const run = spawnSync(tool, ["run", "--", process.execPath, "-e", script], {
    encoding: "utf8",
    env: { ...process.env, LSTACK_CONF_PATH: join(root, "etc/gazelle/lstack.conf") },
  });
  assert.equal(run.stdout, join(root, "opt/gz/lib/liblstack.so"), run.stderr);
});

test("a changed configuration survives a new installation and an uninstall, not a purge", async () => {
  const configuration = join(root, "etc/gazelle/lstack.conf");
  await install("/opt/gz", root);
  appendFileSync(configuration, "# mine\n");
  await install("/opt/gz", root);
  assert.match(readFileSync(configuration, "utf8"), /# mine/);
  assert.ok(existsSync(`${configuration}.new`));
  await uninstall(root, false);
  assert.deepEqual(filesBelow(root), ["lstack.conf"]);
  await install("/opt/gz", root);
  await uninstall(root, true);
  assert.deepEqual(filesBelow(root), []);
});

test("two prefixes do not mix, and nothing is removed twice", async () => {
  await install("/opt/gz", root);
  await assert.rejects(install("/usr/local", root), /installed below \/opt\/gz already/);
  await uninstall(root, false);
  await assert.rejects(uninstall(root, false), /nothing to remove/);
});
