/** What a measurement depends on, for the record. */
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { pause } from "./command.js";
import type { Lab } from "./lab.js";
import { clientSysctls } from "./lab.js";
import { runInside } from "./namespaces.js";
import { isPinned, pinning } from "./program.js";

const shownOffloads: Readonly<Record<string, string>> = {
  "tx-checksumming": "tx",
  "tcp-segmentation-offload": "tso",
  "generic-segmentation-offload": "gso",
  "generic-receive-offload": "gro",
};
const congestionControl = "net.ipv4.tcp_congestion_control";
/** A machine that is busier than this before we start is doing something else. */
const busyShare = 0.15;
const busyWindowMs = 300;

/** The offloads of an interface, in the words of `ethtool -K`. */
function describeOffloads(namespace: string, device: string): string {
  const text = runInside(namespace, "ethtool", "-k", device).toString();
  const states = text.split("\n").flatMap((line) => {
    const [name = "", state = ""] = line.split(": ");
    const short = shownOffloads[name];
    return short === undefined ? [] : [`${short} ${state.split(" ")[0]}`];
  });
  return states.join(", ");
}

function describeSysctls(namespace: string, names: readonly string[]): string {
  const text = runInside(namespace, "sysctl", ...names).toString();
  return text.trim().replaceAll("\t", "-").split("\n").join(", ");
}

function cpuTimes(): { busy: number; all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const working = times.user + times.nice + times.sys + times.irq;
    busy += working;
    all += working + times.idle;
  }
  return { busy, all };
}

/** Which part of all CPUs' time is spent on something, over 0.3 s; the load average reacts too slowly. */
async function measureBusyShare(): Promise<number> {
  const before = cpuTimes();
  await pause(busyWindowMs);
  const after = cpuTimes();
  return (after.busy - before.busy) / Math.max(1, after.all - before.all);
}

/** Lines about the machine; call it before anything of ours makes load. */
export async function describeMachine(): Promise<string[]> {
  const busy = await measureBusyShare();
  const load = loadavg().map((value) => value.toFixed(2));
  const cpu = cpus()[0]?.model ?? "unknown";
  const pins = `client on CPU ${pinning.client}, server on CPU ${pinning.server}`;
  const lines = [
    `kernel      Linux ${release()}`,
    `CPUs        ${availableParallelism()} x ${cpu}`,
    `pinning     ${isPinned() ? pins : "none: one CPU"}`,
    `load        average ${load.join(" ")}; CPUs ${Math.round(busy * 100)} % busy before we start`,
  ];
  if (busy > busyShare) {
    lines.push("warning     the machine is busy with other work: expect noise, and compare ratios only");
  }
  return lines;
}

/** Lines about one lab. */
export function describeLab(lab: Lab): string[] {
  const server = describeSysctls(lab.serverNamespace, [congestionControl]);
  return [
    `  server    ${describeOffloads(lab.serverNamespace, lab.serverInterface)}`,
    ...(lab.stack === "kernel" ? [`  server    ${server}`] : []),
    `  client    ${describeOffloads(lab.clientNamespace, lab.clientInterface)}`,
    `  client    ${describeSysctls(lab.clientNamespace, [congestionControl, ...Object.keys(clientSysctls)])}`,
  ];
}
