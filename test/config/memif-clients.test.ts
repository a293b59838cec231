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
    refuses('"5=192.168.2.9"', /must name hosts of dispatch_subnet; 192.168.2.9 is none$/);
  });
});
