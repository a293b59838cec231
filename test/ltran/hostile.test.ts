/** Hostile clients of ltran: docs/ltran-hostile.md lists the attacks and what came of them. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import * as layout from "../../build/generated/node/registration-layout.js";
import { inBuild } from "../../scripts/build/paths.js";
import { cleanUp } from "../../scripts/lab/cleanup.js";
import { pause } from "../../scripts/lab/command.js";
import { addresses } from "../../scripts/lab/lab.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { type Claims, readReply } from "./client.js";
import { Arena, hostileAddress, hostileUid, strangerUid } from "./hostile-arena.js";

const seconds = Number(process.env["GAZELLE_HOSTILE_SECONDS"] ?? 3);
const firstSeed = Number(process.env["GAZELLE_HOSTILE_SEED"] ?? 1);
const timeout = (120 + 4 * seconds) * 1_000;
let arena: Arena;

before(async () => {
  arena = await Arena.start("hostile");
  await arena.scenario("none", async () => {
    await pause(1_500);
    return "the neighbour by itself";
  });
});
after(async () => {
  if (arena === undefined) return cleanUp();
  await arena.stop();
  writeFileSync(inBuild("ltran-hostile.json"), `${JSON.stringify(arena.outcomes, null, 2)}\n`);
});

/** A registration: what is claimed, and what comes with it. */
interface Attempt {
  claims?: Claims;
  memory?: string;
  toClient?: string;
  toLtran?: string;
  count?: number;
  uid?: number;
}

const regionSize = 2_187_264;
const refused: readonly [string, Attempt, number][] = [
  ["another magic", { claims: { magic: 0x12345678 } }, layout.REFUSAL_MESSAGE],
  ["another version", { claims: { version: 2 } }, layout.REFUSAL_VERSION],
  ["a message of ltran's", { claims: { kind: layout.REGISTRATION_WELCOME } }, layout.REFUSAL_MESSAGE],
  ["half a message", { claims: { length: 48 } }, layout.REFUSAL_MESSAGE],
  ["three bytes", { claims: { length: 3 } }, layout.REFUSAL_MESSAGE],
  ["no descriptor", { count: 0 }, layout.REFUSAL_DESCRIPTORS],
  ["two descriptors", { count: 2 }, layout.REFUSAL_DESCRIPTORS],
  ["four descriptors", { count: 4 }, layout.REFUSAL_DESCRIPTORS],
  ["sixteen descriptors", { count: 16 }, layout.REFUSAL_DESCRIPTORS],
  ["memory that is too small", { memory: "small" }, layout.REFUSAL_REGION],
  ["memory that is too large", { memory: "large" }, layout.REFUSAL_REGION],
  ["memory without seals", { memory: "unsealed" }, layout.REFUSAL_REGION],
  ["memory that may shrink", { memory: "shrinking" }, layout.REFUSAL_REGION],
  ["memory that may grow", { memory: "growing" }, layout.REFUSAL_REGION],
  ["memory that nobody may write", { memory: "read-only" }, layout.REFUSAL_REGION],
  ["a pipe as memory", { memory: "pipe" }, layout.REFUSAL_REGION],
  ["a folder as memory", { memory: "folder" }, layout.REFUSAL_REGION],
  ["/dev/zero as memory", { memory: "zero" }, layout.REFUSAL_REGION],
  ["memory without rings", { memory: "no-ring" }, layout.REFUSAL_GEOMETRY],
  ["slots that are no power of two", { claims: { slots: 500 } }, layout.REFUSAL_GEOMETRY],
  ["no slots", { claims: { slots: 0 } }, layout.REFUSAL_GEOMETRY],
  ["2^31 slots", { claims: { slots: 2 ** 31 } }, layout.REFUSAL_GEOMETRY],
  [
    "rings beyond the region",
    { claims: { slots: 4_096, bufferSize: 0, regionSize: 65_536 } },
    layout.REFUSAL_GEOMETRY,
  ],
  ["buffers beyond the region", { claims: { bufferSize: 2 ** 32 - 1 } }, layout.REFUSAL_GEOMETRY],
  ["a region of no bytes", { claims: { regionSize: 0 } }, layout.REFUSAL_GEOMETRY],
  ["a region of half pages", { claims: { regionSize: regionSize + 7 } }, layout.REFUSAL_GEOMETRY],
  ["a region of 2^52 bytes", { claims: { regionSize: 2 ** 52 } }, layout.REFUSAL_GEOMETRY],
  ["the neighbour's address", { claims: { address: addresses.server } }, layout.REFUSAL_ADDRESS],
  ["an address outside the subnet", { claims: { address: "192.168.1.1" } }, layout.REFUSAL_ADDRESS],
  ["the broadcast address", { claims: { address: "10.77.0.255" } }, layout.REFUSAL_ADDRESS],
  ["the peer's MAC", { claims: { mac: addresses.clientMac } }, layout.REFUSAL_MAC],
  ["a group MAC", { claims: { mac: "ff:ff:ff:ff:ff:ff" } }, layout.REFUSAL_MAC],
  ["too many stacks", { claims: { stackCount: 60_000 } }, layout.REFUSAL_STACK],
  ["a user who may not", { uid: strangerUid }, layout.REFUSAL_CREDENTIALS],
  ["an eventfd to be woken by", { toClient: "eventfd" }, layout.REFUSAL_DESCRIPTORS],
  ["a datagram socket to be woken by", { toClient: "datagram" }, layout.REFUSAL_DESCRIPTORS],
  ["a TCP socket to be woken by", { toClient: "tcp" }, layout.REFUSAL_DESCRIPTORS],
  ["another process' socket to be woken by", { toClient: "borrowed" }, layout.REFUSAL_DESCRIPTORS],
  ["a pipe to wake ltran by", { toLtran: "pipe" }, layout.REFUSAL_DESCRIPTORS],
  ["a folder to wake ltran by", { toLtran: "folder" }, layout.REFUSAL_DESCRIPTORS],
  ["a socket to wake ltran by", { toLtran: "stream" }, layout.REFUSAL_DESCRIPTORS],
];

