/** The command line of the demo. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { PortKind } from "../lab/lstack-conf.js";
import { repositoryRoot } from "../lab/repository.js";

export const usage = `usage: npm run demo -- [--quick] [--port packet|dpdk|ltran] [--json FILE]
                            [--kernel-only]

  --quick         3 rounds of short samples instead of 5 of long ones; finishes within 60 s once built
  --port PORT     how the stack reaches the interface: packet (default), dpdk (its af_packet driver),
                  or ltran, which then has the interface
  --json FILE     where the results go (default build/demo.json)
  --kernel-only   for work on the demo itself: measures the two kernel baselines, proves nothing, and
                  writes results only if --json names a file
`;

/** What the command line asked for. */
export interface DemoOptions {
  rounds: number;
  /** How long one sample should last, in seconds. */
  sampleSeconds: number;
  port: PortKind;
  /** `undefined`: write none. */
  jsonFile: string | undefined;
  kernelOnly: boolean;
}

const ports: readonly PortKind[] = ["packet", "dpdk", "ltran"];

/** @throws Error with a message for the user when an argument is unknown or has an impossible value. */
export function parseOptions(argumentList: string[]): DemoOptions {
  const { values } = parseArgs({
    args: argumentList,
    options: {
      quick: { type: "boolean", default: false },
      port: { type: "string", default: "packet" },
      json: { type: "string" },
      "kernel-only": { type: "boolean", default: false },
    },
  });
  const port = ports.find((name) => name === values.port);
  if (port === undefined) throw new Error(`--port ${values.port}: must be packet, dpdk or ltran`);
  const kernelOnly = values["kernel-only"];
  return {
    rounds: values.quick ? 3 : 5,
    sampleSeconds: values.quick ? 0.5 : 1.5,
    port,
    jsonFile: values.json ?? (kernelOnly ? undefined : join(repositoryRoot, "build", "demo.json")),
    kernelOnly,
  };
}
