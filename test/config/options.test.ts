import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { readTable } from "../../config/table.js";
import { inBuild, inRoot } from "../../scripts/build/paths.js";
import { checkOptions } from "./checker.js";
import { Checks, type IntegerRow, type Options, type SwitchRow } from "./checks.js";

const INTEGERS: readonly IntegerRow[] = [
  ["memory", 0, 32, 4060, 0],
  ["tcp_conn_count", 1500, 1, 4_000_000],
  ["mbuf_count_per_conn", 170, 1, 65535],
  ["mtu", 0, 576, 65535, 0],
  ["rate_limit_pps", 0, 0, 1_000_000_000],
  ["rate_limit_mbps", 0, 0, 1_000_000],
  ["nic_rxqueue_size", 512, 512, 8192],
  ["nic_txqueue_size", 2048, 512, 8192],
  ["nic_read_number", 128, 1, 8192],
  ["bond_miimon", 10, 1, 2147483647],
  ["stack_num", 0, 0, 32],
  ["nic_vlan_mode", -1, -1, 4094],
  ["num_process", 1, 1, 255],
];

const SWITCHES: readonly SwitchRow[] = [
  ["udp_enable", 1],
  ["listen_shadow", 0],
  ["low_power_mode", 0],
  ["kni_switch", 0],
  ["main_thread_affinity", 0],
  ["app_bind_numa", 0],
  ["stack_interrupt", 0],
  ["use_sockmap", 0],
  ["use_ltran", 0],
  ["tuple_filter", 0],
];

/** Key and words; the first one is the default. */
const CHOICES: readonly [string, readonly string[]][] = [
  ["port", ["auto", "packet", "dpdk"]],
  ["congestion_control", ["cubic", "newreno"]],
  ["on_failure", ["exit", "kernel"]],
  ["stack_thread_mode", ["run-to-wakeup", "run-to-completion"]],
];

/** Options with tests of their own elsewhere. */
const OTHERS = [
  "kni_device",
  "host_addr",
  "mask_addr",
  "gateway_addr",
  "devices",
  "dpdk_args",
  "num_cpus",
  "unix_prefix",
  "app_exclude_cpus",
  "host_addr6",
  "process_idx",
  "process_numa",
  "bond_slave_mac",
  "bond_mode",
];

const checks = new Checks(checkOptions);
const shellValue = (key: string, options: Options) => checks.takes(options).values[key];
const hasValue = (key: string, options: Options, expected: number) => checks.hasValue(key, options, expected);
const refuses = (key: string, value: string, must: RegExp) => checks.refuses(key, value, must);

describe("every option", () => {
  it("is in a list of this folder's tests", () => {
    const table = readTable(inBuild("config", "config.wasm"), "lstack").options.filter(
      (option) => !option.isDerived,
    );
    const tested = [...INTEGERS, ...SWITCHES, ...CHOICES].map(([key]) => key).concat(OTHERS);
    assert.deepEqual(table.map((option) => option.key).sort(), tested.sort());
  });
});

describe("integers", () => {
  checks.integers(INTEGERS);

  it("takes hexadecimal numbers and the suffix L", () => {
    assert.equal(shellValue("mtu", { mtu: "0x400" }), "1024");
    assert.equal(shellValue("mtu", { mtu: "1024L" }), "1024");
  });

  it("refuses bond modes that do not exist", () => {
    for (const mode of [-2, 0, 2, 3, 5, 7]) refuses("bond_mode", String(mode), /must be -1, 1, 4 or 6$/);
    refuses("bond_mode", '"1"', /, not a string$/);
    for (const mode of [1, 4, 6]) assert.equal(checkOptions({ bond_mode: String(mode) }).status, 0);
  });

  it("refuses a process index that is not below the number of processes", () => {
    assert.equal(checkOptions({ num_process: "2", process_idx: "1" }).status, 0);
    refuses("process_idx", "1", /less than num_process, which is 1$/);
    refuses("process_idx", "255", /an integer from 0 to 254$/);
  });
});

