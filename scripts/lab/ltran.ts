/** An ltran in the server's namespace of a lab, with a configuration of the caller's. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { placeOf } from "../../ltran/daemon/place.js";
import type { LtranReport } from "../../ltran/daemon/report.js";
import { inRoot } from "../build/paths.js";
import { onCleanUp } from "./cleanup.js";
import { waitUntil } from "./command.js";
import { addresses, type Lab } from "./lab.js";
import { type Program, runProgram, startProgram } from "./program.js";
import { temporaryFolder } from "./temporary.js";

const patienceMs = 10_000;
let count = 0;

/** How to run an ltran other than the build's. */
export interface Launch {
  nodeArguments?: readonly string[];
  /** Its file. */
  program?: string;
  environment?: Readonly<Record<string, string>>;
}

/** A running ltran. */
export interface Daemon {
  program: Program;
  prefix: string;
  /** Where clients register. */
  socket: string;
  report(): Promise<LtranReport>;
}

/** Runs gazellectl for an ltran; answers what it printed. */
export async function gazellectl(lab: Lab, prefix: string, ...words: string[]): Promise<string> {
  const argumentList = [inRoot("ctl", "bin", "gazellectl.mjs"), "-u", prefix, ...words];
  const result = await runProgram({
    namespace: lab.serverNamespace,
    role: "client",
    command: process.execPath,
    argumentList,
  });
  return result.stdout.toString();
}

/** Writes an ltran.conf; options are as in the file, those that are empty are left out. */
export function writeLtranConf(lab: Lab, prefix: string, options: Readonly<Record<string, string>>): string {
  const path = join(temporaryFolder(), `ltran-${count++}.conf`);
  const all = {
    devices: `"${lab.serverInterface}"`,
    bond_ports: '"0x1"',
    bond_macs: `"${addresses.serverMac}"`,
    dispatch_subnet: '"10.77.0.0"',
    dispatch_subnet_length: "8",
    memory: "64",
    unix_prefix: `"${prefix}"`,
    ...options,
  };
  writeFileSync(
    path,
    Object.entries(all)
      .filter(([, value]) => value !== "")
      .map(([key, value]) => `${key} = ${value}\n`)
      .join(""),
  );
  return path;
}

/** Who is killed leaves sockets to the next one with this prefix, who may never come. */
function removeSocketsAtEnd(prefix: string): void {
  assert.match(prefix, /^gz-/);
  const { folder } = placeOf(prefix);
  onCleanUp(() => {
    const names = existsSync(folder) ? readdirSync(folder) : [];
    for (const name of names.filter((text) => text.startsWith(prefix))) rmSync(join(folder, name));
  });
}

/** Starts an ltran and waits until it serves; several in one lab have prefixes of their own. */
export async function startLtran(
  lab: Lab,
  options: Readonly<Record<string, string>> = {},
  prefix = `gz-${process.pid}-${lab.label}-`,
  launch: Launch = {},
): Promise<Daemon> {
  const path = writeLtranConf(lab, prefix, options);
  removeSocketsAtEnd(prefix);
  const program = launch.program ?? inRoot("ctl", "bin", "ltran.mjs");
  const argumentList = [...(launch.nodeArguments ?? []), program, "-c", path];
  const running = startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: process.execPath,
    argumentList,
    environment: launch.environment,
  });
  const isReady = async () => /ready/.test(running.output()) || running.result() !== undefined;
  await waitUntil(isReady, patienceMs);
  if (running.result() !== undefined) throw new Error(`ltran ended:\n${running.output()}`);
  return {
    program: running,
    prefix,
    socket: placeOf(prefix).client,
    report: async () =>
      JSON.parse(await gazellectl(lab, prefix, "ltran", "show", "-i", "--json")) as LtranReport,
  };
}
