// dispatch_subnet6, and lists of addresses in it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Checks, type Options } from "./checks.js";
import { checkLtran } from "./ltran-file.js";

const checks = new Checks(checkLtran);
const takes = (options: Options) => checks.takes(options);
const refuses = (key: string, value: string, must: RegExp) => checks.refuses(key, value, must);

describe("dispatch_subnet6", () => {
  const legal = /must be an IPv6 network of 1 to 127 bits such as "2001:db8::\/64"/;

  it("is a network in any form, shown in one", () => {
    for (const [text, shown] of [
      ["2001:db8::/64", "2001:db8::/64"],
      ["2001:0DB8:0:0:0:0:0:0/32", "2001:db8::/32"],
      ["2001:db8:0:1::/64", "2001:db8:0:1::/64"],
      ["1:0:0:2:0:0:0:0/127", "1:0:0:2::/127"],
      ["2001:0:0:1:2:3:4:0/126", "2001::1:2:3:4:0/126"],
      ["fe80::/10", "fe80::/10"],
      ["8000::/1", "8000::/1"],
    ] as const) {
      assert.equal(takes({ dispatch_subnet6: `"${text}"` }).values.dispatch_subnet6, shown);
    }
  });

  it("has nothing behind its bits", () => {
    refuses("dispatch_subnet6", '"2001:db8::1/64"', /nothing behind its 64 bits: "2001:db8::\/64"$/);
    refuses("dispatch_subnet6", '"2001:db8:0:f::/61"', /nothing behind its 61 bits: "2001:db8:0:8::\/61"$/);
  });

  it("is no other kind of address", () => {
    for (const text of [
      "",
      "2001:db8::",
      "2001:db8::/",
      "2001:db8::/0",
      "2001:db8::/128",
      "192.168.1.0/24",
    ]) {
      refuses("dispatch_subnet6", `"${text}"`, legal);
    }
    refuses("dispatch_subnet6", '"ff02::/16"', /not a multicast address$/);
    refuses("dispatch_subnet6", '"::/8"', /neither the unspecified nor the loopback address$/);
    refuses("dispatch_subnet6", '"::ffff:0:0/96"', /not of ::\/80$/);
    refuses("dispatch_subnet6", "64", /, not an integer$/);
  });
});

describe("address_uids with IPv6", () => {
  it("gives addresses of dispatch_subnet6 to users", () => {
    const options = { dispatch_subnet6: '"2001:db8::/64"', address_uids: '"2001:DB8:0::10=1000"' };
    assert.equal(takes(options).values.address_uids, "2001:db8::10=1000-1000");
    refuses(
      "address_uids",
      '"2001:db8::10=1000"',
      /hosts of dispatch_subnet6, which is not given; 2001:db8::10 /,
    );
    refuses("address_uids", '"::1=1000"', /must be a list of addresses and users such as/);
  });
});
