import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { readTable } from "../../config/table.js";
import { inBuild, inRoot } from "../../scripts/build/paths.js";
import { checkPath, checkText } from "./checker.js";
import { Checks, type IntegerRow, type Options, type SwitchRow } from "./checks.js";
import { checkLtran, LTRAN, ltranConfiguration, ORIGINAL } from "./ltran-file.js";

const INTEGERS: readonly IntegerRow[] = [
  ["forward_cpu", -1, 0, 639, -1],
  ["bond_mtu", 1500, 68, 65535],
  ["nic_rxqueue_size", 1024, 512, 8192],
  ["dispatch_max_clients", 32, 1, 512],
  ["rate_limit_pps", 0, 0, 1_000_000_000],
  ["rate_limit_mbps", 0, 0, 1_000_000],
  ["memory", 256, 32, 2048],
  ["tcp_conn_scan_interval", 600, 0, 86400],
  ["rx_mbuf_pool_size", 0, 1, 2147483647, 0],
  ["tx_mbuf_pool_size", 0, 1, 2147483647, 0],
];

const SWITCHES: readonly SwitchRow[] = [
  ["direct_rings", 1],
  ["kni_switch", 0],
  ["low_power_mode", 0],
];

/** Options with tests of their own below. */
const OTHERS = [
  "forward_kit",
  "forward_kit_args",
  "devices",
  "bond_ports",
  "bond_macs",
  "bond_mode",
  "bond_miimon",
  "dispatch_subnet",
  "dispatch_subnet_length",
  "dispatch_subnet6",
  "allow_uids",
  "allow_gids",
  "allow_vlans",
  "address_uids",
  "memif_clients",
  "unix_prefix",
  "kni_device",
];

const keys = readTable(inBuild("config", "config.wasm"), "ltran")
  .options.filter((option) => !option.isDerived)
  .map((option) => option.key);

const checks = new Checks(checkLtran);
const takes = (options: Options) => checks.takes(options);
const refuses = (key: string, value: string, must: RegExp) => checks.refuses(key, value, must);

describe("every option of ltran.conf", () => {
  it("is in a list of this file", () => {
    const tested = [...[...INTEGERS, ...SWITCHES].map(([key]) => key), ...OTHERS];
    assert.deepEqual([...keys].sort(), tested.sort());
  });

  it("is in the example, which is right for every machine", () => {
    const path = inRoot("conf", "ltran.conf");
    const text = readFileSync(path, "latin1");
    for (const key of keys) assert.match(text, new RegExp(`^(# )?${key} = `, "m"), key);
    assert.deepEqual(checkPath(path, "--start").errors, []);
  });

  it("can be left out, unless it must be given", () => {
    const verdict = checkText("bond_mode = 1\n", "--kind=ltran");
    const missing = verdict.errors.map((error) => / (\w+) = \(not given\): must be /.exec(error)?.[1]);
    assert.deepEqual(missing.sort(), [
      "bond_macs",
      "bond_ports",
      "dispatch_subnet",
      "dispatch_subnet_length",
    ]);
  });
});

describe("integers of ltran.conf", () => {
  checks.integers(INTEGERS);

  it("forward_cpu is a CPU of the machine", () => {
    const verdict = checkLtran({ forward_cpu: "639" });
    assert.match(verdict.warnings.join(), /forward_cpu = 639: would stop a start here: must be CPUs of this/);
  });
});

describe("switches of ltran.conf", () => {
  checks.switches(SWITCHES);
});

describe("bond_mode", () => {
  it("is one of three", () => {
    for (const mode of [1, 4, 6]) takes({ bond_mode: String(mode) });
    for (const mode of [-1, 0, 2, 3, 5, 7]) refuses("bond_mode", String(mode), /must be 1, 4 or 6$/);
    refuses("bond_mode", '"1"', /must be 1, 4 or 6, not a string$/);
  });
});

