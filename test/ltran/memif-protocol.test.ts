/** What ltran says to clients that speak memif wrongly, and that they cannot make it wait. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { placeOf } from "../../ltran/daemon/place.js";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";
import { Redis } from "./redis.js";

const timeout = 60_000;
const address = "10.77.0.9";

let lab: Lab;
let ltran: Daemon;

function start(mode: string, id = 5): Program {
  const script = inRoot("test", "ltran", "memif-client.py");
  return startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: "python3",
    argumentList: [script, mode, placeOf(ltran.prefix).memif, String(id)],
  });
}

async function connected(mode: string): Promise<Program> {
  const client = start(mode);
  assert.ok(await waitUntil(() => /connected/.test(client.output()), 5_000), client.output());
  return client;
}

/** Frames for the client from the kernel, which need no answer. */
function sendTo(count: number): void {
  const neighbour = ["lladdr", addresses.serverMac, "dev", lab.clientInterface];
  runInside(lab.clientNamespace, "ip", "neighbour", "replace", address, ...neighbour);
  const script = `import socket
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
for i in range(${count}): s.sendto(b"x",("${address}",9))`;
  runInside(lab.clientNamespace, "python3", "-c", script);
}

before(async () => {
  lab = createLab({ label: "memifproto", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab, { memif_clients: `"5=${address}"` });
});
after(async () => {
  await ltran.program.stop();
  lab.remove();
});

describe("a memif client is refused", { timeout }, () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["short", /Invalid message size/],
    ["silent", /refused/],
    ["early", /Unexpected message/],
    ["version", /Incompatible memif version/],
    ["ip", /Only ethernet mode supported/],
    ["second", /Invalid region/],
    ["huge", /Invalid region/],
    ["nothing", /Invalid region/],
    ["larger", /memory file cannot be used/],
    ["sealed", /memory file cannot be used/],
    ["file", /Missing interrupt fd/],
    ["slots", /Too many slots/],
    ["shift", /Too many slots/],
    ["outside", /do not fit together/],
    ["cookie", /do not fit together/],
    ["one", /Region or ring is missing/],
    ["uneven", /same size/],
    ["header", /without private headers/],
  ];
  for (const [mode, message] of cases) {
    test(mode, async () => {
      const { stdout } = await start(mode).ended;
      assert.match(stdout.toString(), message);
      assert.equal((await ltran.report()).instances.length, 0);
    });
  }

  test("twice with one number", async () => {
    const first = await connected("idle");
    const { stdout } = await start("idle").ended;
    assert.match(stdout.toString(), /Already connected/);
    await first.stop();
  });
});

describe("a memif client that sleeps", { timeout }, () => {
  test("is kicked by its eventfd", async () => {
    const client = await connected("kick");
    sendTo(1);
    assert.ok(await waitUntil(() => /kicked/.test(client.output()), 10_000));
    assert.doesNotMatch(client.output(), /not kicked/);
    await client.stop();
  });

  test("cannot make the forwarder wait by a full eventfd", async () => {
    const redis = await Redis.start(lab, ltran, addresses.server);
    const client = await connected("jammed");
    sendTo(50);
    await redis.count(5_000, 10);
    assert.equal(await redis.counted(), 5_000);
    const { instances } = await ltran.report();
    const stack = instances.find(({ program }) => program.startsWith("memif 5:"))?.stacks[0];
    // Some may be the kernel's own multicasts.
    assert.ok((stack?.counters.framesOut ?? 0) >= 50);
    await client.stop();
    await redis.program.stop();
  });
});