describe("memory", () => {
  it("is derived from connections and buffers, within 256 MiB and what the receive ring leaves", () => {
    const size = (count: string, buffers: string) =>
      checkOptions({ tcp_conn_count: count, mbuf_count_per_conn: buffers }).values.memory_size;
    assert.equal(size("1", "1"), "256");
    // 1500 x (170 x 2048 + 4096) bytes = 503.9 MiB.
    assert.equal(size("1500", "170"), "504");
    assert.equal(size("4000000", "65535"), "4060");
  });

  it("is what the file says", () => {
    assert.equal(checkOptions({ memory: "1000" }).values.memory_size, "1000");
  });

  it("leaves room for the receive ring below 4 GiB", () => {
    const ring = { nic_rxqueue_size: "8192" };
    assert.equal(checkOptions({ ...ring, memory: "3548" }).status, 0);
    const verdict = checkOptions({ ...ring, memory: "3549" });
    const legal = "must be 0 or an integer from 32 to 3548, because nic_rxqueue_size is 8192";
    assert.deepEqual(verdict.errors, [`5: memory = 3549: ${legal}`]);
    const dpdk = { port: '"dpdk"', dpdk_args: '["--vdev", "net_tap0"]' };
    assert.equal(checkOptions({ ...ring, ...dpdk, memory: "4060" }).status, 0);
  });

  it("knows what the receive ring takes", () => {
    const port = readFileSync(inRoot("lstack", "port", "packet.c"), "utf8");
    assert.match(port, /#define SLOT_SIZE \(17u \* 4096\)/);
    assert.match(port, /#define BLOCK_SIZE \(1u << 20\)/);
  });
});

describe("switches", () => {
  checks.switches(SWITCHES);
});

describe("choices", () => {
  for (const [key, words] of CHOICES) {
    it(key, () => {
      hasValue(key, {}, 0);
      words.forEach((word, index) => {
        hasValue(key, { [key]: `"${word}"` }, index);
      });
      for (const word of ["", "other", words[0]?.toUpperCase(), ` ${words[0]}`]) {
        refuses(key, `"${word}"`, new RegExp(`"${words[0]}"`));
      }
      refuses(key, "1", /, not an integer$/);
    });
  }
});

describe("unix_prefix", () => {
  it("takes up to 64 characters", () => {
    for (const prefix of ["", "a", "p".repeat(64), "with blank-and_dash."]) {
      const value = shellValue("unix_prefix", { unix_prefix: `"${prefix}"` });
      assert.equal(value, prefix);
    }
    refuses("unix_prefix", `"${"p".repeat(65)}"`, /at most 64 characters/);
    refuses("unix_prefix", "1", /, not an integer$/);
  });

  it("refuses characters that a shell or a path would take apart", () => {
    for (const character of "/|;&$><`!") refuses("unix_prefix", `"a${character}b"`, /a string of at most/);
    for (const special of ["\\n", "\\t", "\\x01", "\\\\"]) {
      assert.equal(checkOptions({ unix_prefix: `"a${special}b"` }).status, 1, special);
    }
  });
});

describe("options that this version does not carry out", () => {
  it("warn when they have no effect", () => {
    for (const [key, value] of [
      ["nic_txqueue_size", "1024"],
      ["use_sockmap", "1"],
      ["host_addr6", '"2001:db8::1"'],
      ["app_exclude_cpus", '"1"'],
    ] as const) {
      const verdict = checkOptions({ [key]: value }, "--start");
      assert.equal(verdict.status, 0, key);
      assert.equal(verdict.warnings.length, 1, key);
      assert.match(verdict.warnings[0] ?? "", new RegExp(`^4: warning: ${key} = .*: has no effect: \\w`));
    }
  });

  it("stop a start when ignoring them would be wrong", () => {
    for (const [key, value] of Object.entries({
      nic_vlan_mode: "7",
      num_process: "2",
      tuple_filter: "1",
      bond_mode: "1",
    })) {
      const check = checkOptions({ [key]: value });
      assert.equal(check.status, 0, key);
      const would = new RegExp(`^4: warning: ${key} = ${value}: would stop a start here: must be `);
      assert.match(check.warnings.join("\n"), would);
      const start = checkOptions({ [key]: value }, "--start");
      assert.equal(start.status, 1, key);
      assert.match(start.errors.join("\n"), new RegExp(`^4: ${key} = ${value}: must be `));
    }
  });

  it("say nothing about the values that hold anyway", () => {
    const options = { use_ltran: "0", kni_switch: "0", stack_num: "1", nic_vlan_mode: "-1", bond_mode: "-1" };
    assert.deepEqual(checkOptions(options).warnings, []);
  });
});
