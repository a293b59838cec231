import type { Facts } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { isRunning, lstacks, ltranFiles } from "../subjects.js";

/** Bits of capabilities(7). */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_IPC_LOCK: 14, CAP_NET_RAW: 13 } as const;
type Capability = keyof typeof CAPABILITIES;

/** What a start needs, and for what. */
interface Need {
  capability: Capability;
  reason: string;
}

function ealNeeds(ealArguments: readonly string[]): Need[] {
  const text = ealArguments.join(" ");
  const needs: Need[] = [];
  if (/net_af_packet/.test(text)) {
    needs.push({ capability: "CAP_NET_RAW", reason: "net_af_packet opens packet sockets" });
    needs.push({ capability: "CAP_IPC_LOCK", reason: "net_af_packet locks its rings into memory" });
  }
  if (/net_tap/.test(text)) needs.push({ capability: "CAP_NET_ADMIN", reason: "net_tap makes a device" });
  if (/net_af_xdp/.test(text))
    needs.push({ capability: "CAP_NET_ADMIN", reason: "net_af_xdp loads a program" });
  return needs;
}

function asUser(capability: Capability): string {
  const name = capability.slice("CAP_".length).toLowerCase();
  return `setpriv --inh-caps=+${name} --ambient-caps=+${name} PROGRAM   # or as root (docs/deployment.md)`;
}

function missing({ machine }: Facts, path: string, needs: readonly Need[]): Problem[] {
  return needs
    .filter(({ capability }) => ((machine.capabilities >> BigInt(CAPABILITIES[capability])) & 1n) === 0n)
    .map(({ capability, reason }) => ({
      severity: "error",
      what: `${path}: this user (${machine.uid}) has no ${capability}`,
      why: `${reason}: a start by this user fails`,
      fix: asUser(capability),
    }));
}

function withoutTun({ machine }: Facts, path: string, needs: readonly Need[]): Problem[] {
  if (machine.hasTun || !needs.some(({ reason }) => /makes a device/.test(reason))) return [];
  return [
    {
      severity: "error",
      what: `${path}: there is no /dev/net/tun`,
      why: "the device for the kernel, or for net_tap, cannot be made",
      fix: "modprobe tun   # in a container: give it the device /dev/net/tun",
    },
  ];
}

export const rights: Check = {
  id: "rights",
  about: "this user has the capabilities that configurations need",
  look: (facts) => {
    const kernel: Need = { capability: "CAP_NET_ADMIN", reason: "kni_switch makes a device for the kernel" };
    const raw: Need = { capability: "CAP_NET_RAW", reason: "port packet opens a packet socket" };
    const starts = [...lstacks(facts), ...ltranFiles(facts)].filter((one) => !isRunning(facts, one));
    return starts.flatMap(({ path, port, hasKernelDevice, ealArguments }) => {
      const needs = [
        ...(port === "packet" ? [raw] : port === "dpdk" ? ealNeeds(ealArguments) : []),
        ...(hasKernelDevice ? [kernel] : []),
      ];
      return [...missing(facts, path, needs), ...withoutTun(facts, path, needs)];
    });
  },
};
