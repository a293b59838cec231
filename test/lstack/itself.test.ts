/** A program that connects to its own address: what the kernel's stack does, ours does, too. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type ConfigurationOptions, stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { type ProgramResult, runProgram, startProgram } from "../../scripts/lab/program.js";

const timeout = 60_000;
const port = "7400";
const prefix = `gz-${process.pid}-itself-`;
const throughLtran = `unix_prefix="${prefix}"`;
const script = inRoot("test", "ltran", "echo.py");
/** Bytes of an exchange: no segment, no buffer holds them. */
const size = "100000";

const variants: Readonly<Record<string, ConfigurationOptions>> = {
  "one stack": { port: "packet" },
  "two stacks, one listener": { port: "packet", extraLines: ["stack_num=2"] },
  "three stacks, a listener in each": { port: "packet", extraLines: ["stack_num=3", "listen_shadow=1"] },
  "one stack behind ltran": { port: "ltran", extraLines: [throughLtran] },
  "two stacks behind ltran": { port: "ltran", extraLines: [throughLtran, "stack_num=2"] },
};

let lab: Lab;
let ltran: Daemon;
let expected: string[];

function lines({ status, stdout, stderr }: ProgramResult): string[] {
  assert.equal(status, 0, stderr);
  return stdout.toString().trim().split("\n").sort();
}

function runIn(where: Lab, environment: Readonly<Record<string, string>>): Promise<ProgramResult> {
  return runProgram({
    namespace: where.serverNamespace,
    role: "server",
    command: "/usr/bin/python3",
    argumentList: [script, "itself", addresses.server, port, size, "5"],
    environment,
    timeoutMs: 30_000,
  });
}

before(async () => {
  const kernel = createLab({ label: "kernelself", stack: "kernel", offloads: "default" });
  expected = lines(await runIn(kernel, {}));
  kernel.remove();
  lab = createLab({ label: "itself", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab, {}, prefix);
});
after(async () => {
  await ltran.program.stop();
  lab.remove();
});

describe("a program that connects to itself", { timeout }, () => {
  test("by the kernel is served, and refused where nobody listens", () => {
    assert.deepEqual(expected, [
      "ECONNREFUSED ECONNREFUSED",
      "same 25000",
      "same 500",
      ...Array.from({ length: 5 }, () => "same 500000"),
    ]);
  });

  for (const [title, configuration] of Object.entries(variants)) {
    test(`by ${title} is served likewise`, async () => {
      const result = await runIn(lab, stackEnvironment(lab, ["python3"], configuration));
      assert.deepEqual(lines(result), expected);
    });
  }
});

describe("two programs with one address behind ltran", { timeout }, () => {
  test("connect to each other, and are refused where nobody listens", async () => {
    const environment = stackEnvironment(lab, ["python3"], { port: "ltran", extraLines: [throughLtran] });
    const words = (...rest: string[]) => [script, rest[0] ?? "", addresses.server, ...rest.slice(1)];
    const place = { namespace: lab.serverNamespace, command: "/usr/bin/python3", environment } as const;
    const server = startProgram({ ...place, role: "server", argumentList: words("serve", port) });
    try {
      assert.ok(await waitUntil(() => server.output().includes("listening"), 10_000), server.output());
      for (const [what, bytes, total] of [
        ["exchange", size, "same 2000000"],
        ["datagrams", "1000", "same 20000"],
      ] as const) {
        const argumentList = words(what, port, bytes, "20");
        const client = await runProgram({ ...place, role: "client", argumentList, timeoutMs: 20_000 });
        assert.deepEqual(lines(client), [total]);
      }
      const argumentList = words("exchange", "7401", size, "20");
      const { stderr } = await startProgram({ ...place, role: "client", argumentList }).ended;
      assert.match(stderr, /ConnectionRefusedError/);
    } finally {
      await server.stop();
    }
  });
});
