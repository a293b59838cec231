/** Which addresses programs may have, of both IPs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressBytes, addressText, isHostOf, mappedIpv4 } from "../../ltran/daemon/addresses.js";
import { admit, type Instance } from "../../ltran/daemon/admission.js";
import type { DaemonConfig } from "../../ltran/daemon/config.js";
import type { Register } from "../../ltran/daemon/message.js";

const peer = { pid: 7, uid: 1000, gid: 1000 };
const config = {
  bonds: [{ mac: "02:00:00:00:00:01" }, { mac: "02:00:00:00:00:02" }],
  subnet: "192.168.1.0",
  subnetHostBits: 8,
  subnet6: "2001:db8::/64",
  allowVlans: [],
  addressUids: [],
  maxClients: 8,
  kernelDevice: null,
} as unknown as DaemonConfig;

function wanted(address: string, more: Partial<Register> = {}): Register {
  const bytes = addressBytes(address);
  const fixed = { pid: 7, stackIndex: 0, stackCount: 1, mac: 0x010000000002n, vlan: 0, name: "program" };
  return { ...fixed, address: bytes, ipv4: mappedIpv4(bytes), processKey: 1n, ...more } as Register;
}

function refused(address: string, why: RegExp, more: Partial<DaemonConfig> = {}): void {
  assert.throws(() => admit(wanted(address), peer, { ...config, ...more }, []), why);
}

test("addresses survive the way from text to bytes and back", () => {
  for (const text of [
    "192.168.1.10",
    "2001:db8::20",
    "::5:0:0:1",
    "fe80::",
    "1:2:3:4:5:6:7:8",
    "1:0:0:2::3",
  ]) {
    assert.equal(addressText(addressBytes(text)), text);
  }
  assert.equal(addressBytes("2001:db8::20").toString("hex"), "20010db8000000000000000000000020");
});

test("a host of a network is in it, and not the network itself", () => {
  const hosts = (network: string, ...texts: string[]) =>
    texts.map((text) => isHostOf(addressBytes(text), network));
  const around = ["2001:db8::", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::"];
  assert.deepEqual(hosts("2001:db8::/64", ...around), [false, true, true, false]);
  assert.deepEqual(hosts("2001:db8::2/127", "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"), [
    false,
    true,
    true,
    false,
  ]);
});

test("an IPv6 address is admitted in dispatch_subnet6, and refused without it or beside it", () => {
  const instance = admit(wanted("2001:db8::20"), peer, config, []);
  assert.deepEqual([instance.address, instance.ipv4], ["2001:db8::20", null]);
  refused("2001:db8:1::20", /2001:db8:1::20 is no host of 2001:db8::\/64/);
  refused("2001:db8::", /is no host of/);
  refused("2001:db8::20", /serves no IPv6 network; add dispatch_subnet6/, { subnet6: null });
  const owners = [{ address: "2001:db8::20", uids: { first: 33, last: 33 } }];
  refused("2001:db8::20", /user 1000 may not have 2001:db8::20/, { addressUids: owners });
});

test("an address of another user is another's, on its own bond only", () => {
  const instances: Instance[] = [admit(wanted("2001:db8::20"), peer, config, [])];
  const other = { ...peer, pid: 8, uid: 1001 };
  const take = (mac: bigint) =>
    admit(wanted("2001:db8::20", { mac, processKey: 2n }), other, config, instances);
  assert.throws(() => take(0x010000000002n), /a program of another user has 2001:db8::20/);
  assert.equal(take(0x020000000002n).address, "2001:db8::20");
  assert.throws(() => take(0x030000000002n), /no bond with the address .*:03; .*:00:01, 02:00:00:00:00:02/);
});
