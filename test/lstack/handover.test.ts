/** Threads that wake each other through the stack: no wake-up may be lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab } from "../../scripts/lab/lab.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { runProgram, startProgram } from "../../scripts/lab/program.js";
import { compileNative } from "./native-program.js";

const port = "9300";
const threads = 7;
/** The full ten million hand-overs take minutes: GAZELLE_HANDOVERS=10000000 runs them. */
const handovers = Number(process.env["GAZELLE_HANDOVERS"] ?? 300_000);
const secondsPerHandover = 400e-6;

test("one thread in epoll and seven sending", async () => {
  const program = compileNative("handover", ["handover"]);
  const lab = createLab({ label: "handover", stack: "gazelle", offloads: "default" });
  const echo = startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: program,
    argumentList: ["echo", addresses.client, port],
  });
  assert.ok(await waitUntil(() => echo.output().includes("ready"), 5_000), echo.output());
  const rounds = Math.ceil(handovers / 2 / threads);
  const result = await runProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: program,
    argumentList: ["run", addresses.client, port, String(threads), String(rounds)],
    environment: stackEnvironment(lab, ["handover"], { port: "packet" }),
    timeoutMs: 30_000 + handovers * secondsPerHandover * 1_000,
  });
  assert.equal(result.stdout.toString(), `${2 * rounds * threads} hand-overs\n`);
  await echo.stop();
  lab.remove();
});