describe("bond_miimon", () => {
  const MOST = 18446744073708551615n;
  const legal = new RegExp(`an integer from 1 to ${MOST}$`);

  it("is taken as it is up to 2147483647", () => {
    assert.equal(takes({}).values.bond_miimon, "100");
    for (const value of ["1", "2147483647", "2147483647L", "0x7fffffff"]) {
      const verdict = takes({ bond_miimon: value });
      assert.deepEqual(
        [verdict.warnings, verdict.values.bond_miimon],
        [[], String(Number.parseInt(value, value.startsWith("0x") ? 16 : 10))],
      );
    }
  });

  it("is clamped with a warning up to 2^64 - 1 - 10^6", () => {
    for (const value of ["2147483648", "4294967296", "3000000000L", String(MOST), `${MOST}L`, "0xffffffff"]) {
      const verdict = takes({ bond_miimon: value });
      assert.equal(verdict.values.bond_miimon, "2147483647", value);
      const shown = BigInt(value.replace("L", ""));
      assert.deepEqual(verdict.warnings, [
        `6: warning: bond_miimon = ${shown}: is taken as 2147483647, which is the most`,
      ]);
    }
  });

  it("is refused beyond, and below 1", () => {
    for (const value of [MOST + 1n, 2n ** 64n, 10n ** 40n, -(2n ** 40n)])
      refuses("bond_miimon", String(value), legal);
    for (const value of ["0", "-1"]) refuses("bond_miimon", value, legal);
    refuses("bond_miimon", "1.5", /not a number with a fraction$/);
    refuses("bond_miimon", '"100"', /not a string$/);
  });
});

describe("bond_ports and bond_macs", () => {
  const TWO = { devices: '"eth1,eth2"' };

  it("take masks and addresses", () => {
    const verdict = takes({ ...TWO, bond_ports: '"0x1, 0X2"', bond_macs: '"AA:0:0:0:0:1 , 2:0:0:0:0:a"' });
    assert.equal(verdict.values.bond_ports, "1 2");
    assert.equal(verdict.values.bond_macs, "aa:00:00:00:00:01 02:00:00:00:00:0a");
    assert.equal(takes({ ...TWO, bond_ports: '"0x3"' }).values.bond_ports, "3");
  });

  it("refuse what is none", () => {
    for (const text of ["", "1", "0x", "0x0", "0x100", "0x1,", "0x1;0x2", "0xg", "0x1ffffffff"]) {
      refuses("bond_ports", `"${text}"`, /must be 1 to 8 masks from 0x1 to 0xff such as/);
    }
    refuses("bond_ports", "1", /, not an integer$/);
    const macs = ["", "aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:gg", "01:00:00:00:00:01", "0:0:0:0:0:0", "eth1"];
    for (const text of [...macs, "2:0:0:0:0:1,02:00:00:00:00:01", "2:0:0:0:0:1;2:0:0:0:0:2"]) {
      refuses("bond_macs", `"${text}"`, /must be 1 to 8 MAC addresses, each once, such/);
    }
    refuses("bond_macs", "1", /, not an integer$/);
  });

  it("are as many, of ports that exist, each in one bond", () => {
    const two = '"02:00:00:00:00:01,02:00:00:00:00:02"';
    refuses("bond_macs", two, /must be as many addresses as bond_ports has masks, which are 1$/);
    refuses("bond_ports", '"0x2"', /must name ports of devices, which are 0; 1 is none$/);
    const shared = checkLtran({ ...TWO, bond_ports: '"0x3,0x2"', bond_macs: two });
    assert.match(shared.errors.join(), /must name every port once; 1 is in two bonds$/);
    const idle = takes({ ...TWO, bond_ports: '"0x1"' });
    assert.match(
      idle.warnings.join(),
      /bond_ports = "0x1": leaves out 1 of devices, which will not be used$/,
    );
  });
});

