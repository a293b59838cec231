/** Redis on a stack that reaches the wire through ltran: at work, idle, and while ltran is killed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "../../scripts/lab/command.js";
import type { Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import {
  declareIncrements,
  declareLargeValue,
  redisBenchmark,
  redisCommand,
  redisEndpoint,
  redisService,
} from "../apps/redis-server.js";
import { Service } from "../apps/service.js";

const timeout = 120_000;
const prefix = `gz-${process.pid}-stack-`;

function startRedis(label: string, prepare: (lab: Lab) => Promise<unknown>): Promise<Service> {
  const configuration = { port: "ltran" as const, extraLines: [`unix_prefix="${prefix}"`] };
  return Service.start({ ...redisService, label, stack: "gazelle", configuration, prepare });
}

let service: Service;
let ltran: Daemon;

before(async () => {
  service = await startRedis("stack", async (lab) => {
    ltran = await startLtran(lab, {}, prefix);
  });
});
after(async () => {
  await service.stop();
  await ltran.program.stop();
});

describe("Redis through ltran", { timeout }, () => {
  declareIncrements(() => service);
  declareLargeValue(() => service);

  test("sleeps when it has nothing to do", async () => {
    const waits = () => {
      const text = readFileSync(`/proc/${service.server.pid}/status`, "latin1");
      return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(text)?.[1]);
    };
    const ticks = () => {
      const fields =
        readFileSync(`/proc/${service.server.pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
      return Number(fields[11]) + Number(fields[12]);
    };
    await sleep(500);
    const [waited, used] = [waits(), ticks()];
    await sleep(2_000);
    assert.ok(ticks() - used <= 10, `${ticks() - used} ticks of 10 ms in 2 s`);
    assert.ok(waits() - waited < 200, `woken ${waits() - waited} times`);
  });
});

describe("kill -9 of ltran", { timeout }, () => {
  test("is survived by connections; new ones find the listener at the next ltran", async () => {
    const cli = ["redis-cli", ...redisEndpoint].join(" ");
    const script = `(echo SET survivor before; sleep 2; echo GET survivor; sleep 8) | ${cli}`;
    const client = service.startClient("sh", ["-c", script]);
    const said = (text: string) => waitUntil(() => client.output().includes(text), 10_000);
    assert.ok(await said("OK"), client.output());
    ltran.program.signal("SIGKILL");
    await ltran.program.ended;
    const noticed = () => service.server.output().includes("ltran has ended");
    assert.ok(await waitUntil(noticed, 1_000), service.server.output());
    // The request is under way when there is an ltran again.
    await sleep(2_500);
    assert.ok(!client.output().includes("before"));
    ltran = await startLtran(service.lab, {}, prefix);
    assert.ok(await said("before"), `${client.output()}\n${service.server.output()}`);
    await client.stop();
    assert.equal(await redisCommand(service, "GET", "survivor"), "before");
    await service.accounted(() => redisBenchmark(service, 20, ["-t", "incr", "-n", "2000"]), {
      connections: 21,
    });
  });
});

describe("a start", { timeout }, () => {
  test("without ltran ends with the remedy", async () => {
    const started = Service.start({
      ...redisService,
      label: "alone",
      stack: "gazelle",
      configuration: { port: "ltran", extraLines: [`unix_prefix="${prefix}none-"`] },
    });
    await assert.rejects(
      started,
      /gazelle: no ltran at .*none-ltran_client\.sock: No such file.*; start ltran/,
    );
  });

  test("that ltran refuses ends with ltran's reason", async () => {
    let other: Daemon | undefined;
    const started = Service.start({
      ...redisService,
      label: "elsewhere",
      stack: "gazelle",
      configuration: { port: "ltran", extraLines: [`unix_prefix="${prefix}other-"`] },
      prepare: async (lab) => {
        other = await startLtran(lab, { dispatch_subnet: '"10.78.0.0"' }, `${prefix}other-`);
      },
    });
    try {
      await assert.rejects(started, /gazelle: ltran refuses: .*10\.78\.0\.0/);
    } finally {
      await other?.program.stop();
    }
  });
});
