import type { LtranReport } from "../../../ltran/daemon/report.js";
import type { Facts } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { isRunning, lstacks, ltranFiles } from "../subjects.js";

function toNumber(address: string): number {
  return address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

/** Whether an IPv4 address lies in a network such as 10.0.0.0/24. */
export function liesIn(address: string, subnet: string): boolean {
  const [network = "", length = "32"] = subnet.split("/");
  const size = 2 ** (32 - Number(length));
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(network) / size);
}

/** `known` are the MAC addresses of ltran's bonds. */
function wrongMac(path: string, mac: string, known: readonly string[]): Problem {
  const has = known.join(" or ");
  return {
    severity: "error",
    what: `${path}: devices is ${mac}, and ltran's MAC address is ${has}`,
    why: "ltran refuses the registration, so the program does not start",
    fix: `in ${path} set devices = "${has}", or leave it out`,
  };
}

function outside(path: string, address: string, report: LtranReport): Problem {
  return {
    severity: "error",
    what: `${path}: host_addr ${address} does not lie in ltran's ${report.subnet}`,
    why: "ltran refuses the registration, so the program does not start",
    fix: `choose another host_addr, or another dispatch_subnet in ltran.conf`,
  };
}

function full(path: string, report: LtranReport): Problem {
  return {
    severity: "error",
    what: `${path}: ltran has ${report.instances.length} of at most ${report.maxClients} programs`,
    why: "ltran refuses one more",
    fix: "raise dispatch_max_clients in ltran.conf, and start ltran again",
  };
}

function macsOf({ mac, nics }: LtranReport): string[] {
  return [...new Set([mac, ...nics.map((nic) => nic.mac)])];
}

function configuredMacs(facts: Facts, prefix: string): readonly string[] {
  return ltranFiles(facts).find(({ unixPrefix }) => unixPrefix === prefix)?.macs ?? [];
}

export const ltranClient: Check = {
  id: "ltran-client",
  about: "ltran would take the programs that are configured for it",
  look: (facts) =>
    lstacks(facts)
      .filter(({ port }) => port === "ltran")
      .flatMap((file) => {
        const { path, mac, address, unixPrefix } = file;
        const report = facts.ltrans.find(({ prefix }) => prefix === unixPrefix)?.report ?? null;
        const known = report === null ? configuredMacs(facts, unixPrefix) : macsOf(report);
        const problems: Problem[] = [];
        if (mac !== "" && known.length > 0 && !known.includes(mac)) {
          problems.push(wrongMac(path, mac, known));
        }
        if (report === null) return problems;
        if (!liesIn(address, report.subnet)) problems.push(outside(path, address, report));
        if (report.instances.length >= report.maxClients && !isRunning(facts, file)) {
          problems.push(full(path, report));
        }
        return problems;
      }),
};
