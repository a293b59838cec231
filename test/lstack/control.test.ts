/** The control socket of a real process. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readStatistics } from "../../ctl/statistics.js";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { readStackCounters } from "../../scripts/lab/stack-counters.js";
import { redisBenchmark, redisCommand, redisService } from "../apps/redis-server.js";
import { Service } from "../apps/service.js";
import { FOLDER, Guest, gazelle, socketPath, start } from "./control-guest.js";

const NOBODY = 65534;

describe("control socket", { timeout: 60_000 }, () => {
  let service: Service;
  before(async () => {
    service = await start("control");
  });
  after(() => service.stop());

  it("is a file that only its owner may use", () => {
    const status = statSync(socketPath(service));
    assert.ok(status.isSocket());
    assert.equal(status.mode & 0o777, 0o600);
    // An ltran on this machine lets others pass through the folder, to its own socket.
    assert.equal(statSync(FOLDER).mode & 0o766, 0o700);
  });

  it("serves exact numbers: connections, bytes, and no fall-back", async () => {
    const earlier = readStackCounters(service.server.pid);
    await redisBenchmark(service, 7, ["-n", "700", "-t", "get"]);
    const counters = readStackCounters(service.server.pid);
    // redis-benchmark asks for the configuration over a connection of its own.
    assert.equal(counters.tcpPassiveOpens - earlier.tcpPassiveOpens, 8n);
    assert.equal(counters.socketsAccelerated - earlier.socketsAccelerated, 8n);
    assert.ok(counters.socketBytesIn - earlier.socketBytesIn > 700n * 20n);
    assert.equal(counters.fallbacks, 0n);
  });

  it("answers many requests on one connection, and while the application computes", async () => {
    const asleep = redisCommand(service, "DEBUG", "SLEEP", "1");
    await pause(200);
    const guest = new Guest(socketPath(service)).send("gazelle 1 counters\ngazelle 1 counters\n");
    assert.ok(
      await waitUntil(() => guest.received.toString("latin1").split('{"version":1').length === 3, 500),
    );
    guest.socket.destroy();
    await asleep;
  });

  it("survives a background save, whose process ends with the same file in its hands", async () => {
    await redisCommand(service, "BGSAVE");
    const saved = async () => (await redisCommand(service, "INFO", "persistence")).includes("rdb_saves:1");
    assert.ok(await waitUntil(saved, 10_000), await redisCommand(service, "INFO", "persistence"));
    assert.equal((await gazelle("stats", String(service.server.pid))).status, 0);
  });
});

describe("control socket: who may ask", { timeout: 60_000 }, () => {
  let service: Service;
  before(async () => {
    service = await start("control-others");
  });
  after(() => service.stop());

  /** Does something with another user's rights; what is opened within keeps them. */
  function asNobody<T>(work: () => T): T {
    process.seteuid?.(NOBODY);
    try {
      return work();
    } finally {
      process.seteuid?.(0);
    }
  }

  it("another user cannot find it", async () => {
    const refused = asNobody(() => readStatistics(service.server.pid));
    await assert.rejects(
      refused,
      /has no stack, or it is another user's: \/var\/run\/gazelle may not be read$/,
    );
    assert.equal((await readStatistics(service.server.pid)).facts.pid, service.server.pid);
  });

  it("another user cannot open it", async () => {
    chmodSync(FOLDER, 0o755);
    try {
      const refused = asNobody(() => readStatistics(service.server.pid));
      await assert.rejects(refused, /not permitted: only its own user and root may ask it/);
    } finally {
      chmodSync(FOLDER, 0o700);
    }
  });

  it("another user gets no answer even where the file's permissions would let it", async () => {
    const path = socketPath(service);
    chmodSync(FOLDER, 0o755);
    chmodSync(path, 0o666);
    try {
      const guest = asNobody(() => new Guest(path)).send("gazelle 1 counters\n");
      assert.ok(await guest.isClosed(1_000));
      assert.equal(guest.received.length, 0);
      const own = new Guest(path).send("gazelle 1 counters\n");
      assert.ok(await own.hasAnswer());
      own.socket.destroy();
    } finally {
      chmodSync(path, 0o600);
      chmodSync(FOLDER, 0o700);
    }
  });
});

describe("control socket: its file", { timeout: 60_000 }, () => {
  it("goes when the process ends, and its folder with the last", async () => {
    const service = await start("control-end");
    const path = socketPath(service);
    assert.ok(existsSync(path));
    await service.stop();
    assert.ok(!existsSync(path));
  });

  it("is named after unix_prefix, and found all the same", async () => {
    const service = await start("control-prefix", ['unix_prefix="front1-"']);
    try {
      assert.ok(existsSync(socketPath(service, "front1-")));
      assert.equal((await gazelle("stats", String(service.server.pid))).status, 0);
    } finally {
      await service.stop();
    }
    assert.ok(!existsSync(socketPath(service, "front1-")));
  });

  it("of another user's process is where that user may write, and root finds it", async () => {
    const user = ["--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups"];
    // To read the library wherever the clone is, and to have the port.
    const rights = ["--inh-caps", "+net_raw,+dac_read_search", "--ambient-caps", "+net_raw,+dac_read_search"];
    const service = await Service.start({
      ...redisService,
      label: "control-nobody",
      stack: "gazelle",
      command: "setpriv",
      // It could not write its dump, and would refuse to end.
      argumentList: (folder) => [
        ...user,
        ...rights,
        "redis-server",
        ...redisService.argumentList(folder),
        "--save",
        "",
      ],
    });
    const path = `/tmp/gazelle-${NOBODY}/${service.server.pid}.sock`;
    try {
      const { uid, mode } = statSync(path);
      assert.deepEqual([uid, mode & 0o777], [NOBODY, 0o600]);
      assert.equal(readStackCounters(service.server.pid).fallbacks, 0n);
    } finally {
      await service.stop();
    }
    assert.ok(!existsSync(dirname(path)));
  });

  it("of a killed process is taken away by the next start", async () => {
    const killed = await start("control-killed");
    killed.server.signal("SIGKILL");
    await killed.server.ended;
    assert.ok(existsSync(socketPath(killed)), "nobody could have removed it");
    // What its socket is called before it listens.
    const early = join(FOLDER, `.${killed.server.pid}`);
    writeFileSync(early, "");
    const { status, stderr } = await gazelle("stats", String(killed.server.pid));
    assert.equal(status, 1);
    assert.match(stderr, /nobody listens there/);
    const next = await start("control-next");
    assert.ok(await waitUntil(() => !existsSync(socketPath(killed)) && !existsSync(early), 2_000));
    assert.ok(existsSync(socketPath(next)));
    await next.stop();
    await killed.stop();
  });
});
