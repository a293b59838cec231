import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { inBuild, inRoot } from "../../scripts/build/paths.js";
import { configuration, newFile } from "./checker.js";

/** A clone in a path with blanks, whose library only says that it is loaded. */
const clone = join(mkdtempSync(join(tmpdir(), "gz-command line-")), "a clone");
after(() => rmSync(join(clone, ".."), { recursive: true, force: true }));

const LIBRARY = `#include <unistd.h>
__attribute__((constructor)) static void loaded(void) { if (write(2, "loaded\\n", 7) != 7) _exit(99); }
`;

const COUNT_INTERRUPTS = `let count = 0;
process.on("SIGINT", () => count++);
setTimeout(() => console.log("interrupts: " + count), 1000);
console.log("ready");
`;

mkdirSync(join(clone, "build", "node"), { recursive: true });
for (const room of ["ctl", "ltran"])
  cpSync(inBuild("node", room), join(clone, "build", "node", room), { recursive: true });
const names = join("build", "node", "build");
cpSync(inRoot(names), join(clone, names), { recursive: true });
cpSync(inRoot("ctl", "bin"), join(clone, "ctl", "bin"), { recursive: true });
copyFileSync(inRoot("package.json"), join(clone, "package.json"));
symlinkSync(inBuild("gazelle-check"), join(clone, "build", "gazelle-check"));
writeFileSync(join(clone, "library.c"), LIBRARY);
execFileSync("gcc", ["-shared", "-fPIC", "-o", "build/liblstack.so", "library.c"], { cwd: clone });

const GAZELLE = join(clone, "ctl", "bin", "gazelle.mjs");

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

function gazelle(...args: string[]): Ended {
  return spawnSync(process.execPath, [GAZELLE, ...args], { encoding: "utf8", cwd: tmpdir() });
}

function shell(command: string, ...before: string[]): Ended {
  return gazelle("run", ...before, "--", "sh", "-c", command);
}

/** Starts a shell command and waits until it has said "ready". */
async function startShell(command: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [GAZELLE, "run", "--", "sh", "-c", command], {
    stdio: ["ignore", "pipe", "ignore"],
    // Without a terminal, even when the tests have one.
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("close", () => reject(new Error("ended before it was ready")));
  });
  return child;
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("close", (status) => resolve(status)));
}

describe("gazelle", () => {
  it("says its version and what it can do", () => {
    const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as { version: string };
    const result = gazelle("--version");
    assert.deepEqual([result.status, result.stdout], [0, `gazelle ${version}\n`]);
    const help = gazelle("--help");
    assert.deepEqual([help.status, help.stderr], [0, ""]);
    for (const command of ["check", "run"]) {
      assert.match(help.stdout, new RegExp(`^  ${command} +[A-Z].*\\.$`, "m"));
      assert.match(gazelle(command, "--help").stdout, new RegExp(`^Usage: gazelle ${command} `));
    }
  });

  it("refuses what it does not know", () => {
    assert.deepEqual([gazelle().status, gazelle().stdout], [1, ""]);
    const unknown = gazelle("chekc");
    assert.deepEqual(
      [unknown.status, unknown.stderr],
      [1, "gazelle: unknown command chekc; see gazelle --help\n"],
    );
  });
});

describe("gazelle check", () => {
  it("passes the checker's messages and status on", () => {
    const good = newFile(configuration({}));
    const bad = newFile("mtu = 1\n");
    assert.deepEqual(
      [gazelle("check", good).status, gazelle("check", good).stdout],
      [0, `${good}: ok, 0 warnings\n`],
    );
    const result = gazelle("check", bad);
    assert.equal(result.status, 1);
    assert.ok(result.stderr.startsWith(`${bad}:1: mtu = 1: must be 0 or an integer from 576 to 65535\n`));
    assert.equal(gazelle("check", good, bad).status, 1);
    assert.match(gazelle("check", "--values", good).stdout, /^prefix_length = 24$/m);
    const stacks = newFile(configuration({ nic_vlan_mode: "2" }));
    assert.deepEqual([gazelle("check", stacks).status, gazelle("check", "--start", stacks).status], [0, 1]);
  });

  it("says what is wrong with its arguments", () => {
    assert.match(gazelle("check").stderr, /^gazelle: check: name at least one configuration file$/m);
    assert.match(gazelle("check", "--other", "x").stderr, /^gazelle: check: unknown option --other$/m);
    const missing = gazelle("check", "/nonexistent.conf");
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /^\/nonexistent\.conf:0: file: .*No such file or directory$/m);
  });
});

