// The program ltran, as far as its arguments and its configuration go.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readTable } from "../../config/table.js";
import { loadLtranConfig } from "../../ctl/ltran-config.js";
import { inBuild, inRoot } from "../../scripts/build/paths.js";
import { newFile } from "./checker.js";
import { ltranConfiguration, ORIGINAL } from "./ltran-file.js";

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

function ltran(...args: string[]): Ended {
  return spawnSync(process.execPath, [inRoot("ctl", "bin", "ltran.mjs"), ...args], { encoding: "utf8" });
}

function gazelleCheck(...args: string[]): Ended {
  const program = inRoot("ctl", "bin", "gazelle.mjs");
  return spawnSync(process.execPath, [program, "check", ...args], { encoding: "utf8" });
}

const folder = mkdtempSync(join(tmpdir(), "gz-ltran-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as { version: string };
const good = newFile(ltranConfiguration({}));
const bad = newFile(ltranConfiguration({ bond_mtu: "67" }));
const BAD = `${bad}:6: bond_mtu = 67: must be an integer from 68 to 65535\n`;

describe("ltran", () => {
  it("says its version and its usage", () => {
    for (const option of ["-v", "--version"]) {
      assert.deepEqual([ltran(option).status, ltran(option).stdout], [0, `ltran ${version}\n`]);
    }
    for (const option of ["-h", "--help"]) {
      const help = ltran("--config-file", "/nonexistent", option);
      assert.deepEqual([help.status, help.stderr], [0, ""]);
      assert.match(help.stdout, /^Usage: ltran /);
      for (const name of ["-c, --config-file", "--check", "-v, --version", "-h, --help"]) {
        assert.ok(help.stdout.includes(name), name);
      }
      assert.ok(help.stdout.includes("/etc/gazelle/ltran.conf"));
    }
  });

  it("refuses arguments that it does not know", () => {
    for (const [args, message] of [
      [["--chekc"], "unknown option --chekc; see ltran --help"],
      [["stray"], "must be started without stray; see ltran --help"],
      [["-c"], "-c needs a file"],
      [["--config-file="], "--config-file needs a file"],
    ] as const) {
      const result = ltran(...args);
      assert.deepEqual([result.status, result.stdout, result.stderr], [1, "", `ltran: ${message}\n`]);
    }
  });

  it("checks the file that is named, in every way of naming it", () => {
    for (const args of [["-c", good], [`-c${good}`], ["--config-file", good], [`--config-file=${good}`]]) {
      const result = ltran("--check", ...args);
      assert.deepEqual([result.status, result.stdout, result.stderr], [0, `${good}: ok, 0 warnings\n`, ""]);
    }
    const result = ltran("-c", bad, "--check");
    assert.deepEqual([result.status, result.stderr], [1, BAD]);
  });

  it("reads its own file when none is named", () => {
    const path = "/etc/gazelle/ltran.conf";
    const { stdout, stderr } = ltran("--check");
    assert.ok(`${stdout}${stderr}`.startsWith(path), stderr);
    if (!existsSync(path))
      assert.ok(stderr.startsWith(`${path}:0: file: must be a readable configuration: `));
  });

  it("takes the original's example, with warnings", () => {
    const path = newFile(ORIGINAL);
    const result = ltran("--check", "-c", path);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /: ok, [56] warnings$/m);
    assert.ok(
      result.stderr.split("\n").every((line) => line === "" || line.startsWith(`${path}:2: warning: `)),
    );
  });

  it("does not start with a wrong file", () => {
    const result = ltran("-c", bad);
    assert.deepEqual([result.status, result.stdout, result.stderr], [1, "", BAD]);
    const missing = ltran("-c", "/nonexistent.conf");
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /^\/nonexistent\.conf:0: file: must be .*No such file or directory\n$/);
  });

  it("lets any user check", { skip: process.getuid?.() !== 0 && "only root can become another user" }, () => {
    // A clone may lie where only root can read.
    const clone = join(folder, "clone");
    cpSync(inBuild("node", "ctl"), join(clone, "build", "node", "ctl"), { recursive: true });
    copyFileSync(inBuild("gazelle-check"), join(clone, "build", "gazelle-check"));
    copyFileSync(inRoot("package.json"), join(clone, "package.json"));
    copyFileSync(good, join(clone, "ltran.conf"));
    chmodSync(folder, 0o755);
    const program = [process.execPath, join(clone, "build", "node", "ctl", "ltran.js")];
    const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
    const args = [...nobody, ...program, "--check", "-c", join(clone, "ltran.conf")];
    const { status, stdout, stderr } = spawnSync("setpriv", args, { encoding: "utf8", cwd: "/" });
    assert.deepEqual([status, stdout, stderr], [0, `${join(clone, "ltran.conf")}: ok, 0 warnings\n`, ""]);
  });
});

