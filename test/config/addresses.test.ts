import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkOptions } from "./checker.js";

function accepts(options: Readonly<Record<string, string>>): Record<string, string> {
  const verdict = checkOptions(options);
  assert.deepEqual([verdict.status, verdict.errors], [0, []], JSON.stringify(options));
  return verdict.values;
}

function refuses(options: Readonly<Record<string, string>>, message: RegExp): void {
  const verdict = checkOptions(options);
  assert.equal(verdict.status, 1, JSON.stringify(options));
  assert.equal(verdict.errors.length, 1, verdict.errors.join("\n"));
  assert.match(verdict.errors[0] ?? "", message);
}

const NOT_DOTTED_QUADS = [
  "",
  "1",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "1.2.3.-1",
  "1.2.3.4 ",
  "01.2.3.4",
  "a.b.c.d",
];
const HOST_FORM = /host_addr = ".*": must be an IPv4 address such as/;

describe("host_addr", () => {
  it("is handed over in its mapped form", () => {
    assert.equal(accepts({ host_addr: '"192.168.1.10"' }).host_addr, "00000000000000000000ffffc0a8010a");
    accepts({ host_addr: '"1.0.0.1"' });
    accepts({ host_addr: '"223.255.255.254"' });
  });

  it("must be given", () => {
    refuses({ host_addr: "" }, /^2: host_addr = \(not given\): must be an IPv4 address/);
  });

  it("must be a dotted quad", () => {
    for (const text of NOT_DOTTED_QUADS) refuses({ host_addr: `"${text}"` }, HOST_FORM);
    refuses({ host_addr: "16843009" }, /, not an integer$/);
  });

  it("must be one that a host can have", () => {
    refuses({ host_addr: '"0.0.0.0"' }, /not of "this network"/);
    refuses({ host_addr: '"0.1.2.3"' }, /not of "this network"/);
    refuses({ host_addr: '"127.0.0.1"' }, /not a loopback address/);
    refuses({ host_addr: '"224.0.0.1"' }, /not a multicast address/);
    refuses({ host_addr: '"239.255.255.255"' }, /not a multicast address/);
    refuses({ host_addr: '"240.0.0.1"' }, /not a reserved or broadcast address/);
    refuses({ host_addr: '"255.255.255.255"' }, /not a reserved or broadcast address/);
  });

  it("must not be its network's own or broadcast address", () => {
    refuses({ host_addr: '"192.168.1.0"' }, /must not be the address of its network 192\.168\.1\.0\/24$/);
    refuses({ host_addr: '"192.168.1.255"' }, /must not be the broadcast address of 192\.168\.1\.0\/24$/);
    accepts({ host_addr: '"192.168.1.255"', mask_addr: '"255.255.0.0"' });
    for (const host of ["192.168.1.10", "192.168.1.11"]) {
      accepts({ host_addr: `"${host}"`, mask_addr: '"255.255.255.254"' });
      accepts({ host_addr: `"${host}"`, mask_addr: '"255.255.255.255"' });
    }
  });
});

