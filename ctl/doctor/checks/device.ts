import type { Facts } from "../facts/facts.js";
import { ealInterfaces } from "../facts/gather.js";
import type { Check, Problem } from "../finding.js";
import { lstacks, ltranFiles } from "../subjects.js";

function known({ links }: Facts): string {
  const list = links.filter(({ name }) => name !== "lo").map(({ name, mac }) => `${name} ${mac}`);
  return list.length === 0 ? "there is none" : list.slice(0, 8).join(", ");
}

function missing(facts: Facts, path: string, name: string): Problem {
  return {
    severity: "error",
    what: `${path}: no interface is called ${name}; there are: ${known(facts)}`,
    why: "the stack has no way to the network, so the program does not start",
    fix: "ip link   # lists the interfaces; then correct the name, or start in their network namespace",
  };
}

function wrongMac(facts: Facts, path: string, mac: string): Problem {
  return {
    severity: "error",
    what: `${path}: no interface has the address ${mac} that devices names; there are: ${known(facts)}`,
    why: "the stack finds its device by this address, so the program does not start",
    fix: "ip link   # lists the addresses; then set devices",
  };
}

function mixedUp(path: string, device: string, mac: string, has: string): Problem {
  return {
    severity: "error",
    what: `${path}: devices names ${mac}, but dpdk_args uses ${device}, which has ${has}`,
    why: "the port is refused: it is not the device that is meant",
    fix: `in ${path} set devices = "${has}"`,
  };
}

export const device: Check = {
  id: "device",
  about: "the devices that configurations name are there",
  look: (facts) => {
    const has = (name: string) => facts.links.find((link) => link.name === name);
    const ofPrograms = lstacks(facts).flatMap(({ path, port, mac, device: name, ealArguments }) => {
      if (port === "packet" && mac !== "" && !facts.links.some((link) => link.mac === mac)) {
        return [wrongMac(facts, path, mac)];
      }
      const used =
        port === "packet" ? [name].filter(Boolean) : port === "dpdk" ? ealInterfaces(ealArguments) : [];
      return used.flatMap((one) => {
        const link = has(one);
        if (link === undefined) return [missing(facts, path, one)];
        return port === "dpdk" && mac !== "" && link.mac !== mac ? [mixedUp(path, one, mac, link.mac)] : [];
      });
    });
    const ofLtran = ltranFiles(facts).flatMap(({ path, port, devices, ealArguments }) =>
      (port === "packet" ? devices : ealInterfaces(ealArguments))
        .filter((name) => has(name) === undefined)
        .map((name) => missing(facts, path, name)),
    );
    return [...ofPrograms, ...ofLtran];
  },
};
