/** Clients of a control socket that mean no good. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { readStackCounters } from "../../scripts/lab/stack-counters.js";
import { redisCommand } from "../apps/redis-server.js";
import type { Service } from "../apps/service.js";
import { Guest, gazelle, socketPath, start } from "./control-guest.js";

const IDLE_LIMIT_MS = 5_000;
const CLIENTS_MOST = 8;

/** What is refused, and why. */
const REFUSED = [
  ["hello\n", "not a request"],
  ["\n", "not a request"],
  ["gazelle 2 counters\n", "version"],
  ["gazelle 1 reboot\n", "unknown command"],
  ["gazelle 1 counters \n", "unknown command"],
  ["gazelle 1 counters 1\n", "unknown command"],
  ["gazelle 1 pool\n", "unknown command"],
  ["gazelle 1 pool 2 0 1\n", "unknown command"],
  ["gazelle 1 pool 0 0\n", "unknown command"],
  ["gazelle 1 pool 0 0 1 1\n", "unknown command"],
  ["gazelle 1 pool 0 0 1 0 0\n", "unknown command"],
  ["gazelle 1 pool 9 0 1\n", "unknown command"],
  ["gazelle 1 pool -1 0 1\n", "unknown command"],
  ["gazelle 1 statistics 7\n", "unknown command"],
  ["gazelle 1 set\n", "unknown command"],
  ["gazelle 1 set 99 1\n", "unknown command"],
  ["gazelle 1 set 1\n", "unknown command"],
  ["gazelle 1 set 1 1x\n", "unknown command"],
] as const;

/** Questions about pools. */
function declarePools(service: () => Service): void {
  it("shows no more of a pool than was ever in it, and never more than an answer holds", async () => {
    for (const [first, count] of [
      [0, 99_999],
      [3, 1],
      [999_999_999, 99_999],
      [0, 0],
    ] as const) {
      const guest = new Guest(socketPath(service())).send(`gazelle 1 pool 0 ${first} ${count}\n`);
      assert.ok(await guest.hasAnswer());
      const head = JSON.parse(guest.line()) as Record<"count" | "total" | "stride" | "objectsBytes", number>;
      assert.ok(head.count <= Math.max(0, head.total - first) && head.count <= count, guest.line());
      assert.ok(head.objectsBytes === head.count * head.stride && head.objectsBytes <= 32_768, guest.line());
      const whole = () => guest.received.length === guest.line().length + 1 + head.objectsBytes;
      assert.ok(await waitUntil(whole, 1_000));
      guest.socket.destroy();
    }
    assert.equal(await redisCommand(service(), "PING"), "PONG");
  });
}

describe("control socket under attack", { timeout: 60_000 }, () => {
  let service: Service;
  before(async () => {
    service = await start("control-hostile");
  });
  after(() => service.stop());

  it("refuses what is no request, other versions and unknown commands, and hangs up", async () => {
    for (const [request, error] of REFUSED) {
      const guest = new Guest(socketPath(service)).send(request);
      assert.ok(await guest.isClosed(1_000), request);
      assert.deepEqual(JSON.parse(guest.line()), { version: 1, error }, request);
    }
  });

  declarePools(() => service);

  it("hangs up on garbage without end", async () => {
    const guest = new Guest(socketPath(service)).send(Buffer.alloc(1 << 20, 0xa5));
    assert.ok(await guest.isClosed(1_000));
    assert.equal(guest.received.length, 0);
  });

  it("lets others in when those who have all places neither ask nor go", async () => {
    const before = Date.now();
    const silent = Array.from({ length: CLIENTS_MOST - 2 }, () => new Guest(socketPath(service)));
    silent.push(new Guest(socketPath(service)).send("gazelle 1 coun"));
    // Asks again and again, and never reads.
    silent.push(new Guest(socketPath(service), false).send("gazelle 1 counters\n".repeat(10_000)));
    await pause(200);
    const honest = new Guest(socketPath(service)).send("gazelle 1 counters\n");
    assert.ok(!(await honest.hasAnswer(1_000)), "every place is taken");
    assert.ok(await honest.hasAnswer(IDLE_LIMIT_MS + 1_000), "nobody keeps a place for ever");
    assert.ok(Date.now() - before >= IDLE_LIMIT_MS - 500, "a place is kept for a while");
    assert.equal(await redisCommand(service, "PING"), "PONG");
    for (const guest of [...silent, honest]) guest.socket.destroy();
  });

  it("does not hurt the application, whatever comes", async () => {
    const attack = Array.from({ length: 200 }, (_, i) => {
      const guest = new Guest(socketPath(service), i % 2 === 0);
      guest.send(Buffer.from(Array.from({ length: (i * 37) % 190 }, (_x, j) => (i * 131 + j * 17) % 256)));
      if (i % 3 === 0) guest.socket.end();
      if (i % 5 === 0) guest.socket.destroy();
      return guest;
    });
    assert.equal(await redisCommand(service, "PING"), "PONG");
    for (const guest of attack) guest.socket.destroy();
    const answered = async () => (await gazelle("stats", String(service.server.pid))).status === 0;
    assert.ok(await waitUntil(answered, 2 * IDLE_LIMIT_MS));
    assert.equal(readStackCounters(service.server.pid).fallbacks, 0n);
  });
});
