import type { Facts } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { deviceUsers, lstacks, ltranFiles } from "../subjects.js";

function nodeOf({ machine }: Facts, cpu: number): number {
  return [...machine.numaNodes].find(([, cpus]) => cpus.includes(cpu))?.[0] ?? -1;
}

/** NUMA nodes of the devices of a configuration, by their names. */
function devicesOf(facts: Facts, path: string, ealArguments: readonly string[]): [string, number][] {
  const users = deviceUsers({ ...facts, programs: [], ltrans: [] }).filter(({ by }) => by === path);
  const pci = facts.machine.pciDevices.filter(({ address }) =>
    ealArguments.some((argument) => argument.includes(address)),
  );
  return [
    ...users.map(({ link }): [string, number] => [link.name, link.numaNode]),
    ...pci.map(({ address, numaNode }): [string, number] => [address, numaNode]),
  ];
}

function far(
  facts: Facts,
  path: string,
  option: string,
  cpus: readonly number[],
  device: [string, number],
): Problem[] {
  const [name, node] = device;
  const away = cpus.filter((cpu) => cpu >= 0 && nodeOf(facts, cpu) !== node);
  if (node < 0 || away.length === 0) return [];
  const near = (facts.machine.numaNodes.get(node) ?? []).slice(0, Math.max(1, cpus.length));
  return [
    {
      severity: "warning",
      what: `${path}: CPU ${away.join(", ")} is not on NUMA node ${node}, where ${name} is`,
      why: "every frame crosses between the nodes, which costs latency and throughput",
      fix: `in ${path} set ${option} = ${option === "num_cpus" ? `"${near.join(",")}"` : near[0]}`,
    },
  ];
}

export const numa: Check = {
  id: "numa",
  about: "stacks run on the NUMA node of their device",
  look: (facts) => {
    if (facts.machine.numaNodes.size < 2) return [];
    const programs = lstacks(facts).flatMap(({ path, cpus, ealArguments }) =>
      devicesOf(facts, path, ealArguments).flatMap((one) => far(facts, path, "num_cpus", cpus, one)),
    );
    const ltrans = ltranFiles(facts).flatMap(({ path, forwardCpu, ealArguments }) =>
      devicesOf(facts, path, ealArguments).flatMap((one) =>
        far(facts, path, "forward_cpu", [forwardCpu], one),
      ),
    );
    return [...programs, ...ltrans];
  },
};
