/** Threads that meet in one socket, address or epoll instance, in a process with one stack and with two. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab } from "../../scripts/lab/lab.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { startProgram } from "../../scripts/lab/program.js";
import { repositoryRoot } from "../../scripts/lab/repository.js";
import { readEachStack } from "../../scripts/lab/stack-counters.js";

const script = join(repositoryRoot, "test", "lstack", "threads.py");
const patienceMs = 40_000;
const severalStacks = ['num_cpus="0,1"', "listen_shadow=1"];

/** What threads.py found in a scenario; both stacks have had connections, if there are two and a peer. */
async function play(scenario: string, extraLines: readonly string[], hasPeer: boolean): Promise<unknown> {
  const lab = createLab({ label: `threads-${scenario}`, stack: "gazelle", offloads: "default" });
  const place = [scenario, addresses.server, addresses.client, "7300"];
  const start = (role: "server" | "client", argument: string, environment = {}) =>
    startProgram({
      namespace: role === "server" ? lab.serverNamespace : lab.clientNamespace,
      role,
      command: "/usr/bin/python3",
      argumentList: [script, argument, ...place],
      environment,
    });
  const environment = stackEnvironment(lab, ["python3"], { port: "packet", extraLines });
  // A peer of datagrams has to be there first, one of connections has to find a listener.
  const early = scenario === "connect" ? start("client", "peer") : undefined;
  const server = start("server", "server", environment);
  try {
    assert.ok(await waitUntil(() => server.output().includes("ready"), 10_000), server.output());
    const late = hasPeer && early === undefined ? start("client", "peer") : undefined;
    const found = () => /^\{.*\}$/m.exec(server.output())?.[0];
    await waitUntil(() => found() !== undefined, patienceMs);
    const result = found();
    assert.ok(result !== undefined, server.output());
    if (late !== undefined && extraLines.length > 0) {
      const opened = readEachStack(server.pid).map(({ tcpPassiveOpens }) => Number(tcpPassiveOpens));
      assert.ok(opened.length === 2 && opened.every((count) => count > 2), `${opened}`);
    }
    await late?.stop();
    return JSON.parse(result);
  } finally {
    await server.stop();
    await early?.stop();
    lab.remove();
  }
}

for (const [title, extraLines] of [
  ["one stack", []],
  ["two stacks", severalStacks],
] as const) {
  test(`who waits for a datagram hears of the side that another thread connects the socket to (${title})`, {
    timeout: 90_000,
  }, async () => {
    assert.deepEqual(await play("connect", extraLines, true), {
      "unbound to stack": "text",
      "unbound to kernel": "text",
      "unbound to stack, poll": "text",
      "unbound to kernel, poll": "text",
      "bound to stack": "text",
      "bound to kernel": "text",
    });
  });
}

test("of threads in several stacks that bind one address at a time one gets it", {
  timeout: 90_000,
}, async () => {
  assert.deepEqual(await play("race", severalStacks, false), { rounds: 40, winners: [1] });
});

test("a one-shot interest in a listener of several stacks fires once", { timeout: 90_000 }, async () => {
  assert.deepEqual(await play("oneshot", severalStacks, true), { events: [1, 1, 1, 0] });
});

test("an epoll instance in another shows it the sockets of every stack", { timeout: 90_000 }, async () => {
  assert.deepEqual(await play("nested", severalStacks, true), { shown: 40, rest: 0 });
});
