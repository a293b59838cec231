import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { checkOptions } from "./checker.js";

const FIRST = Number.parseInt(readFileSync("/sys/devices/system/cpu/online", "utf8"), 10);

describe("num_cpus", () => {
  it("may be absent or empty: not bound to a CPU", () => {
    for (const options of [{}, { num_cpus: '""' }, { num_cpus: '"  "' }] as Record<string, string>[]) {
      const verdict = checkOptions(options, "--start");
      assert.deepEqual([verdict.status, verdict.values.stacks], [0, "1"]);
    }
  });

  it("takes one CPU of this machine", () => {
    for (const text of [`${FIRST}`, ` ${FIRST} `, `0x${FIRST.toString(16)}`, `${FIRST}-${FIRST}`]) {
      const verdict = checkOptions({ num_cpus: `"${text}"` }, "--start");
      assert.deepEqual([verdict.status, verdict.warnings, verdict.values.stacks], [0, [], "1"], text);
    }
  });

  it("refuses what is no list", () => {
    const wrong = [
      ",",
      "1,",
      ",1",
      "1,,2",
      "-1",
      "1-",
      "-",
      "3-1",
      "1-2-3",
      "0x",
      "0xg",
      "a",
      "1.5",
      "1 2",
      "1;2",
    ];
    wrong.push("640", "0-640", "0x280", "99999999999", "0xffffffffff", "1,1", "0-3,2");
    for (const text of wrong) {
      const verdict = checkOptions({ num_cpus: `"${text}"` });
      const must = `4: num_cpus = "${text}": must be a list of numbers from 0 to 639 such as "2" or "2,4-7"`;
      assert.deepEqual([verdict.status, verdict.errors], [1, [must]]);
    }
    assert.match(checkOptions({ num_cpus: "2" }).errors.join(), /, not an integer$/);
  });

  it("asks for several stacks, with DPDK and with a kernel device too", () => {
    assert.equal(checkOptions({ stack_num: "2", dpdk_args: '["--vdev", "net_tap0"]' }).status, 0);
    assert.equal(checkOptions({ stack_num: "2", kni_switch: "1" }).status, 0);
    assert.equal(checkOptions({ stack_num: "2", use_ltran: "1", kni_switch: "1" }).status, 0);
  });

  it("says how many stacks there are, unless stack_num does", () => {
    const counts = [
      [{}, "1"],
      [{ num_cpus: '"0x27e,639"' }, "2"],
      [{ num_cpus: '"600-631"' }, "32"],
      [{ stack_num: "3" }, "3"],
      [{ num_cpus: '"638,639"', stack_num: "2" }, "2"],
    ] as const;
    for (const [options, stacks] of counts) {
      const verdict = checkOptions(options);
      assert.deepEqual([verdict.status, verdict.values.stacks], [0, stacks]);
    }
    assert.match(
      checkOptions({ num_cpus: '"638,639"', stack_num: "3" }).errors.join(),
      /must be 0 or 2, as many stacks as num_cpus has CPUs$/,
    );
    assert.match(checkOptions({ num_cpus: '"600-632"' }).errors.join(), /must name at most 32 CPUs$/);
    assert.match(checkOptions({ stack_num: "33" }).errors.join(), /must be an integer from 0 to 32$/);
  });

  it("refuses to start on CPUs that are not there", () => {
    const start = checkOptions({ num_cpus: '"638,639"' }, "--start");
    assert.equal(start.status, 1);
    assert.match(
      start.errors[0] ?? "",
      /must be CPUs of this machine, which are [\d,-]+; it has no CPU 638$/,
    );
    const check = checkOptions({ num_cpus: '"0x27e-639"' });
    assert.deepEqual([check.status, check.warnings.length], [0, 1]);
    assert.equal(checkOptions({ num_cpus: '"639"' }, "--start").errors.length, 1);
  });
});

describe("other lists", () => {
  it("have limits of their own", () => {
    assert.equal(checkOptions({ app_exclude_cpus: '"0,4-7, 0x10"' }).status, 0);
    assert.match(checkOptions({ app_exclude_cpus: '"640"' }).errors.join(), /numbers from 0 to 639/);
    assert.equal(checkOptions({ process_numa: '"0-7"' }).status, 0);
    assert.match(checkOptions({ process_numa: '"8"' }).errors.join(), /numbers from 0 to 7/);
    assert.match(checkOptions({ process_numa: "[0]" }).errors.join(), /, not an array$/);
  });
});
