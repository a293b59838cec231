/** Many programs behind one ltran, and one program with many stacks. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readStatistics } from "../../ctl/statistics.js";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runProgram } from "../../scripts/lab/program.js";
import { redisPort, startAccelerated, startRedis } from "./accelerated.js";

const timeout = 120_000;
/** What the original serves at most is what we serve at least. */
const programs = 34;
const stacks = 32;
const memcachedPort = 11_211;
const patienceMs = 20_000;
const valueBytes = 50_000;

let lab: Lab;
let ltran: Daemon;

before(async () => {
  lab = createLab({ label: "many", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab, { dispatch_max_clients: String(programs), memory: "256" });
});
after(async () => {
  await ltran.program.stop();
  lab.remove();
});

/** Values of their own over a connection to each address at once; how many came back unchanged. */
async function exchange(kind: string, port: number, targets: readonly string[]): Promise<number> {
  const { stdout } = await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "python3",
    argumentList: [inRoot("test", "ltran", "many.py"), kind, String(port), String(valueBytes), ...targets],
    timeoutMs: patienceMs,
  });
  return Number(stdout.toString());
}

describe("one ltran", { timeout }, () => {
  test(`serves ${programs} programs at once, each at an address of its own`, async () => {
    const targets = Array.from({ length: programs }, (_, i) => `10.77.0.${100 + i}`);
    const servers = [];
    for (const address of targets) servers.push(await startRedis(lab, { prefix: ltran.prefix, address }));
    assert.equal(await exchange("redis", redisPort, targets), programs);
    const { instances } = await ltran.report();
    assert.deepEqual(instances.map(({ address }) => address).sort(), [...targets].sort());
    await Promise.all(servers.map((server) => server.stop()));
    assert.ok(await waitUntil(async () => (await ltran.report()).instances.length === 0, patienceMs));
  });

  test(`serves one program with ${stacks} stacks`, async () => {
    const words = ["-u", "root", "-l", addresses.server, "-p", String(memcachedPort), "-t", String(stacks)];
    const server = startAccelerated(lab, "memcached", words, {
      prefix: ltran.prefix,
      address: addresses.server,
      extraLines: [`stack_num=${stacks}`, "listen_shadow=1"],
    });
    const registered = async () => (await ltran.report()).instances[0]?.stacks.length === stacks;
    assert.ok(await waitUntil(registered, patienceMs), server.output());
    const targets = Array.from({ length: 4 * stacks }, () => addresses.server);
    assert.equal(await exchange("memcached", memcachedPort, targets), targets.length);
    const { stacks: all = [] } = await readStatistics(server.pid);
    const accepted = all.map(({ counters }) =>
      Number(counters.find(({ name }) => name === "tcpPassiveOpens")?.value ?? 0n),
    );
    assert.equal(
      accepted.reduce((sum, count) => sum + count, 0),
      targets.length,
    );
    // ltran gives each request to the listener with the fewest connections.
    assert.deepEqual(new Set(accepted), new Set([targets.length / stacks]));
    await server.stop();
  });
});