async function register(attempt: Attempt) {
  const { claims, memory = "good", toClient = "stream", toLtran = "eventfd", count = 3, uid } = attempt;
  const words = ["register", arena.message(claims), memory, toClient, toLtran, String(count)];
  const attacker = arena.launch(words, uid ?? hostileUid);
  const output = await attacker.finished();
  await attacker.stop();
  return readReply(Buffer.from(/^answer (.*)$/m.exec(output)?.[1] ?? "", "hex"));
}

test("ltran runs with sanitizers", { timeout }, () => {
  const maps = readFileSync(`/proc/${arena.ltran.program.pid}/maps`, "latin1");
  assert.match(maps, /libasan/);
  assert.match(maps, /instrumented\/build\/native\/ltran\.node/);
});

describe("registration", { timeout }, () => {
  for (const [what, attempt, code] of refused) {
    test(`refuses ${what}`, () =>
      arena.scenario(`registration with ${what}`, async () => {
        const reply = await register(attempt);
        assert.equal(reply.kind, "refusal");
        assert.equal(reply.code, code, reply.text);
        assert.equal((await arena.report()).instances.length, 1);
        return `refused: ${reply.text.split(";")[0]}`;
      }));
  }

  test("takes what is right, from the same program", async () => {
    assert.equal((await register({})).kind, "welcome");
    await arena.alone();
  });

  test("hangs up on who says nothing", () =>
    arena.scenario("connection that says nothing", async () => {
      const attacker = arena.launch(["silent", "5000"]);
      await attacker.finished();
      const time = attacker.number("ended");
      assert.ok(time >= 1_000 && time < 4_500, `${time} ms`);
      await attacker.stop();
      return `ended after ${time} ms`;
    }));

  test("ends who says more after registering", () =>
    arena.scenario("message after registration", async () => {
      const attacker = arena.launch(["twice", arena.message(), "3000"]);
      await attacker.finished();
      assert.ok(attacker.number("ended") < 2_000);
      await arena.alone();
      await attacker.stop();
      return "registration ended";
    }));

  test("lets others in while 2,000 connections are made", () =>
    arena.scenario("2,000 connections", async () => {
      const attacker = arena.launch(["flood", "2000"]);
      const reply = await register({ uid: 0, claims: { address: "10.77.0.70", key: 70n } });
      assert.equal(reply.kind, "welcome", "root does not get in");
      const output = await attacker.finished();
      const [, made = "", most = ""] = /^flooded (\d+) (\d+)/m.exec(output) ?? [];
      await attacker.stop();
      await arena.alone();
      return `${made} made, at most ${most} open; another user registers meanwhile`;
    }));
});

