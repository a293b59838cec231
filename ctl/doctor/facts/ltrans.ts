/** The ltrans that configurations and programs name. */
import { basename, dirname, join } from "node:path";
import { placeOf } from "../../../ltran/daemon/place.js";
import type { LtranReport } from "../../../ltran/daemon/report.js";
import { askControl, ControlError } from "../../control-socket.js";
import type { Configuration, Ltran, Program } from "./facts.js";

/** Whether an answer is what an ltran says: it may be another user's, and anything. */
function isReport(head: object): head is LtranReport {
  const { mac, subnet, nics, instances, counters, drops } = head as Partial<LtranReport>;
  const isWhole = (list: unknown) => Array.isArray(list) && list.every((one) => one instanceof Object);
  const areObjects = counters instanceof Object && drops instanceof Object;
  return (
    typeof mac === "string" && typeof subnet === "string" && areObjects && [nics, instances].every(isWhole)
  );
}

async function ask(prefix: string, socket: string): Promise<Ltran> {
  try {
    const { head } = await askControl(socket, "instances");
    return { prefix, socket, report: isReport(head) ? head : null };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return { prefix, socket, report: null };
  }
}

/** Asks each of them: by unix_prefix of configurations, and of programs behind an ltran. */
export function readLtrans(
  configurations: readonly Configuration[],
  programs: readonly Program[],
): Promise<Ltran[]> {
  const ofFiles = configurations.flatMap(({ kind, values }) =>
    values !== null && (kind === "ltran" || values.port === "ltran") ? [values.unixPrefix] : [],
  );
  const sockets = new Map(ofFiles.map((prefix) => [prefix, placeOf(prefix).control]));
  for (const { port, prefix, socket } of programs) {
    // A program finds its ltran beside its own socket, also when that is another user's folder.
    if (port === "ltran") sockets.set(prefix, join(dirname(socket), basename(placeOf(prefix).control)));
  }
  return Promise.all([...sockets].map(([prefix, socket]) => ask(prefix, socket)));
}
