/** Nothing stays behind, however the demo ends. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { run, waitUntil } from "../../scripts/lab/command.js";
import {
  createNamespace,
  processesIn,
  removeNamespace,
  removeStaleNamespaces,
} from "../../scripts/lab/namespaces.js";
import { runProgram } from "../../scripts/lab/program.js";

const demo = fileURLToPath(new URL("../../scripts/demo.js", import.meta.url));
const controlFolder = "/var/run/gazelle";
const startTimeoutMs = 20_000;
const processTimeoutMs = 10_000;

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) {
    child.kill("SIGKILL");
  }
  removeStaleNamespaces();
});

/** Starts the demo and waits until it has begun to measure. */
async function startDemo(): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(process.execPath, [demo, "--quick"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const running = await waitUntil(() => output.includes("round 1/"), startTimeoutMs);
  assert.ok(running && child.pid !== undefined, output);
  return { child, pid: child.pid };
}

function namespacesOf(pid: number): string[] {
  const names = run("ip", ["netns", "list"]).toString().split("\n");
  return names.filter((name) => name.startsWith(`gz-${pid}-`));
}

function foldersOf(pid: number): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(`gz-${pid}-`));
}

/** Servers and clients of a running demo: whatever is in its namespaces. */
function processesOf(pid: number): number[] {
  return namespacesOf(pid).flatMap((line) => processesIn(line.split(" ")[0] ?? line));
}

function living(pids: readonly number[]): number[] {
  return pids.filter((pid) => existsSync(`/proc/${pid}`));
}

/** Control sockets of these processes. */
function controlSocketsOf(pids: readonly number[]): string[] {
  const names = existsSync(controlFolder) ? readdirSync(controlFolder) : [];
  return names.filter((name) => pids.some((pid) => name === `${pid}.sock`));
}

/**
 * Runtime files, mounts, huge pages and packet filter rules that a run might leave. The control sockets'
 * folder is every Gazelle's: programs of tests that run beside this one make it, too.
 */
function machineState(): string {
  const rules = run("nft", ["list", "ruleset"]).toString();
  const mounts = run("cat", ["/proc/mounts"]).toString();
  const huge = run("grep", ["HugePages_", "/proc/meminfo"]).toString();
  const except = ["-path", "/var/run/netns", "-prune", "-o", "-path", controlFolder, "-prune"];
  const runtime = run("find", ["/var/run/", ...except, "-o", "-print"]).toString();
  return [rules, mounts.replaceAll(/.*netns.*\n/g, ""), huge, runtime].join("\n");
}

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  test("a shell among our programs does not read its user's start file", async () => {
    const home = mkdtempSync(join(tmpdir(), `gz-${process.pid}-home-`));
    const namespace = `gz-${process.pid}-shell`;
    try {
      writeFileSync(join(home, ".bashrc"), "echo start file\n");
      createNamespace(namespace);
      // Only a shell that no other one started thinks of a remote login.
      const environment = { HOME: home, SHLVL: "0" };
      const shell = { namespace, role: "client", command: "bash", environment } as const;
      const { stdout } = await runProgram({ ...shell, argumentList: ["-c", "echo done"] });
      assert.equal(stdout.toString(), "done\n");
    } finally {
      removeNamespace(namespace);
      rmSync(home, { recursive: true });
    }
  });

  test(`${signal} ends the demo and leaves nothing behind`, async () => {
    const before = machineState();
    const { child, pid } = await startDemo();
    assert.equal(namespacesOf(pid).length, 6);
    const programs = processesOf(pid);
    assert.ok(programs.length >= 3, `only ${programs.length} programs are running`);
    child.kill(signal);
    const [exitStatus] = await once(child, "exit");
    assert.equal(exitStatus, status);
    assert.deepEqual([namespacesOf(pid), foldersOf(pid), living(programs)], [[], [], []]);
    assert.deepEqual(controlSocketsOf(programs), []);
    assert.equal(machineState(), before);
  });
}

test("what SIGKILL leaves behind is removed by the next run", async () => {
  const { child, pid } = await startDemo();
  const programs = processesOf(pid);
  assert.ok(programs.length >= 3, `only ${programs.length} programs are running`);
  child.kill("SIGKILL");
  await once(child, "exit");
  // The programs die with their parent; only who adopts them may take a moment to reap them.
  assert.ok(
    await waitUntil(() => living(programs).length === 0, processTimeoutMs),
    `${living(programs)} live`,
  );
  assert.equal(namespacesOf(pid).length, 6);
  removeStaleNamespaces();
  assert.deepEqual(namespacesOf(pid), []);
  const { child: next } = await startDemo();
  next.kill("SIGTERM");
  await once(next, "exit");
  assert.deepEqual([foldersOf(pid), controlSocketsOf(programs)], [[], []]);
});