/** Attacks of a registered client: orders, and what must have been counted for it. */
const rings: readonly [string, readonly string[], Readonly<Record<string, number>>][] = [
  ["cyclic chain", ["chain:512:100:0", "chain:500:100:0"], { ringFault: 20 }],
  ["chain that never ends", ["chain:1:100:0"], { ringFault: 1 }],
  ["chain longer than 64 KB", ["chain:33:2048:1"], { ringFault: 1 }],
  ["chain of 400 slots", ["chain:400:100:1"], { ringFault: 10 }],
  ["another region", ["region:1:00112233"], { ringFault: 1 }],
  ["region 65535", ["region:65535:00112233"], { ringFault: 1 }],
  ["offset behind the region", ["offset:2187260:00112233445566778899"], { ringFault: 1 }],
  ["offset that wraps", ["offset:0xfffffff0:00112233445566778899"], { ringFault: 1 }],
  ["length of 4 GiB", ["length:0xffffffff:00"], { ringFault: 1 }],
  ["length behind the region", ["length:2180000:00"], { ringFault: 1 }],
  ["length of zero", ["length:0:00"], { ringFault: 1 }],
  ["chain of empty slots", ["chain:30:0:1"], { ringFault: 1 }],
];

describe("rings", { timeout }, () => {
  for (const [what, orders, expected] of rings) {
    test(what, () =>
      arena.scenario(what, async () => {
        const attacker = arena.attack(orders);
        await attacker.finished();
        const counts = await attacker.counts();
        for (const [name, least] of Object.entries(expected)) {
          assert.ok((counts[name] ?? 0) >= least, `${name}: ${JSON.stringify(counts)}`);
        }
        await attacker.stop();
        await arena.alone();
        return Object.keys(expected)
          .map((name) => `${name} ${counts[name]}`)
          .join(", ");
      }),
    );
  }

  const deaths: readonly [string, string][] = [
    ["index that jumps ahead", "jump:600"],
    ["index that runs back", "jump:-5"],
    ["receive buffers behind the region", "post:2048:2187000:0"],
    ["receive buffers at an offset that wraps", "post:2048:0xfffff800:0"],
    ["receive buffers of 4 GiB", "post:0xffffffff:0:0"],
    ["receive buffers of no bytes", "post:0:20480:0"],
    ["receive buffers in another region", "post:2048:20480:7"],
    ["head of the receive ring that jumps", "receive-head:40000"],
  ];
  test("receive buffers of one byte", () =>
    arena.scenario("receive buffers of one byte", async () => {
      const attacker = arena.attack(["post:1:20480:0"]);
      await attacker.finished();
      await arena.peer("ping", "-c", "2", "-i", "0.05", "-W", "1", hostileAddress);
      const { vportBroken = 0, ringFaults = 0 } = await attacker.counts();
      assert.ok(vportBroken > 0 && ringFaults > 0, JSON.stringify(await attacker.counts()));
      await attacker.stop();
      await arena.alone();
      return `vportBroken ${vportBroken}, ringFaults ${ringFaults}`;
    }));

  for (const [what, order] of deaths) {
    test(what, () =>
      arena.scenario(what, async () => {
        const attacker = arena.attack([order]);
        assert.match(await attacker.finished(), /^registered$/m);
        // What is for it is dropped, if that is how ltran finds out.
        await arena.peer("ping", "-c", "2", "-i", "0.05", "-W", "1", hostileAddress);
        await arena.alone();
        assert.equal(attacker.program.result(), undefined, "it has not ended");
        await attacker.stop();
        return "ltran hangs up";
      }),
    );
  }
});

