import type { Facts, Link } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { called, lstacks } from "../subjects.js";

/**
 * The device that kni_switch makes has the address on purpose; it is known by its kind and hardware
 * address.
 */
function isShared({ kind, mac }: Link, macs: readonly string[]): boolean {
  return kind === "tun" && macs.includes(mac);
}

function owned(by: string, address: string, name: string): Problem {
  return {
    severity: "error",
    what: `the kernel owns ${address} on ${name}, which is the address of the stack of ${by}`,
    why: "both answer: the kernel's resets end the stack's connections, and port packet refuses to start",
    fix: `ip addr del ${address} dev ${name}   # or choose another host_addr`,
  };
}

function twice(first: string, second: string, address: string): Problem {
  return {
    severity: "error",
    what: `${first} and ${second} both have ${address}`,
    why: "two stacks with one address answer for each other, and neither keeps its connections",
    fix: "give each program a host_addr of its own",
  };
}

/** Every stack's address, and whose it is; a configuration that runs already counts once. */
function stacks(facts: Facts): { address: string; by: string }[] {
  const running = facts.programs
    .filter(({ address }) => address !== "")
    .map((program) => ({ address: program.address, by: called(program) }));
  const files = lstacks(facts).map(({ address, path }) => ({ address, by: path }));
  return [...running, ...files.filter(({ address }) => !running.some((one) => one.address === address))];
}

export const address: Check = {
  id: "address",
  about: "the kernel has no address of a stack, and no two programs have the same",
  look: (facts) => {
    const macs = [
      ...facts.programs.map(({ mac }) => mac),
      ...facts.ltrans.flatMap(({ report }) => (report === null ? [] : [report.mac])),
    ];
    const byKernel = stacks(facts).flatMap((stack) =>
      facts.links
        .filter((link) => link.addresses.includes(stack.address) && !isShared(link, macs))
        .map((link) => owned(stack.by, stack.address, link.name)),
    );
    const direct = facts.programs.filter((one) => one.port !== "ltran" && one.address !== "");
    const byPrograms = direct.flatMap((program, i) => {
      const other = direct.slice(i + 1).find((one) => one.address === program.address);
      return other === undefined ? [] : [twice(called(program), called(other), program.address)];
    });
    return [...byKernel, ...byPrograms];
  },
};
