import { readFileSync } from "node:fs";
import { type AnswerHead, askControl } from "../../control-socket.js";
import type { Facts } from "../../statistics.js";
import type { Instance } from "../instances.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";

/** One statistic of a device. */
interface Row {
  device: string;
  name: string;
  value: number;
}

/** Columns of /proc/net/dev, both ways. */
const RECEIVED = ["packets", "errors", "drop", "fifo", "frame", "compressed", "multicast"];
const SENT = ["packets", "errors", "drop", "fifo", "collisions", "carrier", "compressed"];

const sheet = new Sheet<Row>("xstats", "lines", "What the port and its device count.")
  .column("device", "text", "The device, or the port.", (row) => row.device)
  .column("name", "text", "What is counted.", (row) => row.name)
  .column("value", "number", "How much of it.", (row) => row.value);

/** What the kernel counts for an interface in the network namespace of a process. */
function interfaceRows(pid: number, device: string): Row[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, "latin1");
  } catch {
    return [];
  }
  const line = text.split("\n").find((candidate) => candidate.trim().startsWith(`${device}:`));
  const values = (line?.split(":")[1] ?? "").trim().split(/\s+/).map(Number);
  const names = [
    "rx_bytes",
    ...RECEIVED.map((name) => `rx_${name}`),
    "tx_bytes",
    ...SENT.map((name) => `tx_${name}`),
  ];
  if (values.length !== names.length) return [];
  return names.map((name, i) => ({ device, name, value: values[i] ?? 0 }));
}

/** What the port itself did not take, and what its device counts. */
async function portRows(path: string, { stack, port, skippedFrames, refusedFrames }: Facts): Promise<Row[]> {
  const { head } = await askControl(path, `statistics ${stack}`);
  const { statistics } = head as AnswerHead & { statistics: Record<string, number> };
  const device = `${port}.${stack}`;
  return [
    { device, name: "rx_skipped", value: skippedFrames },
    { device, name: "tx_refused", value: refusedFrames },
    ...Object.entries(statistics).map(([name, value]) => ({ device, name, value })),
  ];
}

async function rowsOf({ path, facts, stacks }: Instance): Promise<Row[]> {
  const ports = await Promise.all(stacks.map((stack) => portRows(path, stack.facts)));
  return [...ports.flat(), ...(facts.device === "" ? [] : interfaceRows(facts.pid, facts.device))];
}

/** `gazellectl lstack show TARGET -x`. */
export const xstats: View<Instance> = {
  words: ["-x", "xstats"],
  about: "what the port and its device count",
  time: "none",
  sheets: [sheet],
  read: async (instance) => [sheet.section(await rowsOf(instance))],
};