describe("memory that changes", { timeout }, () => {
  test("headers rewritten after publication", () =>
    arena.scenario("headers rewritten after publication", async () => {
      const own = arena.forger.datagram(hostileAddress);
      const foreign = arena.forger.datagram(addresses.server);
      const attacker = arena.attack([`flip:${own}:${foreign}:1500`]);
      await attacker.finished();
      const { foreignAddress = 0, ipChecksum = 0, framesIn = 0 } = await attacker.counts();
      assert.ok(foreignAddress > 100 && framesIn - foreignAddress - ipChecksum > 100, "both faces were seen");
      await attacker.stop();
      return `${framesIn} frames, ${foreignAddress} foreignAddress, ${ipChecksum} ipChecksum, none captured`;
    }));

  test("cookies, flags and tails scribbled over", () =>
    arena.scenario("cookies, flags and tails scribbled over", async () => {
      const attacker = arena.attack(["scribble:500:7", `frame:${arena.forger.datagram(hostileAddress)}:10`]);
      await attacker.finished();
      await attacker.stop();
      await arena.alone();
      return `${attacker.number("scribbled")} words; registration ended with the process`;
    }));

  test("memory that is cut, made longer, and emptied", () =>
    arena.scenario("memory that is cut, made longer, and emptied", async () => {
      const frame = `frame:${arena.forger.datagram(hostileAddress)}:10`;
      const attacker = arena.attack(["shrink", "grow", frame, "punch", frame]);
      await attacker.finished();
      assert.equal(attacker.number("shrink"), 1, "EPERM");
      assert.equal(attacker.number("grow"), 1, "EPERM");
      assert.equal(attacker.number("punch"), 0);
      await attacker.stop();
      return "cut and made longer: EPERM; holes read as zeros";
    }));
});

describe("load", { timeout }, () => {
  test("receiver that stops", () =>
    arena.scenario("receiver that stops", async () => {
      const attacker = arena.attack(["sleepy", "overflow"]);
      await attacker.finished();
      const { lab } = arena;
      const neighbour = ["ip", "neighbour", "replace", hostileAddress, "lladdr", addresses.serverMac];
      runInside(lab.clientNamespace, ...neighbour, "dev", lab.clientInterface);
      const script =
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n" +
        `for i in range(5000): s.sendto(b'x' * 100, ('${hostileAddress}', 9))\n`;
      await arena.peer("python3", "-c", script);
      const { vportFull = 0, framesOut = 0 } = await attacker.counts();
      assert.ok(vportFull > 1_000 && framesOut <= 512, `${vportFull} of ${framesOut}`);
      await attacker.stop();
      return `${framesOut} frames kept, vportFull ${vportFull}`;
    }));

  test("eventfd that overflows, woken without end", () =>
    arena.scenario("eventfd that overflows, woken without end", async () => {
      const attacker = arena.attack(["overflow", "wait:200"]);
      await attacker.finished();
      const other = arena.attack(["wake:500"], { key: 67n });
      await other.finished();
      await attacker.stop();
      await other.stop();
      return `${other.number("woke")} wake-ups`;
    }));

  test("producer at full rate", () =>
    arena.scenario("producer at full rate", async () => {
      const attacker = arena.attack([`spin:${arena.forger.datagram(hostileAddress)}:1500`]);
      await attacker.finished();
      await attacker.stop();
      return `${Math.round(attacker.number("sent") / 1.5)} frames a second`;
    }));

  test("producer at full rate against the neighbour", () =>
    arena.scenario("producer at full rate against the neighbour", async () => {
      const frame = arena.forger.datagram(hostileAddress, addresses.server);
      const attacker = arena.attack([`spin:${frame}:1500`]);
      await attacker.finished();
      await attacker.stop();
      return `${Math.round(attacker.number("sent") / 1.5)} frames a second`;
    }));
});

describe("rate limit", { timeout }, () => {
  test("holds a producer at full rate back", () =>
    arena.scenario("producer at full rate, limited to 5,000 packets a second", async () => {
      const ltran = await arena.anotherLtran({ rate_limit_pps: "5000" });
      const orders = [`spin:${arena.forger.datagram(hostileAddress)}:1500`];
      const attacker = arena.attack(orders, {}, ltran);
      await attacker.finished();
      const { rateWaits = 0, framesIn = 0 } = await attacker.counts();
      await attacker.stop();
      await ltran.program.stop();
      assert.ok(rateWaits > 10 && framesIn > 3_000 && framesIn < 13_000, `${rateWaits}, ${framesIn}`);
      return `${Math.round(framesIn / 1.5)} frames a second`;
    }));
});