describe("gazelle check", () => {
  it("recognises ltran.conf by its name, which comes before its keys", () => {
    for (const [name, content] of [
      ["ltran.conf", good],
      ["my-ltran-2", good],
    ] as const) {
      const path = join(folder, name);
      copyFileSync(content, path);
      assert.deepEqual(
        [gazelleCheck(path).status, gazelleCheck(path).stdout],
        [0, `${path}: ok, 0 warnings\n`],
      );
    }
    const path = join(folder, "lstack.conf");
    copyFileSync(good, path);
    assert.match(
      gazelleCheck(path).stderr,
      /bond_ports = "0x1": must be a known option of lstack\.conf; this one/,
    );
  });

  it("recognises it by its keys", () => {
    assert.equal(gazelleCheck(good).status, 0);
    assert.deepEqual(gazelleCheck(bad).stderr, BAD);
  });

  it("is told the kind", () => {
    assert.equal(gazelleCheck("--kind", "ltran", good).status, 0);
    assert.equal(gazelleCheck("--kind=ltran", good).status, 0);
    assert.equal(gazelleCheck("--kind", "lstack", good).status, 1);
    for (const args of [["--kind"], ["--kind", "other", good]]) {
      assert.equal(gazelleCheck(...args).stderr, "gazelle: check: --kind must be lstack or ltran\n");
    }
  });

  it("prints values for programs", () => {
    const values = JSON.parse(gazelleCheck("--json", good).stdout) as Record<string, unknown>;
    assert.equal(values.bond_mtu, 1500);
    assert.equal(values.low_power_mode, false);
    assert.equal(values.port_kind, "packet");
  });
});

describe("loadLtranConfig", () => {
  it("answers every value with its type", () => {
    const path = newFile(
      ltranConfiguration({
        devices: '"eth1,eth2"',
        bond_ports: '"0x1,0x2"',
        bond_macs: '"2:0:0:0:0:1,2:0:0:0:0:2"',
        allow_uids: '"7,1000-1999"',
        memif_clients: '" 5=192.168.1.50"',
        unix_prefix: '"a \'b\xe9"',
        low_power_mode: "1",
        forward_cpu: "0",
      }),
    );
    assert.deepEqual(loadLtranConfig(path), {
      portKind: "packet",
      devices: ["eth1", "eth2"],
      ealArgs: [],
      hugePages: false,
      forwardCpu: 0,
      bondPorts: [1, 2],
      bondMacs: ["02:00:00:00:00:01", "02:00:00:00:00:02"],
      bondMiimon: 100,
      bondMode: 1,
      bondMtu: 1500,
      nicRxqueueSize: 1024,
      memifClients: [[5, "192.168.1.50"]],
      rxMbufPoolSize: 0,
      txMbufPoolSize: 0,
      dispatchMaxClients: 32,
      dispatchSubnet: "192.168.1.0",
      dispatchSubnet6: "",
      dispatchSubnetLength: 8,
      allowUids: [
        { first: 7, last: 7 },
        { first: 1000, last: 1999 },
      ],
      allowVlans: [],
      directRings: true,
      allowGids: [],
      addressUids: [],
      rateLimitPps: 0,
      rateLimitMbps: 0,
      memory: 256,
      tcpConnScanInterval: 600,
      lowPowerMode: true,
      unixPrefix: "a 'bé",
      kniSwitch: false,
      kniDevice: "",
    });
  });

  it("has a member for every option that has an effect", () => {
    const fields = readTable(inBuild("config", "config.wasm"), "ltran").options.filter(
      ({ field }) => field !== "none",
    );
    const names = fields.map(({ key }) =>
      key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    );
    assert.deepEqual(Object.keys(loadLtranConfig(good) ?? {}).sort(), names.sort());
  });

  it("answers null for a file that cannot be started with", () => {
    const result = spawnSync(
      process.execPath,
      [
        "-e",
        `import(process.argv[1]).then((m) => console.log(m.loadLtranConfig(process.argv[2])))`,
        inBuild("node", "ctl", "ltran-config.js"),
        newFile(ltranConfiguration({ forward_cpu: "639" })),
      ],
      { encoding: "utf8" },
    );
    assert.equal(result.stdout, "null\n");
    assert.match(result.stderr, /^\S+: forward_cpu = 639: must be /);
  });
});
