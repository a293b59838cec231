/** Each check is shown what it exists to find, and machines on which everything is right. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { CHECKS, diagnose } from "../../../ctl/doctor/checks.js";
import type { Facts } from "../../../ctl/doctor/facts/facts.js";
import type { Finding } from "../../../ctl/doctor/finding.js";
import { inRoot } from "../../../scripts/build/paths.js";
import { dpdkFile, healthy, link, lstackFile, ltranFile, program, report, sample } from "./made-up-facts.js";
import { type Changes, changed, pool } from "./trouble.js";
import { beforeStart } from "./trouble-before-start.js";
import { besidePrograms, leftBehind } from "./trouble-beside-programs.js";

const overVeth = ["--vdev", "net_af_packet0,iface=eth1"];
const behindLtran = lstackFile({ port: "ltran", device: "" });
const noCapabilities = { uid: 1_000, capabilities: 0n };
const remains = healthy().remains;

function wrong(facts: Facts): Finding[] {
  return diagnose(facts).filter(({ ok }) => !ok);
}

describe("each check finds what it exists for", () => {
  for (const [name, changes, id, severity, what] of [...beforeStart, ...besidePrograms, ...leftBehind]) {
    it(name, () => {
      const findings = wrong(changed(changes));
      const found = findings.find((finding) => finding.id === id);
      assert.ok(found, JSON.stringify(findings));
      assert.equal(found.severity, severity);
      assert.match(found.what, what);
      assert.ok(found.why.length > 10 && found.fix.length > 5, JSON.stringify(found));
      assert.deepEqual([...new Set(findings.map((finding) => finding.id))], [id]);
    });
  }

  it("and none is without a case", () => {
    const shown = new Set([...beforeStart, ...besidePrograms, ...leftBehind].map(([, , id]) => id));
    assert.deepEqual(
      CHECKS.map(({ id }) => id).filter((id) => !shown.has(id)),
      [],
    );
  });
});

/** What looks like trouble and is none. */
const fine: readonly (readonly [string, Changes])[] = [
  ["a machine on which everything is right", {}],
  ["a machine without configuration and programs", { configurations: [], links: [] }],
  ["a running program with its configuration", { programs: [program()] }],
  [
    "the kernel's device of kni_switch, which has the address on purpose",
    {
      configurations: [lstackFile({ hasKernelDevice: true })],
      programs: [program()],
      links: [link(), link({ name: "kni", kind: "tun", addresses: ["192.168.1.10"] })],
    },
  ],
  [
    "huge pages that the running program of the configuration has taken",
    {
      configurations: [dpdkFile([...overVeth, "--socket-mem", "512"], { wantsHugePages: true })],
      programs: [program({}, { port: "dpdk" })],
    },
  ],
  [
    "a shell with the variables of a program that runs",
    {
      bystanders: [{ pid: 9, names: ["sh"], wanted: "redis-server", hasSockets: true }],
      matchedNames: ["redis-server"],
    },
  ],
  [
    "a preloaded helper without a connection",
    { bystanders: [{ pid: 9, names: ["sh"], wanted: "redis-server", hasSockets: false }] },
  ],
  [
    "an ltran that is about to be started",
    { configurations: [ltranFile()], ltrans: [{ prefix: "", socket: "/s", report: null }] },
  ],
  [
    "ltran, which sets the MTU of its device itself",
    { configurations: [ltranFile({ mtu: 9_000 })], links: [link({ mtu: 1_500 })] },
  ],
  [
    "rights that a program behind ltran does not need",
    {
      configurations: [behindLtran],
      ltrans: [{ prefix: "", socket: "/s", report: report() }],
      machine: noCapabilities,
    },
  ],
  ["a segment that was lost once", { programs: [program({ counters: { tcpRetransmits: 3 } })] }],
  [
    "a filter that belongs to a living socket",
    {
      remains: { ...remains, tables: [{ name: "gz-0000000000000102", isOwned: true }] },
    },
  ],
  [
    "a filter of an ltran that lives, on an old kernel",
    {
      ltrans: [{ prefix: "", socket: "/s", report: report() }],
      remains: { ...remains, tables: [{ name: "gz-0000010000000002", isOwned: false }] },
    },
  ],
  [
    "bytes that a program threw away with its connections",
    {
      programs: [
        program(
          {},
          {
            first: sample({ counters: { tcpBytesIn: 300_000 }, pools: { buffer: pool(2, 500, 0) } }),
            second: sample({ counters: { tcpBytesIn: 300_000 }, pools: { buffer: pool(2, 500, 0) } }),
          },
        ),
      ],
    },
  ],
];

describe("no finding", () => {
  for (const [name, changes] of fine) {
    it(name, () => assert.deepEqual(wrong(changed(changes)), []));
  }

  it("and each check says then what it has looked at", () => {
    const findings = diagnose(healthy());
    assert.deepEqual(
      findings.map(({ id }) => id),
      CHECKS.map(({ id }) => id),
    );
    assert.ok(findings.every(({ ok, what }) => ok && what.length > 10));
  });
});

it("names are used once, and docs/doctor.md has them all", () => {
  const ids = CHECKS.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const document = readFileSync(inRoot("docs", "doctor.md"), "utf8").split("## Checks")[1] ?? "";
  const rows = [...document.matchAll(/^\| `([\w-]+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(rows, ids);
});
