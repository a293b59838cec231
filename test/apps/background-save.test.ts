/** Redis saves of its own accord, as its default settings say, while clients change what it saves. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { waitUntil } from "../../scripts/lab/command.js";
import type { Program } from "../../scripts/lab/program.js";
import type { LoadReport } from "./checked-load.js";
import { onEachStack } from "./each-stack.js";
import { redisCommand, redisPort, redisService } from "./redis-server.js";
import type { Service } from "./service.js";
import { serverAddress } from "./service.js";

const program = fileURLToPath(new URL("./checked-load.js", import.meta.url));
const connections = 50;
/** The setting that fires: after 60 s if at least 10,000 keys changed. */
const leastChanges = 10_000;
const saveTimeoutMs = 200_000;
const sampleIntervalMs = 250;
/** Waits that long after each key while it saves, so that a save of a few megabytes takes some seconds. */
const slowSave = ["--rdb-key-save-delay", "1000"];

/** What Redis says about its saves. */
interface Sample {
  inProgress: boolean;
  lastStatus: string;
  saves: number;
  /** Seconds since 1970. */
  lastSave: number;
  changesSinceSave: number;
  /** SET commands since the start. */
  sets: number;
  /** Commands seen since the start that save. */
  saveCommands: string[];
}

async function sample(service: Service): Promise<Sample> {
  const text = await redisCommand(service, "INFO", "persistence", "commandstats");
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(text)?.[1] ?? "missing";
  return {
    inProgress: field("rdb_bgsave_in_progress") === "1",
    lastStatus: field("rdb_last_bgsave_status"),
    saves: Number(field("rdb_saves")),
    lastSave: Number(field("rdb_last_save_time")),
    changesSinceSave: Number(field("rdb_changes_since_last_save")),
    sets: Number(/calls=(\d+)/.exec(field("cmdstat_set"))?.[1] ?? 0),
    saveCommands: text.match(/^cmdstat_(bgsave|save|bgrewriteaof|debug|shutdown)\b/gm) ?? [],
  };
}

/** Samples until `condition` holds. @throws AssertionError when the load ends first, or after 200 s. */
async function sampleUntil(
  service: Service,
  load: Program,
  condition: (state: Sample) => boolean,
): Promise<Sample> {
  let state = await sample(service);
  const check = async () => {
    state = await sample(service);
    return condition(state) || load.result() !== undefined;
  };
  const came = await waitUntil(check, saveTimeoutMs, sampleIntervalMs);
  assert.equal(load.result(), undefined, `the load ended: ${load.output()}`);
  assert.ok(came, `no background save: ${JSON.stringify(state)}`);
  return state;
}

async function loadAcrossSave(service: Service): Promise<void> {
  const before = await sample(service);
  assert.deepEqual([before.saves, before.inProgress], [0, false]);
  const load = service.startClient(process.execPath, [
    program,
    serverAddress,
    ...[redisPort, connections].map(String),
  ]);
  const during = await sampleUntil(service, load, (state) => state.inProgress);
  const after = await sampleUntil(service, load, (state) => !state.inProgress);
  load.signal("SIGTERM");
  const { status, stdout } = await load.ended;
  assert.equal(status, 0, load.output());

  assert.ok(during.changesSinceSave >= leastChanges, JSON.stringify(during));
  assert.ok(after.sets > during.sets, "the load stood still while Redis saved");
  assert.deepEqual([after.saves, after.lastStatus], [1, "ok"]);
  assert.ok(after.lastSave > before.lastSave, "the time of the last save did not change");
  const report = JSON.parse(stdout.toString()) as LoadReport;
  const end = await sample(service);
  assert.deepEqual(end.saveCommands, [], "a command saved");
  assert.equal(end.sets, report.changes, "changes that arrived");
  assert.equal(await redisCommand(service, "DBSIZE"), String(report.kept));
  const file = await service.client("redis-check-rdb", [join(service.folder, "dump.rdb")]);
  assert.match(file.stdout.toString(), new RegExp(`^\\[info\\] ${report.kept} keys read$`, "m"));
}

// At the same time: both do little but wait for the minute to pass.
describe("background save", { concurrency: true }, () => {
  onEachStack(
    "redis background save",
    () => ({
      ...redisService,
      argumentList: (folder) => [...redisService.argumentList(folder), ...slowSave],
    }),
    (service) => {
      test(`fires by its default timer under the load of ${connections} connections`, async () => {
        const settings = await redisCommand(service(), "CONFIG", "GET", "save");
        assert.equal(settings, "save\n3600 1 300 100 60 10000");
        await service().accounted(() => loadAcrossSave(service()));
      });
    },
    { timeoutMs: 2 * saveTimeoutMs },
  );
});
