import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inBuild, inRoot } from "../../scripts/build/paths.js";
import { checkOptions, checkPath, checkText, configuration } from "./checker.js";

describe("keys", () => {
  it("that are unknown are errors, with the nearest known one", () => {
    const nearest = (key: string) => checkOptions({ [key]: "1" }).errors.join();
    assert.match(
      nearest("tcp_con_count"),
      /^4: tcp_con_count = 1: must be a known option; did you mean tcp_conn_count\?$/,
    );
    assert.match(nearest("use_ltarn"), /did you mean use_ltran\?$/);
    assert.match(nearest("UDP_ENABLE"), /did you mean udp_enable\?$/);
    assert.match(nearest("hostaddr"), /did you mean host_addr\?$/);
    assert.match(nearest("something_else_entirely"), /; docs\/configuration\.md lists them all$/);
    assert.match(nearest("k".repeat(5000)), /\.\.\. = 1: must be a known option; docs/);
  });

  it("cannot be computed values", () => {
    assert.match(
      checkOptions({ eal_args: '["a"]' }).errors.join(),
      /eal_args = \(an array\): must be a known option/,
    );
  });

  it("under an old name are taken, with a warning", () => {
    const verdict = checkOptions({ kni_swith: "0", nic_read_num: "128" });
    assert.equal(verdict.status, 0);
    assert.deepEqual(verdict.warnings, [
      "4: warning: kni_swith = 0: is the old name of kni_switch",
      "5: warning: nic_read_num = 128: is the old name of nic_read_number",
    ]);
    assert.match(checkOptions({ kni_swith: "2" }).errors.join(), /kni_swith = 2: must be 0 or 1$/);
  });

  it("of the original that mean nothing here bring a warning", () => {
    for (const key of ["rpc_number", "send_ring_size", "nonblock_mode", "num_wakeup", "mem_cache_num"]) {
      const verdict = checkOptions({ [key]: "1" });
      assert.equal(verdict.status, 0);
      assert.match(
        verdict.warnings.join(),
        new RegExp(`^4: warning: ${key} = 1: has no effect: .*remove the line$`),
      );
    }
  });

  it("may be given once only", () => {
    const twice = checkText(`${configuration({})}mtu = 1500\nkni_swith = 0\nkni_switch = 0\n`);
    assert.match(twice.errors.join(), /6: kni_switch = 0: must be given once; .*:5 has kni_swith$/);
    const same = checkText("mtu = 1500\nmtu = 1500\n");
    assert.deepEqual(
      [same.status, same.errors],
      [1, ["2: syntax: must be libconfig syntax: duplicate setting name"]],
    );
  });
});

describe("messages", () => {
  it("are in the order of the lines, all at once", () => {
    const verdict = checkText('mtu = 1\nhost_addr = "1"\nfoo = 1\nuse_ltran = 5\n');
    const lines = [...verdict.errors].map((message) => Number(message.split(":")[0]));
    assert.deepEqual(lines, [1, 2, 3, 4, 4, 4]);
  });

  it("cannot write to the terminal", () => {
    const verdict = checkText(Buffer.from('devices = "\\x1b[2J\\n\\x7f\xe9/"', "latin1"));
    assert.match(verdict.errors.join(), /^1: devices = "\\x1b\[2J\\x0a\\x7f\xe9\/": must be/);
  });

  it("cut long values", () => {
    const message = checkOptions({ devices: `"${"y".repeat(10_000)}"` }).errors.join();
    assert.ok(message.length < 500, message);
  });

  it("count lines through comments and strings", () => {
    const later = checkText(`${configuration({})}/* a\n * b */\n// c\nunix_prefix = "a" "b"\n;mtu = 3`);
    assert.match(later.errors.join(), /^8: mtu = 3: must be/);
    assert.equal(later.errors.length, 1);
  });
});

