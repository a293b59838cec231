/** The three servers that the demo compares, each in a lab of its own. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Lab, LabOptions } from "../lab/lab.js";
import { addresses, createLab } from "../lab/lab.js";
import type { PortKind } from "../lab/lstack-conf.js";
import { stackEnvironment } from "../lab/lstack-conf.js";
import { startLtran } from "../lab/ltran.js";
import type { Program } from "../lab/program.js";
import { startProgram } from "../lab/program.js";
import { waitForServer } from "../lab/readiness.js";
import { temporaryFolder } from "../lab/temporary.js";

export const redisPort = 6379;

/** The prefixes of the columns in `build/demo.json`. */
export type ContestantName = "kernel" | "kernel_equal" | "gazelle";

/** A Redis on one of the stacks. While it is not measured it is stopped, so that it takes no CPU time. */
export interface Contestant {
  name: ContestantName;
  title: string;
  lab: Lab;
  server: Program;
}

const titles: Readonly<Record<ContestantName, string>> = {
  kernel: "kernel as it comes",
  kernel_equal: "kernel, equal offloads",
  gazelle: "Gazelle",
};

function labOptions(name: ContestantName, port: PortKind): LabOptions {
  switch (name) {
    case "kernel":
      return { label: "kernel", stack: "kernel", offloads: "default" };
    case "kernel_equal":
      return { label: "equal", stack: "kernel", offloads: "equal" };
    case "gazelle":
      // DPDK's af_packet driver cuts off frames longer than its slots, so the peer must not send any.
      return { label: "gazelle", stack: "gazelle", offloads: port === "dpdk" ? "equal" : "default" };
  }
}

/** Starts Debian's redis-server in a new lab and waits until it accepts connections; then it is stopped. */
export async function startContestant(name: ContestantName, port: PortKind): Promise<Contestant> {
  const lab = createLab(labOptions(name, port));
  const folder = join(temporaryFolder(), name);
  mkdirSync(folder);
  const isBehindLtran = name === "gazelle" && port === "ltran";
  const prefix = isBehindLtran ? (await startLtran(lab)).prefix : "";
  const bind = ["--bind", addresses.server, "--port", String(redisPort), "--protected-mode", "no"];
  const server = startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: "redis-server",
    argumentList: [...bind, "--save", "", "--dir", folder],
    environment: stackEnvironment(lab, ["redis-server"], { port, extraLines: [`unix_prefix="${prefix}"`] }),
    workingFolder: folder,
  });
  await waitForServer(lab, server, redisPort);
  server.signal("SIGSTOP");
  return { name, title: titles[name], lab, server };
}
