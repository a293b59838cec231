import type { LtranReport } from "../../../ltran/daemon/report.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";
import type { Ltran } from "./ltran.js";

type Process = LtranReport["instances"][number];
interface Row {
  process: Process;
  stack: Process["stacks"][number];
}

const sheet = new Sheet<Row>("instances", "lines", "The stacks that are registered.")
  .column("PID", "number", "The process.", (row) => row.process.pid)
  .column("USER", "number", "Its user.", (row) => row.process.uid)
  .column("PROGRAM", "text", "Its name, as it says itself.", (row) => row.process.program)
  .column("ADDRESS", "text", "Its address.", (row) => row.process.address)
  .column(
    "STACK",
    "text",
    "Which of its stacks.",
    (row) => `${row.stack.index + 1}/${row.process.stackCount}`,
  )
  .column("PORT", "number", "The number that ltran gave it.", (row) => row.stack.vport)
  .column("FLOWS", "connections", "Connections, and peers of datagram sockets.", (row) => row.stack.flows)
  .column("LISTENERS", "sockets", "Listeners and bindings.", (row) => row.stack.listeners)
  .column("IN", "packets", "Frames from it.", (row) => row.stack.counters.framesIn ?? 0)
  .column("OUT", "packets", "Frames to it.", (row) => row.stack.counters.framesOut ?? 0)
  .bad("DROPS", "packets", "Frames from and to it that were discarded.", (row) =>
    Object.values(row.stack.drops).reduce((sum, value) => sum + value, 0),
  );

/** `gazellectl ltran show -i`. Its JSON is the whole report of ltran: docs/control-protocol.md. */
export const instance: View<Ltran> = {
  words: ["-i", "instance"],
  about: "the programs that are registered",
  time: "none",
  sheets: [sheet],
  document: (ltran) => ltran.report(),
  async read(ltran) {
    const report = await ltran.report();
    const rows = report.instances.flatMap((process) => process.stacks.map((stack) => ({ process, stack })));
    const devices = report.nics.map(({ device, isUp, isActive }) => {
      return `${device} (${isUp ? "up" : "down"}${isActive ? ", in use" : ""})`;
    });
    const clients = `${report.instances.length} of at most ${report.maxClients} clients in ${report.subnet}`;
    const remark = `ltran ${report.pid}: ${report.mac}, ${clients}; devices: ${devices.join(", ")}`;
    return [sheet.section(rows, remark)];
  },
};
