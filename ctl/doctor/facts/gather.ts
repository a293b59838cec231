/** Gathers everything that the checks look at: reads only, in bounded time. */
import { readConfigurations } from "./configuration.js";
import type { Configuration, Facts, Link, Program } from "./facts.js";
import { readLinks } from "./links.js";
import { readLtrans } from "./ltrans.js";
import { readMachine } from "./machine.js";
import { preloadedProcesses } from "./processes.js";
import { bystandersAmong, readPrograms } from "./programs.js";
import { readRemains } from "./remains.js";
import { readServices } from "./services.js";

/** Interfaces of the kernel that arguments for the EAL name. */
export function ealInterfaces(ealArguments: readonly string[]): string[] {
  return ealArguments.flatMap((argument) =>
    /net_af_(?:packet|xdp)/.test(argument)
      ? [...argument.matchAll(/iface=([^,]+)/g)].map((m) => m[1] ?? "")
      : [],
  );
}

/** Names and MAC addresses of interfaces that a configuration uses. */
function interfacesOf(configuration: Configuration): string[] {
  const { kind, values } = configuration;
  if (values === null) return [];
  const own = kind === "ltran" ? values.devices : values.port === "packet" ? [values.device, values.mac] : [];
  return [...own, ...ealInterfaces(values.ealArguments)].filter((name) => name !== "");
}

/** Which devices are used: by configurations, programs and ltrans. */
function usedDevices(
  configurations: readonly Configuration[],
  programs: readonly Program[],
  ltranDevices: readonly string[],
): (link: Link) => boolean {
  const names = new Set([
    ...configurations.flatMap(interfacesOf),
    ...programs.map(({ device }) => device),
    ...ltranDevices,
  ]);
  return ({ name, mac }) => names.has(name) || names.has(mac);
}

/** Gathers the facts about this network namespace and these configuration files. */
export async function gatherFacts(paths: readonly string[]): Promise<Facts> {
  const unseen: string[] = [];
  const configurations = readConfigurations(paths);
  const preloaded = preloadedProcesses();
  const programs = await readPrograms(preloaded, unseen);
  const ltrans = await readLtrans(configurations, programs);
  const ltranDevices = ltrans.flatMap(({ report }) => report?.nics.map(({ device }) => device) ?? []);
  if (process.geteuid?.() !== 0) unseen.push("processes of other users (run it as root)");
  return {
    machine: readMachine(configurations),
    links: readLinks(usedDevices(configurations, programs, ltranDevices), unseen),
    configurations,
    programs,
    bystanders: bystandersAmong(preloaded),
    matchedNames: preloaded.flatMap(({ isSelected, wanted }) =>
      isSelected && wanted !== null ? [wanted] : [],
    ),
    services: readServices(),
    ltrans,
    remains: await readRemains(unseen),
    unseen,
  };
}
