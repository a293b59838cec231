/** A stack whose memory is damaged: every call on its sockets fails, the process goes on. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";
import { compileNative } from "./native-program.js";

const port = "9400";
const patienceMs = 5_000;

/** Where a process has mapped the first byte of its stack's memory. */
function regionOf(pid: number): number {
  const line = readFileSync(`/proc/${pid}/maps`, "latin1")
    .split("\n")
    .find((text) => text.includes("/memfd:gazelle"));
  assert.ok(line, "no region in /proc/PID/maps");
  return Number.parseInt(line, 16);
}

/** Lets every pool begin at the end of the address space, where nothing is mapped. */
function damage(pid: number): void {
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  const wild = Buffer.from([0, 0, 0xff, 0xff]);
  for (let i = 0; i < layout.POOL_COUNT; i++) {
    writeSync(memory, wild, 0, wild.length, regionOf(pid) + layout.POOLS + i * layout.POOL_SIZE);
  }
  closeSync(memory);
}

/** Two connections of the kernel's; they send a byte once told to. */
function startClient(lab: Lab): Program {
  return startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "bash",
    argumentList: [
      "-c",
      `exec 3<>/dev/tcp/${addresses.server}/${port} 4<>/dev/tcp/${addresses.server}/${port}; echo connected
       sleep 1; printf x >&3; sleep 3`,
    ],
  });
}

test("a damaged stack resets its sockets and leaves the process alone", async () => {
  const program = compileNative("damage", ["damage"]);
  const lab = createLab({ label: "damage", stack: "gazelle", offloads: "default" });
  const server = startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: program,
    argumentList: [addresses.server, port],
    environment: stackEnvironment(lab, ["damage"], { port: "packet" }),
  });
  assert.ok(await waitUntil(() => server.output().includes("ready"), patienceMs), server.output());
  const client = startClient(lab);
  assert.ok(await waitUntil(() => server.output().includes("waiting"), patienceMs), server.output());
  damage(server.pid);
  const result = await server.ended;
  await client.stop();
  lab.remove();
  assert.equal(result.status, 0, `${result.signal}\n${server.output()}`);
  assert.deepEqual(
    result.stdout
      .toString()
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean)
      .sort(),
    [
      "accept -> -1 ECONNRESET",
      "blocked recv -> -1 ECONNRESET",
      "close -> 0",
      "epoll_wait -> 1",
      "hang-up: 1",
      "new socket -> 1",
      "own fault reached the handler: 1",
      "own fault reached the handler: 1",
      "ready",
      "recv -> -1 ECONNRESET",
      "send -> -1 ECONNRESET",
      "waiting",
    ],
  );
  assert.equal(
    result.stderr.split("\n").filter((line) => line.includes("gazelle:")).length,
    1,
    result.stderr,
  );
});
