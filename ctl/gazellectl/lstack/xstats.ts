import { readFileSync } from "node:fs";
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

function rowsOf({ facts, stacks }: Instance): Row[] {
  const port = stacks.flatMap(({ facts: { stack, port, skippedFrames, refusedFrames } }) => [
    { device: `${port}.${stack}`, name: "rx_skipped", value: skippedFrames },
    { device: `${port}.${stack}`, name: "tx_refused", value: refusedFrames },
  ]);
  return [...port, ...(facts.device === "" ? [] : interfaceRows(facts.pid, facts.device))];
}

/** `gazellectl lstack show TARGET -x`. */
export const xstats: View<Instance> = {
  words: ["-x", "xstats"],
  about: "what the port and its device count",
  time: "none",
  sheets: [sheet],
  read: async (instance) => [sheet.section(rowsOf(instance))],
};