describe("dispatch_subnet", () => {
  const refusesSubnet = (subnet: string, bits: string, must: RegExp) => {
    const verdict = checkLtran({ dispatch_subnet: `"${subnet}"`, dispatch_subnet_length: bits });
    assert.equal(verdict.status, 1, subnet);
    assert.match(verdict.errors.join(), must);
  };

  it("is a network whose host bits are zero", () => {
    for (const [subnet, bits] of [
      ["192.168.1.0", "8"],
      ["10.0.0.0", "16"],
      ["10.1.2.2", "1"],
      ["172.16.0.16", "4"],
    ]) {
      takes({ dispatch_subnet: `"${subnet}"`, dispatch_subnet_length: bits ?? "" });
    }
    refusesSubnet(
      "192.168.1.1",
      "8",
      /must end in 8 zero bits \(dispatch_subnet_length\): "192\.168\.1\.0"$/,
    );
    refusesSubnet(
      "192.168.1.0",
      "9",
      /must end in 9 zero bits \(dispatch_subnet_length\): "192\.168\.0\.0"$/,
    );
  });

  it("is no other kind of address", () => {
    for (const subnet of [
      "0.0.0.0",
      "0.0.1.0",
      "127.0.0.0",
      "224.0.0.0",
      "255.255.255.0",
      "",
      "192.168.1",
      "::",
    ]) {
      refusesSubnet(subnet, "8", /dispatch_subnet = ".*": must be an IPv4 address such as "192\.168\.1\.0"/);
    }
    refuses("dispatch_subnet", "1", /, not an integer$/);
  });

  it("has 1 to 16 host bits", () => {
    for (const bits of ["0", "17", "-1"]) refuses("dispatch_subnet_length", bits, /an integer from 1 to 16$/);
    refuses("dispatch_subnet_length", '"8"', /, not a string$/);
  });
});

describe("allow_vlans", () => {
  it("takes numbers that a VLAN may have", () => {
    assert.equal(takes({ allow_vlans: '"1, 30-4094"' }).values.allow_vlans, "1-1 30-4094");
    for (const text of ["0", "7,0-3", "4095", "4000-5000"]) {
      refuses("allow_vlans", `"${text}"`, /must be of numbers from 1 to 4094$/);
    }
  });
});

describe("allow_uids and allow_gids", () => {
  for (const key of ["allow_uids", "allow_gids"]) {
    it(key, () => {
      const ids = (text: string) => takes({ [key]: `"${text}"` }).values[key];
      assert.equal(ids(""), undefined);
      assert.equal(ids("0, 1000-1999,65534"), "0-0 1000-1999 65534-65534");
      assert.equal(ids("0-4294967294"), "0-4294967294");
      for (const text of [
        "redis",
        "1,",
        "2-1",
        "-1",
        "1-2-3",
        "4294967295",
        "1 2",
        "0x10",
        "99999999999999999999",
      ]) {
        refuses(key, `"${text}"`, /must be a list of numbers and ranges of numbers such as/);
      }
      refuses(key, "1000", /, not an integer$/);
    });
  }
});

describe("address_uids", () => {
  const owners = (text: string) => takes({ address_uids: `"${text}"` }).values.address_uids;

  it("gives addresses to users", () => {
    assert.equal(owners(""), undefined);
    assert.equal(
      owners("192.168.1.10=1000, 192.168.1.10 = 33,192.168.1.11=2000-2999"),
      "192.168.1.10=1000-1000 192.168.1.10=33-33 192.168.1.11=2000-2999",
    );
    for (const text of [
      "192.168.1.10",
      "192.168.1.10=",
      "192.168.1.10=redis",
      "=1000",
      "192.168.1.10=1000=1001",
      "192.168.1.300=1000",
      "0.0.0.0=1000",
      "192.168.1.10=2-1",
      "192.168.1.10=1000,",
    ]) {
      refuses("address_uids", `"${text}"`, /must be a list of addresses and users such as/);
    }
    refuses("address_uids", "1000", /, not an integer$/);
  });

  it("names hosts of dispatch_subnet only", () => {
    refuses(
      "address_uids",
      '"192.168.2.10=1000"',
      /hosts of dispatch_subnet, 192\.168\.1\.0\/24; 192\.168\.2\.10 is none/,
    );
  });
});

