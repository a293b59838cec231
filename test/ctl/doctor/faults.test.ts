/** The doctor in real namespaces, beside live programs: two faults at a time, chosen by seed, and none. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ConfigurationOptions } from "../../../scripts/lab/lstack-conf.js";
import { Random } from "../../../sim/random.js";
import { Clinic } from "./clinic.js";
import { type Fault, faults, work } from "./faults.js";

/** Another one is another choice of pairs and of the faults' details. */
const SEED = BigInt(process.env.GAZELLE_DOCTOR_SEED ?? 20_261_123);
const timeout = 90_000;
/** Twelve kinds make six pairs. */
const PAIRS = 6;
/** With programs that answer it takes one interval between two samples, and the start of Node. */
const ANSWER_MS = 10_000;

/** All faults in an order of the seed's, by twos. */
function pairs(random: Random): [Fault, Fault][] {
  const left = [...faults];
  const take = () => left.splice(random.below(left.length), 1)[0] as Fault;
  return Array.from({ length: PAIRS }, () => [take(), take()]);
}

const random = new Random(SEED);

describe(`two faults at a time, seed ${SEED}`, { timeout: PAIRS * timeout }, () => {
  for (const [index, pair] of pairs(random).entries()) {
    const title = pair.map(({ name }) => name).join(", and ");
    it(title, { timeout }, async () => {
      const clinic = await Clinic.open(`doctor-${index}`);
      try {
        const extraLines = pair.flatMap((fault) => fault.extraLines ?? []);
        await clinic.startPatient({ port: "packet", extraLines });
        await work(clinic);
        for (const fault of [...pair].sort((one, other) => one.order - other.order)) {
          await fault.plant(clinic, random);
        }
        const { status, findings, milliseconds } = await clinic.ask();
        const shown = JSON.stringify(findings, null, 2);
        for (const { id, what } of pair) {
          assert.ok(
            findings.some((finding) => finding.id === id && what.test(finding.what)),
            `${id}: ${what}\n${shown}`,
          );
        }
        const expected = pair.flatMap(({ id, companions = [] }) => [id, ...companions]);
        assert.deepEqual(
          findings.filter(({ id }) => !expected.includes(id)),
          [],
          shown,
        );
        assert.equal(status, findings.some(({ severity }) => severity === "error") ? 1 : 0);
        assert.ok(milliseconds < ANSWER_MS, `${milliseconds} ms`);
      } finally {
        clinic.close();
      }
    });
  }
});

/** What runs where nothing is wrong. */
const runs: readonly (readonly [string, "default" | "equal", ConfigurationOptions | null])[] = [
  ["nothing but a namespace", "default", null],
  ["a program on the packet port", "default", { port: "packet" }],
  [
    "a program with two stacks",
    "default",
    { port: "packet", extraLines: ["stack_num=2", "listen_shadow=1"] },
  ],
  [
    "a program that shares its address with the kernel",
    "default",
    { port: "packet", extraLines: ["kni_switch=1"] },
  ],
  ["a program over DPDK", "equal", { port: "dpdk" }],
  ["a program behind ltran", "default", { port: "ltran", extraLines: ['unix_prefix="gz-well-"'] }],
];

describe("no fault and no finding", { timeout: runs.length * timeout }, () => {
  for (const [index, [title, offloads, options]] of runs.entries()) {
    it(title, { timeout }, async () => {
      const clinic = await Clinic.open(`well-${index}`, offloads);
      try {
        if (options?.port === "ltran") await clinic.startLtran("gz-well-", {});
        if (options !== null) {
          await clinic.startPatient(options);
          await work(clinic);
        }
        const { status, findings } = await clinic.ask();
        assert.deepEqual(findings, []);
        assert.equal(status, 0);
      } finally {
        clinic.close();
      }
    });
  }
});
