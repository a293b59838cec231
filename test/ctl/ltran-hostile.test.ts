/** Clients of ltran's control socket that mean no good. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { placeOf } from "../../ltran/daemon/place.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { redisCommand, redisService } from "../apps/redis-server.js";
import { Service } from "../apps/service.js";
import { Guest } from "../lstack/control-guest.js";
import { gazellectl } from "./gazellectl.js";

const refused = [
  "hello",
  "",
  "gazelle 2 instances",
  "gazelle 1 reboot",
  "gazelle 1 quit now",
  "gazelle 1 instances 0",
  "gazelle 1 flows",
  "gazelle 1 flows -1",
  "gazelle 1 flows 1x",
  "gazelle 1 flows 99999999999",
  "gazelle 1 flows 0 1",
  "gazelle 1 listeners x",
  "gazelle 1 loglevel",
  "gazelle 1 loglevel loud",
  "gazelle 1 constructor",
  "gazelle 1 __proto__",
];

describe("ltran's control socket under attack", { timeout: 60_000 }, () => {
  let service: Service;
  let path = "";
  before(async () => {
    service = await Service.start({ ...redisService, label: "ctl-hostile", stack: "gazelle", ltran: {} });
    path = placeOf(service.ltran?.prefix ?? "").control;
  });
  after(() => service.stop());

  it("refuses what is no request, and hangs up", async () => {
    for (const request of refused) {
      const guest = new Guest(path).send(`${request}\n`);
      assert.ok(await guest.isClosed(1_000), request);
      assert.equal(typeof (JSON.parse(guest.line()) as { error?: string }).error, "string", request);
    }
  });

  it("answers pages beyond the end of a table with nothing", async () => {
    for (const first of [1, 512, 2_000_000_000]) {
      const guest = new Guest(path).send(`gazelle 1 flows ${first}\n`);
      assert.ok(await guest.hasAnswer());
      const page = JSON.parse(guest.line()) as { looked: number; rows: unknown[]; places: number };
      assert.ok(page.looked <= Math.max(0, page.places - first) && page.rows.length <= page.looked);
      guest.socket.destroy();
    }
  });

  it("does not hurt, whatever comes", async () => {
    const attack = Array.from({ length: 200 }, (_, i) => {
      const guest = new Guest(path, i % 2 === 0);
      guest.send(Buffer.from(Array.from({ length: (i * 37) % 190 }, (_x, j) => (i * 131 + j * 17) % 256)));
      if (i % 3 === 0) guest.send("gazelle 1 flows 0\n".repeat(500));
      if (i % 5 === 0) guest.socket.destroy();
      return guest;
    });
    assert.equal(await redisCommand(service, "PING"), "PONG");
    for (const guest of attack) guest.socket.destroy();
    const prefix = service.ltran?.prefix ?? "";
    const answers = async () => (await gazellectl(["-u", prefix, "ltran", "show"])).status === 0;
    assert.ok(await waitUntil(answers, 10_000));
    assert.equal(await redisCommand(service, "PING"), "PONG");
  });
});