describe("unix_prefix of ltran.conf", () => {
  it("is part of a file name", () => {
    assert.equal(takes({ unix_prefix: '"gz-1_"' }).values.unix_prefix, "gz-1_");
    for (const prefix of ["a/b", "p".repeat(65), "a|b"])
      refuses("unix_prefix", `"${prefix}"`, /a string of at most 64/);
    refuses("unix_prefix", "1", /, not an integer$/);
  });
});

describe("forward_kit and devices", () => {
  const kind = (options: Readonly<Record<string, string>>) => takes(options).values.port_kind;

  it("choose the port", () => {
    assert.equal(kind({}), "0");
    assert.equal(kind({ forward_kit: '"packet"' }), "0");
    assert.equal(kind({ devices: "" }), "1");
    assert.equal(kind({ devices: "", forward_kit: '"dpdk"' }), "1");
    refuses("forward_kit", '"xdp"', /must be "auto", "packet" or "dpdk"$/);
    refuses("forward_kit", "1", /, not an integer$/);
  });

  it("fit each other", () => {
    const none = checkLtran({ devices: "", forward_kit: '"packet"' });
    assert.match(none.errors.join(), /devices = \(not given\): must be 1 to 8 network interfaces/);
    assert.match(
      checkLtran({ forward_kit: '"dpdk"' }).errors.join(),
      /devices = "eth1": must be left out with/,
    );
  });

  it("are names of interfaces", () => {
    assert.equal(takes({ devices: '" eth1 , eth2"', bond_ports: '"0x3"' }).values.devices, "eth1 eth2");
    for (const text of ["", "eth1,", "eth1,eth1", "sixteen-letters-", "a/b", "aa:bb:cc:dd:ee:ff", "a b"]) {
      refuses("devices", `"${text}"`, /must be 1 to 8 network interfaces, each once, such/);
    }
    const nine = Array.from({ length: 9 }, (_, index) => `e${index}`).join(",");
    refuses("devices", `"${nine}"`, /must be 1 to 8/);
    refuses("devices", "1", /, not an integer$/);
  });
});

