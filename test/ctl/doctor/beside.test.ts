/** The doctor beside programs that stand still, that were killed, and that say what makes no sense. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COUNTERS_LAYOUT } from "../../../build/generated/node/counters.js";
import * as layout from "../../../build/generated/node/layout.js";
import { inRoot } from "../../../scripts/build/paths.js";
import { Clinic, type Diagnosis, untilSaid } from "./clinic.js";

const timeout = 60_000;
/** Of a program that does not answer: its patience, and the doctor's own work. */
const ANSWER_MS = 15_000;

function idsOf({ findings }: Diagnosis): string[] {
  return [...new Set(findings.map(({ id }) => id))].sort();
}

/** What a stack would say, with members that make no sense. */
function nonsense(): string {
  const countersBytes = layout.COUNTERS_END - layout.COUNTERS;
  const poolsBytes = layout.POOL_COUNT * layout.POOL_SIZE;
  const lengths = { version: 1, layout: COUNTERS_LAYOUT, countersBytes, poolsBytes };
  const facts = { pid: -1, stacks: 1e9, address: { a: 1 }, port: "ltran", device: ["\u001b[2J"] };
  return `${JSON.stringify({ ...lengths, ...facts })} +${countersBytes + poolsBytes}`;
}

describe("gazelle doctor", { timeout: 5 * timeout }, () => {
  it("says that a program is stopped, and does not wait for it", { timeout }, async () => {
    const clinic = await Clinic.open("beside-stop");
    try {
      const patient = await clinic.startPatient({ port: "packet" });
      patient.signal("SIGSTOP");
      const diagnosis = await clinic.ask();
      assert.deepEqual(idsOf(diagnosis), ["alive"]);
      assert.match(diagnosis.findings[0]?.fix ?? "", new RegExp(`^kill -CONT ${patient.pid}$`));
      assert.equal(diagnosis.status, 1);
    } finally {
      clinic.close();
    }
  });

  it("says that peers do not read", { timeout }, async () => {
    const clinic = await Clinic.open("beside-hoard");
    try {
      await clinic.startPatient({ port: "packet" });
      await clinic.stay("hoard", "2");
      const diagnosis = await clinic.ask();
      assert.deepEqual(idsOf(diagnosis), ["peer-reader"], JSON.stringify(diagnosis.findings, null, 2));
      assert.equal(diagnosis.status, 0);
    } finally {
      clinic.close();
    }
  });

  it("finds what a program that was killed left", { timeout }, async () => {
    const clinic = await Clinic.open("beside-kill");
    try {
      const patient = await clinic.startPatient({ port: "packet", extraLines: ["kni_switch=1"] });
      patient.signal("SIGKILL");
      await patient.ended;
      const diagnosis = await clinic.ask();
      assert.deepEqual(idsOf(diagnosis), ["leftovers", "routing-rules"]);
      const said = diagnosis.findings.map(({ what }) => what).join("\n");
      assert.match(said, new RegExp(`/run/gazelle/${patient.pid}\\.sock is a socket that nobody listens at`));
      assert.match(said, /the rule for 10\.77\.0\.1 names the empty table 172818433/);
      assert.equal(diagnosis.status, 0);
    } finally {
      clinic.close();
    }
  });

  it("is not hurt by programs that say what makes no sense, or say it without end", { timeout }, async () => {
    const clinic = await Clinic.open("beside-odd");
    try {
      const script = inRoot("test", "ctl", "doctor", "impostor.py");
      const answers = ["null", "garbage", '{"version":1,"layout":5}', nonsense(), "drip"];
      for (const answer of answers) {
        const words = ["python3", script, "/var/run/gazelle", answer];
        await untilSaid(clinic.start(words, "", "nobody"), "ready");
      }
      const diagnosis = await clinic.ask();
      assert.deepEqual(
        idsOf(diagnosis),
        ["alive", "library", "ltran"],
        JSON.stringify(diagnosis.findings, null, 2),
      );
      assert.ok(diagnosis.milliseconds < ANSWER_MS, `${diagnosis.milliseconds} ms`);
    } finally {
      clinic.close();
    }
  });
});
