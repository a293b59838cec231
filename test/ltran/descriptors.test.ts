/** An ltran that has no descriptors left: who registers is told so, nobody else notices, and it ends. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import * as layout from "../../build/generated/node/registration-layout.js";
import { pause, run } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { startRedis } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";
import { type Reply, registerOnce } from "./client.js";

const timeout = 60_000;
const ticksPerSecond = 100;
const plenty = 4_096;

let lab: Lab;
let ltran: Daemon;

before(async () => {
  lab = createLab({ label: "fds", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab);
});
after(async () => {
  await ltran.program.stop();
  lab.remove();
});

/** Lets ltran have so many descriptors more than it has: those below a limit that are free. */
function leave(more: number): void {
  const used = new Set(readdirSync(`/proc/${ltran.program.pid}/fd`).map(Number));
  let limit = 0;
  for (let free = 0; free < more || used.has(limit); limit++) free += used.has(limit) ? 0 : 1;
  const wanted = more < plenty ? limit : plenty;
  run("prlimit", ["--pid", String(ltran.program.pid), `--nofile=${wanted}:`]);
}

function cpuSeconds(): number {
  const stat = readFileSync(`/proc/${ltran.program.pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function register(): Promise<Reply> {
  return registerOnce(lab, ltran.socket, { address: "10.77.0.9" });
}

describe("without descriptors", { timeout }, () => {
  test("clients are turned away, others go on, and later clients are let in", async () => {
    const redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
    const traffic = await CheckedTraffic.start(lab, addresses.server, 4);
    for (const more of [0, 1, 2, 3]) {
      leave(more);
      const reply = await register();
      assert.equal(reply.code, layout.REFUSAL_UNABLE, `${more}: ${JSON.stringify(reply)}`);
      assert.match(reply.text, /can register nobody now .*LimitNOFILE/);
    }
    const before = cpuSeconds();
    await pause(1_000);
    assert.ok(cpuSeconds() - before < 0.9, "ltran spins");
    leave(plenty);
    assert.equal((await register()).kind, "welcome");
    const { longestMs } = await traffic.finish();
    assert.ok(longestMs < 1_000, `traffic stood still for ${longestMs} ms`);
    assert.ok((await ltran.report()).turnedAway >= 1);
    assert.match(ltran.program.output(), /turned away \(EMFILE\)/);
    await redis.stop();
  });
});
