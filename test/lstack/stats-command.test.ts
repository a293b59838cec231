/** `gazelle stats`, against real processes and against others. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { COUNTERS_LAYOUT } from "../../build/generated/node/counters.js";
import { redisBenchmark } from "../apps/redis-server.js";
import { type Service, serverAddress } from "../apps/service.js";
import { FOLDER, gazelle, type Outcome, start } from "./control-guest.js";

const path = join(FOLDER, `${process.pid}.sock`);

/** Plays a process that answers `answer`, or nothing, to everybody. */
async function against(
  answer: string | Buffer | undefined,
  check: (outcome: Outcome) => void,
): Promise<void> {
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  const server = createServer((client) => {
    client.on("error", () => undefined);
    if (answer === undefined) client.destroy();
    else client.write(answer);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    check(await gazelle("stats", String(process.pid)));
  } finally {
    server.close();
    rmSync(path, { force: true });
  }
}

describe("gazelle stats of a stack", { timeout: 60_000 }, () => {
  let service: Service;
  before(async () => {
    service = await start("stats");
    await redisBenchmark(service, 2, ["-n", "100", "-t", "get"]);
  });
  after(() => service.stop());

  it("is printed by gazelle stats: numbers by group, with what they mean, and pools", async () => {
    const { status, stdout } = await gazelle("stats", String(service.server.pid));
    assert.equal(status, 0);
    assert.match(
      stdout,
      new RegExp(`^redis-server, process ${service.server.pid}, [\\d.]+ s on the stack\n`),
    );
    assert.match(stdout, new RegExp(`^ {2}address {2}${serverAddress}/24, 02:67:7a:00:00:01, gateway `, "m"));
    assert.match(stdout, /^TCP\n( {2}tcp.*\n)* {2}tcpPassiveOpens +\d+ {2}Connections opened by a peer/m);
    assert.match(stdout, /^Pools\n {2}socket +\d+ of \d+ {2}most \d+$/m);
    assert.doesNotMatch(stdout, /tcpSequenceWraps/);
    const everything = await gazelle("stats", "--all", String(service.server.pid));
    assert.match(everything.stdout, /^ {2}tcpSequenceWraps +0 {2}/m);
    assert.match(everything.stdout, /^ {2}fragmentOverlap +0 {2}/m);
  });

  it("is listed by gazelle stats without a process", async () => {
    const { status, stdout } = await gazelle("stats");
    assert.equal(status, 0);
    const expected = `${service.server.pid}  redis-server  ${serverAddress}/24  packet  server0`;
    assert.ok(stdout.split("\n").includes(expected), stdout);
  });
});

describe("gazelle stats of something else", { timeout: 60_000 }, () => {
  it("says that a process has no stack", async () => {
    const { status, stderr } = await gazelle("stats", String(process.pid));
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^gazelle: stats: process ${process.pid} has no stack`));
    const nobody = await gazelle("stats", "4194305");
    assert.equal(nobody.status, 1);
    assert.match(nobody.stderr, /there is no process 4194305/);
  });

  it("refuses arguments that name no process", async () => {
    for (const args of [["x"], ["0"], ["-1"], ["1", "2"], ["--every", "1"]]) {
      assert.equal((await gazelle("stats", ...args)).status, 1, args.join(" "));
    }
  });

  it("says that the other side speaks another version", async () => {
    await against('{"version":2,"error":"version"}\n', ({ status, stderr }) => {
      assert.equal(status, 1);
      assert.match(stderr, /it speaks version 2 of the control protocol, this tool version 1/);
    });
  });

  it("says that the other side counts other things", async () => {
    const layout = COUNTERS_LAYOUT.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
    const head = { version: 1, layout, countersBytes: 0, poolsBytes: 0, pid: process.pid };
    await against(`${JSON.stringify(head)}\n`, ({ status, stderr }) => {
      assert.equal(status, 1);
      assert.match(stderr, /another build of Gazelle/);
    });
  });

  it("is not hurt by answers that make no sense", async () => {
    const endless = Buffer.alloc(1 << 20, 0x41);
    const huge = '{"version":1,"countersBytes":1e12,"poolsBytes":0}\n';
    for (const answer of ["null\n", "{}\n", "garbage\n", huge, endless, undefined]) {
      await against(answer, ({ status, stderr }) => {
        assert.equal(status, 1);
        assert.match(stderr, /^gazelle: stats: process \d+: [^\n]+\n$/);
      });
    }
  });

  it("passes over files that are no sockets", async () => {
    mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
    writeFileSync(path, "");
    try {
      assert.equal((await gazelle("stats", String(process.pid))).status, 1);
      assert.equal((await gazelle("stats")).status, 0);
    } finally {
      rmSync(path, { force: true });
    }
  });
});
