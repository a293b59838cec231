/** ltran ends, however it does, and another one starts: its clients and their connections go on. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, gazellectl, startLtran } from "../../scripts/lab/ltran.js";
import { type Program, runProgram } from "../../scripts/lab/program.js";
import { redisPort, startRedis } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";

const timeout = 60_000;
const returnTimeoutMs = 2_000;
/** Clients try again five times a second; a peer's own timer doubles from 0.2 s while ltran is away. */
const standstillMs = 3_000;
const kills = 4;
/** A peer that sent into the void tries again after up to twice the time that ltran was away. */
const settleMs = 1_000;
const connections = 8;
const redisAddresses = [addresses.server, "10.77.0.3"];

let lab: Lab;
let ltran: Daemon;
const servers: Program[] = [];
const traffic: CheckedTraffic[] = [];

before(async () => {
  lab = createLab({ label: "restart", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab);
  for (const address of redisAddresses) {
    servers.push(await startRedis(lab, { prefix: ltran.prefix, address }));
    traffic.push(await CheckedTraffic.start(lab, address, connections));
  }
});
after(async () => {
  await Promise.all([...traffic.map(({ program }) => program.stop()), ...servers.map((s) => s.stop())]);
  await ltran.program.stop();
  lab.remove();
});

/** How often the servers registered again, in all. */
function returns(): number {
  const count = (server: Program) => server.output().match(/registered with ltran again/g)?.length ?? 0;
  return servers.reduce((sum, server) => sum + count(server), 0);
}

async function ask(address: string, ...words: string[]): Promise<string> {
  const result = await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "redis-cli",
    argumentList: ["-h", address, "-p", String(redisPort), "--raw", ...words],
    timeoutMs: 5_000,
  });
  return result.stdout.toString().trim();
}

/** Starts the next ltran; answers milliseconds until all servers were registered. */
async function startNext(): Promise<number> {
  const expected = returns() + servers.length;
  const began = performance.now();
  ltran = await startLtran(lab);
  assert.ok(await waitUntil(() => returns() === expected, returnTimeoutMs, 5), servers[0]?.output());
  return Math.round(performance.now() - began);
}

/** Every connection of before is still there, works, and ltran knows it; new ones are accepted. */
async function assertGoesOn(ports: readonly (readonly number[])[]): Promise<void> {
  for (const [index, one] of traffic.entries()) {
    one.assertRuns();
    assert.deepEqual(one.ports(), ports[index], "the same connections");
  }
  const answers = await Promise.all(redisAddresses.map((address) => ask(address, "PING")));
  assert.deepEqual(answers, ["PONG", "PONG"]);
  const stacks = (await ltran.report()).instances.flatMap(({ stacks: all }) => all);
  assert.equal(stacks.length, 2);
  for (const { listeners, flows } of stacks) {
    assert.equal(listeners, 1);
    assert.ok(flows >= connections, `${flows} flows of ${connections} connections`);
  }
}

describe("another ltran after one that ended", { timeout }, () => {
  for (let number = 1; number <= kills; number++) {
    test(`takes over after SIGKILL under load, time ${number}`, async (context: TestContext) => {
      const ports = traffic.map((one) => one.ports());
      ltran.program.signal("SIGKILL");
      await ltran.program.ended;
      const took = await startNext();
      await pause(settleMs);
      await assertGoesOn(ports);
      context.diagnostic(`all were registered ${took} ms after the next ltran's start`);
    });
  }

  test("takes over after gazellectl ltran quit", async () => {
    const ports = traffic.map((one) => one.ports());
    await gazellectl(lab, ltran.prefix, "ltran", "quit");
    assert.equal((await ltran.program.ended).status, 0);
    await pause(500);
    await startNext();
    await pause(settleMs);
    await assertGoesOn(ports);
  });

  test("no byte was wrong, no connection ended, nobody was reset", async (context: TestContext) => {
    const reports = await Promise.all(traffic.map((one) => one.finish()));
    const { resetsUnknown = 0 } = (await ltran.report()).counters;
    assert.equal(resetsUnknown, 0);
    for (const { changes, kept, longestMs } of reports) {
      assert.ok(changes >= connections * (kills + 1) * 2 && kept > 0, `${changes} changes`);
      assert.ok(longestMs < standstillMs, `traffic stood still for ${longestMs} ms`);
      context.diagnostic(`one of ${changes} changes took ${longestMs} ms, none longer`);
    }
  });
});
