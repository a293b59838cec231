import { type Section, Sheet } from "../sheet.js";
import type { Asked, View } from "../view.js";
import type { Ltran } from "./ltran.js";

/** Rows of one table; more are only counted. */
const ROWS_MOST = 22_000;

/** A listener, as ltran tells of it. */
interface Listener {
  pid: number | null;
  stack: number | null;
  protocol: number;
  address: string;
  port: number;
  backlog: number;
  connections: number;
}

/** A flow, as ltran tells of it. */
interface Flow {
  pid: number | null;
  stack: number | null;
  protocol: number;
  local: string;
  localPort: number;
  remote: string;
  remotePort: number;
  state: string;
}

/** Protocols by their number in IP packets. */
const NAMES = new Map([
  [6, "TCP"],
  [17, "UDP"],
]);

const sockets = new Sheet<Listener>("sockets", "lines", "Listeners and bindings that programs announced.")
  .column("pid", "number", "The process; - when it is gone.", (row) => row.pid)
  .column("stack", "number", "Its stack.", (row) => row.stack)
  .column("protocol", "text", "TCP or UDP.", (row) => NAMES.get(row.protocol) ?? String(row.protocol))
  .column("listen_ip", "text", "Address.", (row) => row.address)
  .column("listen_port", "number", "Port.", (row) => row.port)
  .column("backlog", "connections", "Connections that may wait for accept.", (row) => row.backlog)
  .column("conn_num", "connections", "Connections that came by it.", (row) => row.connections);

const flows = new Sheet<Flow>("connections", "lines", "Connections, and peers of datagram sockets.")
  .column("pid", "number", "The process; - when it is gone.", (row) => row.pid)
  .column("stack", "number", "Its stack.", (row) => row.stack)
  .column("protocol", "text", "TCP or UDP.", (row) => NAMES.get(row.protocol) ?? String(row.protocol))
  .column("src_ip", "text", "Address of the other end.", (row) => row.remote)
  .column("src_port", "number", "Port of the other end.", (row) => row.remotePort)
  .column("dst_ip", "text", "Address of the program.", (row) => row.local)
  .column("dst_port", "number", "Port of the program.", (row) => row.localPort)
  .column("state", "text", "What ltran knows of it (ltran/dispatch/tables/flow.ts).", (row) => row.state);

async function read(ltran: Ltran, { choice }: Asked): Promise<Section[]> {
  if (choice === "socktable") {
    const { rows, used } = await ltran.table<Listener>("listeners", ROWS_MOST);
    return [sockets.section(rows, `${rows.length} of ${used} shown`)];
  }
  const { rows, used } = await ltran.table<Flow>("flows", ROWS_MOST);
  return [flows.section(rows, `${rows.length} of ${used} shown`)];
}

/** `gazellectl ltran show -t socktable`, `-t conntable`. */
export const table: View<Ltran> = {
  words: ["-t", "table"],
  about: "listeners (socktable) or connections (conntable)",
  time: "none",
  choice: { name: "table", values: ["socktable", "conntable"] },
  sheets: [sockets, flows],
  read,
};