describe("gazelle run", () => {
  it("loads the library from a path with blanks and selects the program", () => {
    const result = shell('echo "$GAZELLE_BIND_PROCNAME"');
    assert.equal(result.status, 0);
    assert.match(result.stderr, /^loaded$/m);
    assert.ok(result.stdout.trim().split(",").includes("sh"), result.stdout);
  });

  it("names a program by its link and by its file", () => {
    const link = join(clone, "some-server");
    symlinkSync("/bin/sh", link);
    const result = gazelle("run", link, "-c", 'echo "$GAZELLE_BIND_PROCNAME"');
    const [first, second] = result.stdout.trim().split(",");
    assert.equal(first, "some-server");
    assert.ok(second !== undefined && !second.includes("/"));
  });

  it("sets the configuration only if it is named", () => {
    const file = newFile(configuration({}));
    assert.equal(shell('echo "$LSTACK_CONF_PATH"', "--conf", file).stdout, `${file}\n`);
    assert.equal(shell('echo "$LSTACK_CONF_PATH"', `--conf=${file}`).stdout, `${file}\n`);
    assert.equal(shell('echo "$LSTACK_CONF_PATH"').stdout, `${process.env.LSTACK_CONF_PATH ?? ""}\n`);
    assert.match(shell("true", "--conf", "/nonexistent").stderr, /run: \/nonexistent: no such configuration/);
    assert.match(shell("true", "--conf", "/").stderr, /run: \/: not a file/);
  });

  it("keeps what was preloaded before", () => {
    const env = { ...process.env, LD_PRELOAD: "/nonexistent.so", LD_LIBRARY_PATH: "/some/where" };
    const args = [GAZELLE, "run", "sh", "-c", 'echo "$LD_PRELOAD $LD_LIBRARY_PATH"'];
    const result = spawnSync(process.execPath, args, { encoding: "utf8", env });
    assert.match(result.stdout, /liblstack\.so:\/nonexistent\.so .*a clone\/build:\/some\/where$/m);
  });

  it("passes arguments, standard streams and the exit status on", () => {
    const args = ["run", "sh", "-c", 'cat; echo "$0|$1" >&2; exit 7', "a b", "--conf"];
    const result = spawnSync(process.execPath, [GAZELLE, ...args], { encoding: "utf8", input: "text" });
    assert.deepEqual([result.status, result.stdout], [7, "text"]);
    assert.match(result.stderr, /^a b\|--conf$/m);
    assert.equal(shell("exit 0").status, 0);
    assert.equal(shell("kill -TERM $$").status, 128 + 15);
    assert.equal(shell("kill -KILL $$").status, 128 + 9);
  });

  it("hands signals on", async () => {
    for (const [signal, name] of [
      ["SIGTERM", "TERM"],
      ["SIGINT", "INT"],
      ["SIGHUP", "HUP"],
      ["SIGUSR1", "USR1"],
      ["SIGUSR2", "USR2"],
    ] as const) {
      const child = await startShell(
        `trap "exit 42" ${name}; echo ready; for i in $(seq 100); do sleep 0.1; done`,
      );
      const status = ended(child);
      child.kill(signal);
      assert.equal(await status, 42, signal);
    }
    const child = await startShell("echo ready; exec sleep 10");
    const status = ended(child);
    child.kill("SIGTERM");
    assert.equal(await status, 128 + 15);
  });

  it("leaves Ctrl-C to the terminal, which sends it to the program by itself", async () => {
    writeFileSync(join(clone, "count.mjs"), COUNT_INTERRUPTS);
    const command = [process.execPath, GAZELLE, "run", process.execPath, join(clone, "count.mjs")];
    // Without exec some shells stay, take the signal too, and their status is what `script` reports.
    const quoted = `exec ${command.map((word) => `"${word}"`).join(" ")}`;
    const terminal = spawn("script", ["-qec", quoted, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
    let output = "";
    terminal.stdout.on("data", (chunk: Buffer) => {
      if (!output.includes("ready") && chunk.includes("ready")) terminal.stdin.write("\x03");
      output += chunk.toString();
    });
    const status = await ended(terminal);
    assert.deepEqual([status, /interrupts: \d+/.exec(output)?.[0]], [0, "interrupts: 1"], output);
  });

  it("says what is missing", () => {
    assert.match(gazelle("run").stderr, /^gazelle: run: name the program to run$/m);
    assert.match(gazelle("run", "--conf").stderr, /^gazelle: run: --conf needs a file$/m);
    assert.match(gazelle("run", "--other", "sh").stderr, /^gazelle: run: unknown option --other$/m);
    assert.match(
      gazelle("run", "no-such-program").stderr,
      /^gazelle: run: no-such-program: not found in PATH$/m,
    );
    assert.match(gazelle("run", "/etc/passwd").stderr, /^gazelle: run: \/etc\/passwd: no such program$/m);
    assert.equal(gazelle("run", "no-such-program").status, 1);
  });

  it("says when the library is missing", () => {
    const bare = join(clone, "..", "bare");
    cpSync(join(clone, "build", "node"), join(bare, "build", "node"), { recursive: true });
    copyFileSync(inRoot("package.json"), join(bare, "package.json"));
    const main = join(bare, "build", "node", "ctl", "main.js");
    const run = spawnSync(process.execPath, [main, "run", "sh"], { encoding: "utf8" });
    const installed = ["/usr/local/lib", "/usr/lib64", "/usr/lib"];
    assert.equal(run.status, 1, `liblstack.so must not be installed in ${installed.join(", ")}`);
    assert.match(run.stderr, /^gazelle: run: liblstack\.so is missing: run `npm run build` first$/m);
  });
});