describe("forward_kit_args", () => {
  const DPDK = { devices: "", forward_kit: '"dpdk"' };
  const check = (args: string) => checkLtran({ ...DPDK, forward_kit_args: `"${args}"` });

  it("reach the EAL", () => {
    const verdict = check(" -a  0000:01:00.0\\t--log-level=5 ");
    assert.deepEqual([verdict.errors, verdict.warnings], [[], []]);
    assert.match(
      verdict.values.eal_args ?? "",
      /^gazelle --lcores \S+ --no-telemetry --no-huge --no-shconf -m 256 /,
    );
    assert.match(verdict.values.eal_args ?? "", / -a 0000:01:00\.0 --log-level 5$/);
    const pinned = checkLtran({ ...DPDK, forward_cpu: "0" });
    assert.match(pinned.values.eal_args ?? "", /--lcores 0@0 /);
    assert.equal(checkLtran({}).values.eal_args, undefined);
  });

  it("are checked as dpdk_args are", () => {
    for (const [args, message] of [
      ["--vdevv x", /"--vdevv": must be an argument of DPDK's EAL; did you mean --vdev\?$/m],
      ["--proc-type secondary", /"--proc-type secondary": must be "primary"/],
      ["--socket-mem", /"--socket-mem": must be followed by its value$/],
      ["-m 1 -m 2", /must not be given together with -m$/],
      ["stray", /"stray": must follow an argument that takes a value$/],
    ] as const) {
      const verdict = check(args);
      assert.equal(verdict.status, 1, args);
      assert.match(verdict.errors.join("\n"), message);
      assert.match(verdict.errors[0] ?? "", /^\d+: forward_kit_args = /);
    }
    refuses(
      "forward_kit_args",
      `"${"-v ".repeat(65)}"`,
      /must be a string of at most 64 arguments separated/,
    );
    assert.match(checkLtran({ forward_kit_args: '["-v"]' }).errors.join(), /, not an array$/);
  });

  it("have no effect without DPDK, and cannot name a device then", () => {
    const idle = takes({ forward_kit_args: '"-m 64"' });
    assert.match(
      idle.warnings.join(),
      /forward_kit_args = "-m 64": has no effect: devices are reached without DPDK$/,
    );
    refuses("forward_kit_args", '"--vdev net_tap0"', /must name no device with forward_kit packet$/);
  });
});

describe("the original's example of ltran.conf", () => {
  it("passes, with warnings about what DPDK does not need", () => {
    const verdict = checkText(ORIGINAL);
    assert.deepEqual([verdict.status, verdict.errors], [0, []]);
    const argument = (warning: string) =>
      /= "(-\S+).*": (is taken out|would stop a start here)/.exec(warning)?.[1];
    const taken = ["-l", "--huge-dir", "--legacy-mem", "--map-perfect", "--syslog"];
    const found = verdict.warnings.map(argument);
    assert.deepEqual(
      found.filter((name) => name !== "--socket-mem"),
      taken,
    );
    assert.equal(verdict.values.dispatch_max_clients, "30");
    assert.equal(verdict.values.tcp_conn_scan_interval, "10");
    assert.match(verdict.values.eal_args ?? "", /--socket-mem 1024,0,0,0$/);
  });
});

describe("keys of ltran.conf", () => {
  it("that are unknown are errors, with the nearest known one", () => {
    const say = (key: string) => checkLtran({ [key]: "1" }).errors.join();
    assert.match(say("bond_port"), /bond_port = 1: must be a known option; did you mean bond_ports\?$/);
    assert.match(say("dispatch_max_client"), /did you mean dispatch_max_clients\?$/);
    assert.match(say("something_else_entirely"), /; docs\/configuration\.md lists them all$/);
    assert.match(
      say("host_addr"),
      /must be a known option of ltran\.conf; this one belongs into lstack\.conf$/,
    );
    assert.match(say("port_kind"), /port_kind = 1: must be a known option/);
  });

  it("have other names, the old ones with a warning", () => {
    assert.deepEqual(takes({ flow_bifurcation: "0" }).warnings, []);
    assert.match(takes({ kni_swith: "0" }).warnings.join(), /kni_swith = 0: is the old name of kni_switch$/);
    assert.match(
      takes({ rx_pool_mbuf_size: "307200" }).warnings.join(),
      /is the old name of rx_mbuf_pool_size,/,
    );
    const twice = checkLtran({ kni_switch: "0", flow_bifurcation: "0" });
    assert.match(twice.errors.join(), /flow_bifurcation = 0: must be given once; .* has kni_switch$/);
  });

  it("name the kernel's device as an interface may be called", () => {
    for (const name of ['"kni"', '"host0.1"']) takes({ kni_switch: "1", kni_device: name });
    refuses("kni_device", '"a/b"', /must /);
    refuses("kni_device", '"abcdefghijklmnop"', /must /);
  });

  it("of which this version carries nothing out bring a warning, or stop a start", () => {
    for (const [key, value] of [
      ["rx_mbuf_pool_size", "1000"],
      ["tx_mbuf_pool_size", "1000"],
    ]) {
      const verdict = takes({ [key ?? ""]: value ?? "" });
      assert.match(verdict.warnings.join(), new RegExp(`${key} = ${value}: has no effect: \\w`));
    }
  });
});

describe("a file's kind", () => {
  it("is told by its keys where its name does not", () => {
    assert.match(
      checkText(`${ltranConfiguration({})}other = 1\n`).errors.join(),
      /^\d+: other = 1: must be a known/,
    );
    assert.deepEqual(checkText(ltranConfiguration({})).errors, []);
    assert.equal(checkText(ltranConfiguration({})).values.bond_mtu, "1500");
    const both = checkText(ltranConfiguration({}), "--kind=lstack");
    assert.match(
      both.errors.join("\n"),
      /must be a known option of lstack\.conf; this one belongs into ltran\.conf/,
    );
    assert.match(checkText("unix_prefix = 1\n").errors.join("\n"), /host_addr = \(not given\)/);
  });

  it("has every mandatory key in the tests' smallest file", () => {
    assert.equal(Object.keys(LTRAN).length, 5);
  });
});