describe("syntax", () => {
  it("errors name their line", () => {
    for (const [text, line] of [
      ["mtu", 1],
      ["mtu = \n\n= 3", 3],
      ["mtu = 1500\nhost_addr = 1.2.3.4\n", 2],
      ['a = "unfinished\n\n', 1],
      ['a = [1, "2"]', 1],
      ["a = (1, 2\nb = 3", 2],
      ["}", 1],
      ["\xff\xfe", 1],
    ] as const) {
      const verdict = checkText(Buffer.from(text, "latin1"));
      assert.equal(verdict.status, 1, text);
      assert.equal(verdict.errors.length, 1, text);
      const [, found] = /^(\d+): syntax: must be libconfig syntax: /.exec(verdict.errors[0] ?? "") ?? [];
      assert.ok(Number(found) >= line, `${JSON.stringify(text)}: ${verdict.errors[0]}`);
    }
  });

  it("does not lose the rest of a file in a comment without end", () => {
    const verdict = checkText(`${configuration({})}/* one\n/* two\nmtu = 3\n`);
    assert.deepEqual(verdict.errors, ["4: comment: must end with */"]);
  });

  it("takes groups and lists, which no option is", () => {
    const verdict = checkOptions({ mtu: "{ a = 1; b = (1, (2)); }", port: "((1))" });
    assert.equal(verdict.errors.length, 2);
    assert.match(
      verdict.errors[1] ?? "",
      /port = \(a list\): must be "auto", "packet" or "dpdk", not a list$/,
    );
  });

  it("includes nothing", () => {
    const verdict = checkText(`${configuration({})}@include "/"\n`);
    assert.deepEqual(verdict.errors, ["4: @include: must not be used; all options are in one file"]);
    assert.equal(checkText(`${configuration({})}# @include "/"\nunix_prefix = "@include"\n`).status, 0);
  });

  it("never takes an integer for another one", () => {
    // libconfig 1.5 reads each of these as 256 or -1.
    for (const value of ["4294967552", "0x100000100", "-4294967040", "000000000004294967552"]) {
      const verdict = checkOptions({ memory: value });
      assert.deepEqual(verdict.errors, [`4: memory = ${value}: must be 0 or an integer from 32 to 4060`]);
    }
    assert.match(
      checkOptions({ nic_vlan_mode: "0xffffffff" }).errors.join(),
      /nic_vlan_mode = 0xffffffff: must be/,
    );
    assert.match(checkOptions({ memory: "4294967552L" }).errors.join(), /memory = 4294967552: must be/);
    assert.match(
      checkOptions({ dpdk_args: "[4294967552]" }).errors.join(),
      /4: dpdk_args = 4294967552: must be/,
    );
    assert.equal(checkOptions({ memory: "0000000000000000256", unix_prefix: '"4294967552"' }).status, 0);
  });
});

describe("the file", () => {
  it("must exist and be regular", () => {
    const missing = checkPath("/nonexistent/lstack.conf");
    assert.equal(missing.status, 1);
    assert.match(
      missing.errors.join(),
      /^0: file: must be a readable configuration: No such file or directory$/,
    );
    assert.match(
      checkPath("/").errors.join(),
      /^\/:0: file: .*not a regular file$|^0: file: .*not a regular file$/,
    );
    assert.match(checkPath("/dev/null").errors.join(), /not a regular file$/);
  });

  it("must not be empty of options, large, or binary", () => {
    const empty = checkText("");
    assert.deepEqual([empty.status, empty.errors.length], [1, 3]);
    assert.match(empty.errors[0] ?? "", /^1: host_addr = \(not given\): must be an IPv4 address/);
    const most = 256 * 1024;
    const text = configuration({});
    assert.equal(checkText(text.padEnd(most, "#")).status, 0);
    assert.match(checkText(text.padEnd(most + 1, "#")).errors.join(), /larger than 262144 bytes$/);
    assert.match(checkText(`${text}\0`).errors.join(), /contains a zero byte$/);
  });

  it("of the original passes with warnings, and does not start", () => {
    const folder = ["", "mnt", "hugepages-lstack"].join("/");
    const seed = `dpdk_args=["--socket-mem", "2048,0,0,0", "--huge-dir", "${folder}",
  "--proc-type", "primary", "--legacy-mem", "--map-perfect"]
use_ltran=1
kni_switch=0
low_power_mode=0
num_cpus="2,22"
host_addr="192.168.1.10"
mask_addr="255.255.255.0"
gateway_addr="192.168.1.1"
devices="aa:bb:cc:dd:ee:ff"
`;
    const verdict = checkText(seed);
    assert.deepEqual([verdict.status, verdict.errors], [0, []]);
    const all = verdict.warnings.join("\n");
    for (const part of ["has no effect: with use_ltran = 1", '"2,22": would']) {
      assert.ok(all.includes(part), part);
    }
    const direct = checkText(seed.replace("use_ltran=1", "use_ltran=0")).warnings.join("\n");
    for (const part of ["--huge-dir", "--legacy-mem", "--map-perfect"])
      assert.ok(direct.includes(part), part);
    const start = checkText(seed, "--start");
    assert.equal(start.status, 1);
    assert.match(start.errors.join("\n"), /num_cpus = "2,22": must be CPUs of this machine/);
  });

  it("of the examples passes without a word", () => {
    const verdict = checkPath(inRoot("conf", "lstack.conf"));
    assert.deepEqual([verdict.status, verdict.errors, verdict.warnings], [0, [], []]);
  });
});

describe("several files at a time", () => {
  it("are all checked, and the worst decides", () => {
    const folder = mkdtempSync(join(tmpdir(), "gz-config-"));
    try {
      writeFileSync(join(folder, "good"), configuration({}));
      writeFileSync(join(folder, "bad"), "mtu = 1");
      const options = { cwd: folder, encoding: "utf8" } as const;
      const result = spawnSync(inBuild("gazelle-check"), ["bad", "good"], options);
      assert.equal(result.status, 1);
      assert.equal(result.stdout, "bad: 4 errors, 0 warnings\ngood: ok, 0 warnings\n");
      assert.equal(spawnSync(inBuild("gazelle-check"), ["good", "good"], options).status, 0);
      assert.equal(spawnSync(inBuild("gazelle-check"), [], options).status, 1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