describe("mask_addr", () => {
  it("takes every contiguous mask", () => {
    for (let length = 1; length <= 32; length++) {
      const mask = (0xffffffff << (32 - length)) >>> 0;
      const text = [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join(".");
      assert.equal(accepts({ mask_addr: `"${text}"` }).prefix_length, String(length));
    }
  });

  it("refuses all others", () => {
    for (const text of [
      "0.0.0.0",
      "255.0.255.0",
      "255.255.255.1",
      "0.0.0.255",
      "255.255.253.0",
      "24",
      "/24",
    ]) {
      refuses({ mask_addr: `"${text}"` }, /mask_addr = ".*": must be a contiguous IPv4 mask from/);
    }
    for (const text of NOT_DOTTED_QUADS)
      refuses({ mask_addr: `"${text}"` }, /must be a contiguous IPv4 mask/);
    refuses({ mask_addr: "24" }, /, not an integer$/);
    refuses({ mask_addr: "" }, /mask_addr = \(not given\): must be a contiguous/);
  });
});

describe("gateway_addr", () => {
  it("may be left out", () => {
    assert.equal(accepts({}).gateway_addr, "0".repeat(32));
    assert.equal(accepts({ gateway_addr: '"0.0.0.0"' }).gateway_addr, "0".repeat(32));
    assert.equal(accepts({ gateway_addr: '"192.168.1.1"' }).gateway_addr, "00000000000000000000ffffc0a80101");
  });

  it("must be another host of the network", () => {
    refuses({ gateway_addr: '"192.168.2.1"' }, /must be in the network of host_addr, 192\.168\.1\.0\/24$/);
    refuses({ gateway_addr: '"192.168.1.10"' }, /must be another address than host_addr$/);
    refuses({ gateway_addr: '"192.168.1.0"' }, /must be a host in the network of host_addr/);
    refuses({ gateway_addr: '"192.168.1.255"' }, /must be a host in the network of host_addr/);
    refuses({ gateway_addr: '"127.0.0.1"' }, /not a loopback address/);
    for (const text of NOT_DOTTED_QUADS) refuses({ gateway_addr: `"${text}"` }, /must be an IPv4 address/);
  });

  it("is reached directly where the network has one address", () => {
    accepts({ mask_addr: '"255.255.255.255"', gateway_addr: '"10.0.0.1"' });
    accepts({ mask_addr: '"255.255.255.254"', gateway_addr: '"192.168.1.11"' });
  });
});

describe("host_addr6", () => {
  it("takes every form of RFC 4291", () => {
    for (const text of [
      "2001:db8::10",
      "2001:DB8:1:2:3:4:5:6",
      "fe80::",
      "::2",
      "64:ff9b::192.0.2.33",
      "1:2:3:4:5:6:1.2.3.4",
    ]) {
      accepts({ host_addr6: `"${text}"` });
    }
  });

  it("refuses what is none", () => {
    const wrong = [
      "",
      ":",
      ":::",
      "1::2::3",
      "1:2:3",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
      "g::",
      "::1.2.3",
      "1.2.3.4",
    ];
    wrong.push("1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:8::", "fe80::1%eth0");
    for (const text of wrong) refuses({ host_addr6: `"${text}"` }, /must be an IPv6 address such as/);
    refuses({ host_addr6: "6" }, /, not an integer$/);
  });

  it("refuses what a host cannot have", () => {
    refuses({ host_addr6: '"ff02::1"' }, /not a multicast address/);
    refuses({ host_addr6: '"::"' }, /neither the unspecified nor the loopback/);
    refuses({ host_addr6: '"::1"' }, /neither the unspecified nor the loopback/);
  });
});

describe("devices", () => {
  it("takes a MAC address", () => {
    const values = accepts({ devices: '"02:0A:b:CC:dd:ee"' });
    assert.deepEqual([values.device_mac, values.device_name], ["020a0bccddee", ""]);
  });

  it("takes the name of an interface", () => {
    for (const name of ["e", "eth1", "gz-123-s", "br.7", "x".repeat(15)]) {
      const values = accepts({ devices: `"${name}"` });
      assert.deepEqual([values.device_mac, values.device_name], ["000000000000", name]);
    }
  });

  it("refuses what is neither", () => {
    const wrong = ["", ".", "..", "a/b", "a b", "x".repeat(16), "aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:ff:00"];
    wrong.push("aa:bb:cc:dd:ee:fg", "aaa:bb:cc:dd:ee:ff", "aa:bb:cc:dd::ff", "aa-bb:cc", "0000:01:00.0");
    for (const text of wrong) refuses({ devices: `"${text}"` }, /must be the MAC address of a device/);
    refuses({ devices: "1" }, /, not an integer$/);
    refuses({ devices: '"01:00:5e:00:00:01"' }, /not a multicast or broadcast address/);
    refuses({ devices: '"ff:ff:ff:ff:ff:ff"' }, /not a multicast or broadcast address/);
    refuses({ devices: '"00:00:00:00:00:00"' }, /not all zero/);
  });

  it("may be left out with DPDK only", () => {
    refuses({ devices: "" }, /devices = \(not given\): must be the MAC address/);
    accepts({ devices: "", port: '"dpdk"' });
    accepts({ devices: "", dpdk_args: '["--vdev", "net_tap0"]' });
  });
});

describe("bond_slave_mac", () => {
  it("takes one or two MAC or PCI addresses", () => {
    for (const text of [
      "aa:bb:cc:dd:ee:ff",
      "aa:bb:cc:dd:ee:ff; 00:11:22:33:44:55",
      "0000:01:00.0;0000:01:00.1",
    ]) {
      accepts({ bond_slave_mac: `"${text}"` });
    }
    for (const text of ["", ";", "eth0", "0000:01:00.8", "aa:bb:cc:dd:ee:ff;", "01:00:5e:00:00:01"]) {
      refuses({ bond_slave_mac: `"${text}"` }, /must be one or two MAC or PCI addresses/);
    }
    refuses({ bond_slave_mac: '"0000:01:00.0;0000:01:00.1;0000:01:00.2"' }, /must be one or two/);
  });
});
