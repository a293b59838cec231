/** Redis behind ltran, with a client of the kernel: alone, beside others, and when processes die. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { startProgram } from "../../scripts/lab/program.js";
import { Redis } from "./redis.js";

const timeout = 120_000;
/** JavaScript does nothing for this time when the signal arrives. */
const blockMs = 5_000;
const wait = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,${blockMs})`;
const block = `process.on("SIGUSR2",()=>${wait})`;
/** How long is measured with JavaScript at work. */
const normalMs = 3_000;
/** What other programs on the machine may change of a rate from one moment to the next. */
const noise = 3;

let lab: Lab;
let ltran: Daemon;

before(() => {
  lab = createLab({ label: "redis", stack: "gazelle", offloads: "default" });
});
after(() => lab.remove());

/** A client that asks again and again over one connection, and says how that ended. */
function connected(address: string) {
  const script = `import socket,sys,time
s=socket.create_connection((sys.argv[1],6379),5)
s.settimeout(10)
print("connected",flush=True)
try:
    while True:
        s.sendall(b"PING\\r\\n")
        if not s.recv(100): print("end",flush=True); break
        time.sleep(0.01)
except ConnectionResetError:
    print("reset",flush=True)
except TimeoutError:
    print("silence",flush=True)
`;
  return startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "python3",
    argumentList: ["-c", script, address],
  });
}

/** Frames that ltran has moved, and its clock. */
interface Forwarded {
  frames: number;
  microseconds: number;
}

async function forwarded(): Promise<Forwarded> {
  const { counters, uptimeMicroseconds: microseconds } = await ltran.report();
  return { frames: (counters.vportFramesIn ?? 0) + (counters.vportFramesOut ?? 0), microseconds };
}

/** Frames per second between two looks. */
function rate(from: Forwarded, to: Forwarded): number {
  return ((to.frames - from.frames) * 1e6) / (to.microseconds - from.microseconds);
}

/** Frames per second under load while JavaScript is blocked, and while it is not. */
async function compareBlocked(context: TestContext, address: string): Promise<void> {
  const argumentList = ["-h", address, "-c", "20", "-n", "100000000", "-t", "ping_mbulk", "-q"];
  const { clientNamespace: namespace } = lab;
  const load = startProgram({ namespace, role: "client", command: "redis-benchmark", argumentList });
  try {
    await pause(500);
    const start = await forwarded();
    ltran.program.signal("SIGUSR2");
    // The answer comes when JavaScript goes on.
    const end = await forwarded();
    await pause(normalMs);
    const later = await forwarded();
    assert.ok(end.microseconds - start.microseconds >= blockMs * 1_000, "JavaScript was not blocked");
    const blocked = rate(start, end);
    const normal = rate(end, later);
    context.diagnostic(`${Math.round(blocked)} frames/s blocked, ${Math.round(normal)} frames/s otherwise`);
    assert.ok(blocked > normal / noise && blocked < normal * noise, `${blocked} and ${normal} frames/s`);
  } finally {
    await load.stop();
  }
}

describe("Redis behind ltran", { timeout }, () => {
  let first: Redis;
  let second: Redis;

  before(async () => {
    const nodeArguments = ["--import", `data:text/javascript,${block}`];
    ltran = await startLtran(lab, {}, undefined, { nodeArguments });
    first = await Redis.start(lab, ltran, "10.77.0.1");
    second = await Redis.start(lab, ltran, "10.77.0.3");
  });
  after(() => ltran.program.stop());

  test("two processes on two addresses count every request", async () => {
    await Promise.all([first.count(20_000, 50), second.count(10_000, 8, ["-P", "16"])]);
    assert.equal(await first.counted(), 20_000);
    assert.equal(await second.counted(), 10_000);
    const { instances } = await ltran.report();
    assert.deepEqual(instances.map(({ address }) => address).sort(), ["10.77.0.1", "10.77.0.3"]);
  });

  test("values of 64 KB over 50 connections find room in the ring", async () => {
    const before = (await ltran.report()).drops.vportFull ?? 0;
    await first.set(2_000, 50, 65_536);
    assert.equal(((await ltran.report()).drops.vportFull ?? 0) - before, 0, "frames that found no room");
  });

  test("frames are forwarded while JavaScript does nothing", async () => {
    const started = Date.now();
    ltran.program.signal("SIGUSR2");
    await pause(100);
    const before = await first.counted();
    await first.count(5_000, 10);
    assert.equal(await first.counted(), before + 5_000);
    assert.ok(Date.now() - started < blockMs, "the requests took longer than JavaScript was blocked");
    await ltran.report();
    assert.ok(Date.now() - started >= blockMs, "JavaScript was not blocked");
  });

  test("packets per second with JavaScript blocked for 5 s are those of any other time", (context) =>
    compareBlocked(context, first.address));

  test("a killed process' peers are reset within a second, and others notice nothing", async () => {
    const client = connected(second.address);
    assert.ok(await waitUntil(() => /connected/.test(client.output()), 5_000));
    const load = first.count(20_000, 10);
    const before = await first.counted();
    second.program.signal("SIGKILL");
    const killed = Date.now();
    await client.ended;
    assert.match(client.output(), /reset/);
    assert.ok(Date.now() - killed < 1_000, `${Date.now() - killed} ms`);
    await load;
    assert.ok((await first.counted()) > before);
    assert.equal((await ltran.report()).instances.length, 1);
  });

  test("connections survive an ltran that is killed and started again", async () => {
    const client = connected(first.address);
    assert.ok(await waitUntil(() => /connected/.test(client.output()), 5_000));
    ltran.program.signal("SIGKILL");
    await ltran.program.ended;
    ltran = await startLtran(lab, {}, ltran.prefix);
    const isBack = async () => (await ltran.report()).instances.length === 1;
    assert.ok(await waitUntil(isBack, 5_000), "Redis does not register again");
    await first.count(5_000, 10);
    await pause(1_000);
    assert.equal(client.output().trim(), "connected");
    await client.stop();
  });
});
