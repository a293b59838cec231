import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkOptions, type Verdict } from "./checker.js";

const VDEV = ["--vdev", "net_af_packet0,iface=eth1"];

function check(args: readonly string[], flag?: string): Verdict {
  const list = `[${args.map((argument) => JSON.stringify(argument)).join(", ")}]`;
  return checkOptions({ dpdk_args: list }, ...(flag === undefined ? [] : [flag]));
}

/** The arguments for the EAL, without the program's name and the CPUs. */
function ealArguments(verdict: Verdict): string {
  assert.deepEqual([verdict.status, verdict.errors], [0, []]);
  const [program, lcores, , ...rest] = (verdict.values.eal_args ?? "").split(" ");
  assert.deepEqual([program, lcores], ["gazelle", "--lcores"]);
  return rest.join(" ");
}

function refuses(args: readonly string[], message: RegExp): void {
  const verdict = check([...VDEV, ...args]);
  assert.equal(verdict.status, 1, args.join(" "));
  assert.match(verdict.errors.join("\n"), message);
}

function warns(args: readonly string[], message: RegExp): string {
  const verdict = check([...VDEV, ...args]);
  assert.equal(verdict.warnings.length, 1, verdict.warnings.join("\n"));
  assert.match(verdict.warnings[0] ?? "", message);
  return ealArguments(verdict);
}

describe("the port that follows from dpdk_args", () => {
  const kind = (options: Record<string, string>) => checkOptions(options).values.port_kind;

  it("is packet without a device, dpdk with one", () => {
    assert.equal(kind({}), "0");
    assert.equal(kind({ dpdk_args: '["-m", "64"]' }), "0");
    for (const device of [
      '"--vdev", "net_tap0"',
      '"--vdev=net_tap0"',
      '"-a", "0000:01:00.0"',
      '"-a0000:01:00.0"',
    ]) {
      assert.equal(kind({ dpdk_args: `[${device}]` }), "1", device);
    }
    assert.equal(kind({ dpdk_args: '["--allow=0000:01:00.0"]' }), "1");
    assert.equal(kind({ port: '"dpdk"' }), "1");
    assert.equal(kind({ port: '"packet"' }), "0");
  });

  it("cannot be packet if a device is named", () => {
    const verdict = checkOptions({ port: '"packet"', dpdk_args: '["--vdev", "net_tap0"]' });
    assert.match(
      verdict.errors.join(),
      /port = "packet": must be "dpdk" or "auto", because dpdk_args names a device$/,
    );
  });

  it("says that arguments without a device have no effect", () => {
    assert.match(check(["-m", "64"]).warnings.join(), /dpdk_args = \["-m", \.\.\.\]: has no effect beyond/);
    assert.equal(check(["-m", "64"]).values.eal_args, undefined);
  });
});

describe("memory of the EAL", () => {
  const plain = "--no-telemetry --no-huge --no-shconf";

  it("is without huge pages unless they are asked for", () => {
    const device = VDEV.join(" ");
    assert.equal(ealArguments(check(VDEV)), `${plain} -m 256 ${device}`);
    assert.equal(ealArguments(check([...VDEV, "-m", "64"])), `${plain} -m 64 ${device}`);
    assert.equal(
      ealArguments(check([...VDEV, "-m64", "--no-huge", "--no-shconf"])),
      `${plain} -m 64 ${device}`,
    );
    assert.equal(ealArguments(check([...VDEV, "--socket-mem", "0,0"])), `${plain} -m 256 ${device}`);
    assert.equal(check(VDEV).values.huge_pages, "0");
  });

  it("is in huge pages if they are asked for", () => {
    const huge = "--no-telemetry --in-memory --single-file-segments --iova-mode=va";
    const device = VDEV.join(" ");
    const verdict = check([...VDEV, "--socket-mem", "1024,0"]);
    assert.equal(ealArguments(verdict), `${huge} --socket-mem 1024,0 ${device}`);
    assert.equal(verdict.values.huge_pages, "1");
    assert.equal(ealArguments(check([...VDEV, "--in-memory", "-m", "64"])), `${huge} -m 64 ${device}`);
    const chosen = ealArguments(check([...VDEV, "--in-memory", "--iova-mode=pa"]));
    assert.equal(chosen, `--no-telemetry --in-memory --single-file-segments ${device} --iova-mode pa`);
  });

  it("stops a start when huge pages are missing", () => {
    const wanted = ["--socket-mem", "1048576"];
    assert.match(check(wanted).warnings.join("\n"), /would stop a start here: must be memory in huge pages/);
    const start = check(wanted, "--start");
    assert.equal(start.status, 1);
    const form =
      /^4: dpdk_args = "--socket-mem 1048576": must be memory in huge pages, of which 1048576 MiB are needed/;
    assert.match(start.errors.join("\n"), form);
    assert.match(start.errors.join("\n"), /reserve them with "sysctl -w vm\.nr_hugepages=524288"/);
  });

  it("refuses amounts that are none or contradict each other", () => {
    refuses(["-m", "lots"], /"-m lots": must be an integer: MiB of memory$/);
    refuses(["--socket-mem", "1,,2"], /"--socket-mem 1,,2": must be integers such as/);
    refuses(["--socket-mem", "1024", "-m", "64"], /"-m 64": must not be given together with --socket-mem$/);
    refuses(
      ["--no-huge", "--socket-mem", "64"],
      /"--no-huge": must not be given together with --socket-mem 64$/,
    );
  });
});

