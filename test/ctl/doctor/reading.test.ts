/** How the doctor reads names, numbers and arguments. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { liesIn } from "../../../ctl/doctor/checks/ltran-client.js";
import { ealInterfaces } from "../../../ctl/doctor/facts/gather.js";
import { numberList, pciAddresses } from "../../../ctl/doctor/facts/machine.js";
import { placeOfSocket } from "../../../ctl/doctor/facts/programs.js";
import { readServices } from "../../../ctl/doctor/facts/services.js";
import { showFindings } from "../../../ctl/doctor/show.js";

it("finds PCI addresses in arguments for the EAL", () => {
  const forms = ["-a", "0000:01:00.0,queues=2", "--allow=02:00.1", "-a03:00.0", "--vdev", "net_tap0"];
  assert.deepEqual(pciAddresses(forms), ["0000:01:00.0", "0000:02:00.1", "0000:03:00.0"]);
  assert.deepEqual(pciAddresses(["-b", "0000:01:00.0"]), []);
});

it("finds the kernel's interfaces in arguments for the EAL", () => {
  const forms = ["--vdev", "net_af_packet0,iface=eth1,framecnt=4096", "--vdev=net_af_xdp0,iface=eth2"];
  assert.deepEqual(ealInterfaces([...forms, "net_tap0,iface=gztap0"]), ["eth1", "eth2"]);
});

it("reads lists of numbers", () => {
  assert.deepEqual(numberList("0-2,8\n"), [0, 1, 2, 8]);
  assert.deepEqual(numberList("\n"), []);
});

it("tells unix_prefix from the process", () => {
  const alive = (pid: number) => pid === 45;
  assert.deepEqual(placeOfSocket("/s/web1245.sock", alive), {
    socket: "/s/web1245.sock",
    prefix: "web12",
    pid: 45,
  });
  assert.deepEqual(placeOfSocket("/s/45.sock", alive), { socket: "/s/45.sock", prefix: "", pid: 45 });
  assert.equal(placeOfSocket("/s/46.sock", alive), null);
  assert.equal(placeOfSocket("/s/web.sock", alive), null);
});

it("knows which network an address lies in", () => {
  assert.ok(liesIn("10.77.0.9", "10.77.0.0/24"));
  assert.ok(!liesIn("10.77.1.9", "10.77.0.0/24"));
  assert.ok(liesIn("203.0.113.255", "203.0.112.0/22"));
});

it("reads services of systemd that preload the library, with what was added to them", () => {
  const root = mkdtempSync(join(tmpdir(), `gz-${process.pid}-units-`));
  const write = (path: string, ...lines: string[]) => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), `${lines.join("\n")}\n`);
  };
  try {
    write("lib/systemd/system/redis.service", "[Service]", "ExecStart=-/opt/redis-server /etc/redis.conf");
    write("lib/systemd/system/other.service", "[Service]", "ExecStart=/opt/other");
    const preload = "Environment=LD_PRELOAD=liblstack.so";
    const wanted = 'Environment="GAZELLE_BIND_PROCNAME=redis-server,nginx" "A=b"';
    write("etc/systemd/system/redis.service.d/gazelle.conf", "[Service]", preload, wanted);
    write("etc/systemd/system/other.service.d/nice.conf", "[Service]", "Nice=1");
    write("etc/systemd/system/own.service", "[Service]", preload, "ExecStart=/opt/own");
    assert.deepEqual(readServices(root), [
      { unit: "own.service", wanted: null, names: ["own"] },
      { unit: "redis.service", wanted: "redis-server,nginx", names: ["redis-server"] },
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

it("shows what is wrong, worst first, and nothing that steers a terminal", () => {
  const right = { id: "a", ok: true, severity: "info", what: "fine", why: "", fix: "" } as const;
  const warning = {
    id: "b",
    ok: false,
    severity: "warning",
    what: "w\x1b[2J",
    why: "why",
    fix: "fix",
  } as const;
  const error = { ...warning, id: "c", severity: "error", what: "e" } as const;
  const text = showFindings([right, warning, error], false, false);
  assert.equal(
    text,
    "error: e [c]\n    why: why\n    fix: fix\n\n" +
      "warning: w?[2J [b]\n    why: why\n    fix: fix\n\n" +
      "3 checks: 1 error, 1 warning, 0 remarks\n",
  );
  assert.match(showFindings([right, warning], true, false), /^ok: fine \[a\]$/m);
});
