/**
 * The same socket calls on the kernel's stack and on Gazelle, against the same kernel at the other end of the
 * wire: every result, errno and event must be the same.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type StackKind } from "../../scripts/lab/lab.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { runProgram, startProgram } from "../../scripts/lab/program.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { compileNative, scenarioFiles } from "./native-program.js";

const readyTimeoutMs = 5_000;
const runTimeoutMs = 60_000;
/** Fewer would mean that scenarios were lost. */
const leastScenarios = 50;
const leastLines = 800;

function addressArguments(socket: string): string[] {
  return [socket, addresses.server, addresses.client];
}

/** Runs all scenarios on one stack and returns what they printed, by name. */
async function runScenarios(program: string, stack: StackKind): Promise<Map<string, string[]>> {
  const lab = createLab({ label: `differential-${stack}`, stack, offloads: "default" });
  const socket = join(temporaryFolder(), `peer-${stack}`);
  const peer = startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: program,
    argumentList: ["peer", ...addressArguments(socket)],
  });
  assert.ok(await waitUntil(() => peer.output().includes("ready"), readyTimeoutMs), peer.output());
  const result = await runProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: program,
    argumentList: ["run", ...addressArguments(socket)],
    environment: stackEnvironment(lab, ["subject"], { port: "packet" }),
    timeoutMs: runTimeoutMs,
  });
  await peer.ended;
  lab.remove();
  assert.equal(result.stderr, "");
  const scenarios = new Map<string, string[]>();
  let name = "";
  for (const line of result.stdout
    .toString()
    .split("\n")
    .filter((text) => text !== "")) {
    if (line.startsWith(" ")) scenarios.get(name)?.push(line);
    else {
      name = line;
      scenarios.set(name, []);
    }
  }
  return scenarios;
}

test("socket calls answer as the kernel's do", async (context) => {
  const program = compileNative("subject", ["subject", "peer", ...scenarioFiles()]);
  const kernel = await runScenarios(program, "kernel");
  const gazelle = await runScenarios(program, "gazelle");
  assert.ok(kernel.size >= leastScenarios, `${kernel.size} scenarios`);
  assert.ok([...kernel.values()].flat().length >= leastLines);
  assert.deepEqual([...gazelle.keys()], [...kernel.keys()]);
  for (const [name, lines] of kernel) {
    await context.test(name, () => {
      assert.deepEqual(gazelle.get(name), lines);
    });
  }
});