describe("arguments that are taken out", () => {
  it("without a word where they say what happens anyway", () => {
    for (const args of [["--no-telemetry"], ["--single-file-segments"], ["--proc-type", "primary"]]) {
      assert.deepEqual(check([...VDEV, ...args]).warnings, [], args.join(" "));
      assert.equal(ealArguments(check([...VDEV, ...args])), ealArguments(check(VDEV)), args.join(" "));
    }
  });

  it("with a warning otherwise", () => {
    const unchanged = ealArguments(check(VDEV));
    for (const text of [
      "--map-perfect",
      "--legacy-mem",
      "--match-allocations",
      "--huge-unlink",
      "--huge-unlink=always",
      "--huge-worker-stack=64",
      "--file-prefix x",
      "--file-prefix=x",
      "-l 0-1",
      "-l0",
      "-c 0x3",
      "--lcores=0@1",
      "--main-lcore 1",
      "--syslog local0",
      "--telemetry",
      "-v",
      "--help",
      "--proc-type auto",
    ]) {
      const form = new RegExp(`^4: warning: dpdk_args = "${text}": is taken out: \\w`);
      assert.equal(warns(text.split(" "), form), unchanged, text);
    }
  });

  it("under their old names passed on", () => {
    const passed = warns(["-w", "0000:01:00.0"], /"-w 0000:01:00\.0": is called --allow by this version/);
    assert.match(passed, /--allow 0000:01:00\.0$/);
    assert.match(warns(["--pci-blacklist=0000:01:00.0"], /is called --block/), /--block 0000:01:00\.0$/);
  });
});

