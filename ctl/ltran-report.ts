/** What an ltran says of itself, as text. */
import type { LtranReport } from "../ltran/daemon/report.js";

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

function numbers(title: string, values: Readonly<Record<string, number>>): string {
  const rows = Object.entries(values).map(([name, value]) => [`  ${name}`, String(value)]);
  return rows.length === 0 ? "" : `\n${title}\n${table(rows)}`;
}

function instanceRows(report: LtranReport): string[][] {
  return report.instances.flatMap(({ pid, uid, program, address, stackCount, stacks }) =>
    stacks.map(({ index, vport, flows, listeners, counters, drops }) => [
      String(pid),
      String(uid),
      program,
      address,
      `${index + 1}/${stackCount}`,
      String(vport),
      String(flows),
      String(listeners),
      String(counters.framesIn ?? 0),
      String(counters.framesOut ?? 0),
      String(Object.values(drops).reduce((sum, value) => sum + value, 0)),
    ]),
  );
}

const HEADINGS = [
  "PID",
  "USER",
  "PROGRAM",
  "ADDRESS",
  "STACK",
  "PORT",
  "FLOWS",
  "LISTENERS",
  "IN",
  "OUT",
  "DROPS",
];

/** The processes that are registered, the devices, and what was counted. */
export function showLtran(report: LtranReport): string {
  const { pid, mac, subnet, instances, maxClients, nics, counters, drops } = report;
  const devices = nics.map(({ device, isUp, isActive }) => {
    return `${device} (${isUp ? "up" : "down"}${isActive ? ", in use" : ""})`;
  });
  const head = `ltran ${pid}: ${mac}, clients in ${subnet}, ${instances.length} of at most ${maxClients}\n`;
  const rows = instanceRows(report);
  const list = rows.length === 0 ? "" : `\n${table([HEADINGS, ...rows])}`;
  const counted = numbers("counters", counters) + numbers("drops", drops);
  return `${head}devices: ${devices.join(", ")}\n${list}${counted}`;
}