describe("frames", { timeout }, () => {
  test("what is captured is what leaves", async () => {
    // Sent past ltran: the capture must see what the attacks shall not get out.
    const frame = arena.forger.datagram("10.77.0.99").slice(20);
    const script =
      "import socket\ns = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n" +
      `s.bind(('${arena.lab.serverInterface}', 0))\ns.send(bytes.fromhex('${frame}'))\n`;
    runInside(arena.lab.serverNamespace, "python3", "-c", script);
    await arena.captures(1);
  });

  test("every forged and malformed frame is dropped for its reason", async () => {
    for (const { name, hex, reason, length = 0 } of [
      ...arena.forger.impersonations(),
      ...arena.forger.malformed(),
      ...arena.forger.offloads(),
    ]) {
      await arena.scenario(name, async () => {
        const attacker = arena.attack([`frame:${hex}:3:0:${length}`]);
        await attacker.finished();
        const counts = await attacker.counts();
        assert.ok((counts[reason] ?? 0) >= 3, `${name}: ${reason}: ${JSON.stringify(counts)}`);
        await attacker.stop();
        return `${reason} ${counts[reason]}`;
      });
    }
  });

  test("announcements that are none, or for others", async () => {
    const features = layout.FEATURE_VNET_HEADER | layout.FEATURE_ANNOUNCES;
    for (const { name, hex } of arena.forger.announcements()) {
      await arena.scenario(name, async () => {
        const before = (await arena.report()).counters.announcementsRefused ?? 0;
        const attacker = arena.attack([`frame:${hex}:3`], { features });
        await attacker.finished();
        const refusedNow = ((await arena.report()).counters.announcementsRefused ?? 0) - before;
        const { listeners, flows } = await attacker.counts();
        assert.equal(refusedNow, 3);
        assert.deepEqual([listeners, flows], [0, 0]);
        await attacker.stop();
        return `announcementsRefused ${refusedNow}`;
      });
    }
  });

  test("a million listens and connection requests leave the neighbour room", () =>
    arena.scenario("a million listens, 65,536 connection requests", async () => {
      const features = layout.FEATURE_VNET_HEADER | layout.FEATURE_ANNOUNCES;
      const listen = arena.forger.announcement("listen");
      const request = arena.forger.request(addresses.client, 9);
      const orders = [
        `each:${listen.hex}:${listen.portAt}:1000000`,
        `each:${request.hex}:${request.portAt}:65536`,
      ];
      const attacker = arena.attack(orders, { features });
      await attacker.finished(60_000);
      const { listeners = 0, flows = 0 } = await attacker.counts();
      assert.ok(listeners > 0 && flows > 0);
      assert.ok(await arena.isServing(), "the neighbour takes no new connection");
      await attacker.stop();
      await arena.alone();
      return `${listeners} listeners, ${flows} flows; the neighbour takes new connections`;
    }));
});

describe("random", { timeout }, () => {
  test(`attackers without a plan, for ${seconds} s`, () =>
    arena.scenario("attackers without a plan", async () => {
      const { forger } = arena;
      const frames = [
        forger.datagram(hostileAddress),
        forger.request(addresses.server, 6_379).hex,
        forger.datagram(addresses.server),
        forger.announcement("listen").hex,
        forger.impersonations()[8]?.hex ?? "",
      ].join(":");
      const end = Date.now() + 1_000 * seconds;
      const features = layout.FEATURE_VNET_HEADER | layout.FEATURE_ANNOUNCES;
      let seed = firstSeed;
      for (; Date.now() < end; seed++) {
        const attacker = arena.attack([`random:${seed}:1000:${frames}`], { features });
        await attacker.finished();
        await attacker.stop();
        await arena.assertUnhurt();
      }
      return `${seed - firstSeed} attackers, seeds from ${firstSeed}`;
    }));
});