describe("arguments that are refused", () => {
  it("for a secondary process", () => {
    refuses(
      ["--proc-type", "secondary"],
      /"--proc-type secondary": must be "primary": a process is always the only/,
    );
    refuses(["--proc-type=other"], /"--proc-type=other": must be "primary"/);
  });

  it("when DPDK does not know them", () => {
    refuses(["--vdevv", "x"], /"--vdevv": must be an argument of DPDK's EAL; did you mean --vdev\?/);
    refuses(["--zzzzzzzzzz"], /"--zzzzzzzzzz": must be an argument of DPDK's EAL$/);
    refuses(["-z"], /"-z": must be an argument of DPDK's EAL$/);
    refuses(["--"], /"--": must be an argument of DPDK's EAL$/);
    refuses(["stray"], /"stray": must follow an argument that takes a value$/);
    refuses([""], /dpdk_args = "": must follow an argument/);
  });

  it("when a value is missing or too many", () => {
    refuses(["-d"], /"-d": must be followed by its value$/);
    refuses(["-n", "--no-pci"], /"-n": must be followed by its value$/);
    refuses(["--no-pci=1"], /"--no-pci=1": must be --no-pci without a value$/);
  });

  it("when an address is none", () => {
    assert.match(
      ealArguments(check([...VDEV, "--base-virtaddr=0x7f0000000000"])),
      /--base-virtaddr 0x7f0000000000$/,
    );
    for (const text of ["4096", "0x", "0xg", "0x11112222333344445"]) {
      refuses([`--base-virtaddr=${text}`], /must be a hexadecimal address such as/);
    }
  });

  it("when the array is empty, too long, or holds no strings", () => {
    assert.match(check([]).errors.join(), /dpdk_args = \(an array\): must be an array of 1 to 64 strings$/);
    const many = (count: number) => check([...VDEV, ...Array.from({ length: count - 2 }, () => "--no-pci")]);
    assert.deepEqual(many(64).errors, []);
    assert.match(
      many(65).errors.join(),
      /dpdk_args = \["--vdev", \.\.\.\]: must be an array of 1 to 64 strings$/,
    );
    const numbers = checkOptions({ dpdk_args: "[1, 2]" });
    assert.match(numbers.errors[0] ?? "", /^4: dpdk_args = element 1: must be a string, not an integer$/);
    assert.match(
      checkOptions({ dpdk_args: '"-m 64"' }).errors.join(),
      /must be an array of .*, not a string$/,
    );
    const list = checkOptions({ dpdk_args: '("--vdev", "net_tap0")' });
    assert.deepEqual([list.status, list.values.port_kind], [0, "1"]);
  });
});

describe("the lcore", () => {
  it("is on the CPU of the stack, or free", () => {
    const lcores = (cpus: string) =>
      checkOptions({ num_cpus: `"${cpus}"`, dpdk_args: '["--vdev", "net_tap0"]' }).values.eal_args?.split(
        " ",
      )[2];
    assert.equal(lcores("0"), "0@0");
    assert.match(lcores("") ?? "", /^0@\([\d,]+\)$/);
  });
});

describe("the queues of a device", () => {
  const given = (device: string, stacks: number, ...further: string[]) =>
    checkOptions({
      stack_num: String(stacks),
      dpdk_args: `[${["--vdev", device, ...further].map((text) => JSON.stringify(text)).join(", ")}]`,
    });
  const passedOn = (device: string, stacks: number) =>
    given(device, stacks).values.eal_args?.split(" ").at(-1);

  it("are as many as stacks where the file says nothing, and this is said", () => {
    const names = [
      ["net_af_packet0,iface=eth1", "qpairs"],
      ["eth_af_packet0,iface=eth1", "qpairs"],
      ["net_af_xdp0,iface=eth1,busy_budget=0", "queue_count"],
      ["net_virtio_user0,path=/dev/vhost-net", "queues"],
    ] as const;
    for (const [device, name] of names) {
      const verdict = given(device, 3);
      assert.deepEqual([verdict.status, verdict.errors], [0, []]);
      assert.equal(verdict.warnings.length, 1);
      const reason = `"--vdev ${device}": is passed on with ${name}=3, a queue for each stack`;
      assert.ok(verdict.warnings[0]?.endsWith(reason), verdict.warnings[0]);
      assert.equal(passedOn(device, 3), `${device},${name}=3`);
      assert.deepEqual([passedOn(device, 1), given(device, 1).warnings], [device, []], "one stack");
    }
  });

  it("must fit where the file says something", () => {
    const device = "net_af_packet0,iface=eth1,qpairs=2,framecnt=4096";
    assert.deepEqual([passedOn(device, 2), given(device, 2).warnings], [device, []]);
    assert.equal(passedOn(device, 1), device);
    assert.match(
      given(device, 3).errors.join(),
      /must have qpairs=3, a queue for each stack, or be without qpairs$/,
    );
    for (const count of ["", "two", "02x", "-2"]) {
      assert.equal(given(`net_af_xdp0,iface=eth1,queue_count=${count}`, 2).status, 1, count);
    }
  });

  it("of other drivers are not spoken of", () => {
    for (const device of ["net_tap0,iface=gztap0", "net_memif0,role=client", "net_ring0"]) {
      assert.deepEqual([passedOn(device, 2), given(device, 2).warnings], [device, []]);
    }
    const card = checkOptions({ stack_num: "2", dpdk_args: '["-a", "0000:01:00.0"]' });
    assert.deepEqual([card.status, card.warnings], [0, []]);
  });

  it("have memory, unless the file says how much", () => {
    const memory = (stacks: number, ...further: string[]) =>
      /-m (\d+)/.exec(given("net_tap0", stacks, ...further).values.eal_args ?? "")?.[1];
    assert.deepEqual([memory(1), memory(5), memory(8), memory(32)], ["256", "256", "384", "1536"]);
    assert.equal(memory(8, "-m", "100"), "100");
  });
});
