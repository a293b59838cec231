// memif_clients: numbers of interfaces with the addresses of those that speak memif.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkLtran } from "./ltran-file.js";

function refuses(value: string, must: RegExp): void {
  const { status, errors } = checkLtran({ memif_clients: value });
  assert.deepEqual([status, errors.length], [1, 1], errors.join("\n"));
  assert.match(errors[0] ?? "", must);
}

describe("memif_clients", () => {
  it("gives each number an address of dispatch_subnet", () => {
    const clients = (text: string) => checkLtran({ memif_clients: `"${text}"` }).values.memif_clients;
    assert.equal(clients(""), undefined);
    assert.equal(
      clients("0=192.168.1.9, 4294967295 = 192.168.1.10"),
      "0=192.168.1.9 4294967295=192.168.1.10",
    );
    for (const text of [
      "5",
      "5=",
      "=192.168.1.9",
      "5=192.168.1",
      "5=192.168.1.9=1",
      "5=192.168.1.9,",
      "5=192.168.1.9,5=192.168.1.10",
      "5=192.168.1.9,6=192.168.1.9",
      "4294967296=192.168.1.9",
      "-1=192.168.1.9",
    ]) {
      refuses(`"${text}"`, /must be at most 64 numbers with addresses, each once/);
    }
    refuses(
      '"5=192.168.2.9"',
      /must name hosts of dispatch_subnet, 192\.168\.1\.0\/24; 192\.168\.2\.9 is none$/,
    );
  });

  it("gives numbers addresses of dispatch_subnet6, each once in whatever form", () => {
    const check = (text: string) =>
      checkLtran({ memif_clients: `"${text}"`, dispatch_subnet6: '"2001:db8:0:0::/63"' });
    const { values } = check("0=192.168.1.20,1=2001:0db8::0:20,2=2001:db8:0:1::20");
    assert.equal(values.memif_clients, "0=192.168.1.20 1=2001:db8::20 2=2001:db8:0:1::20");
    for (const text of ["1=2001:db8::20,2=2001:db8:0::20", "1=ff02::1", "1=::", "1=2001:db8::20::1"]) {
      assert.match(check(text).errors.join(), /must be at most 64 numbers with addresses, each once/);
    }
    const stray = /must name hosts of dispatch_subnet6, 2001:db8::\/63; 2001:db8:0:2::20 is none$/;
    assert.match(check("1=2001:db8:0:2::20").errors.join(), stray);
    refuses(
      '"1=2001:db8::20"',
      /must name hosts of dispatch_subnet6, which is not given; 2001:db8::20 is none$/,
    );
  });
});
