/**
 * A lab with accelerated programs and the doctor. All of them have a folder of control sockets of their own,
 * in a mount namespace: what other programs of the machine leave in the real one is none of their findings.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../../ctl/doctor/finding.js";
import { inRoot } from "../../../scripts/build/paths.js";
import { waitUntil } from "../../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../../scripts/lab/lab.js";
import { type ConfigurationOptions, stackConfiguration } from "../../../scripts/lab/lstack-conf.js";
import { writeLtranConf } from "../../../scripts/lab/ltran.js";
import { type Program, runProgram, startProgram } from "../../../scripts/lab/program.js";
import { preloadEnvironment, requireStackLibrary } from "../../../scripts/lab/repository.js";
import { temporaryFolder } from "../../../scripts/lab/temporary.js";

/** Where patient.py listens: habits are ports from here on. */
export const patientPort = 7_000;
const patienceMs = 15_000;

/** What programs of other users left, which run beside these tests. */
const ELSEWHERE = /^\/tmp\/gazelle-\d+\//;

/** A new /run with nothing but the lab's namespaces in it; mounts of the machine that go, go here, too. */
const ownRun = `set -e
folder=$1; shift
for name; do touch "$folder/$name"; mount --bind "/run/netns/$name" "$folder/$name"; done
mount -t tmpfs -o size=1m none /run
mkdir /run/netns
for name; do touch "/run/netns/$name"; mount --bind "$folder/$name" "/run/netns/$name"; done
echo ready
exec sleep 1000`;

/** Waits for a program's word. @throws Error with its output when it does not come. */
export async function untilSaid(program: Program, word: string): Promise<void> {
  const said = () => program.output().includes(word);
  await waitUntil(() => said() || program.result() !== undefined, patienceMs);
  if (!said()) throw new Error(`no "${word}":\n${program.output().slice(-4_000)}`);
}

/** What the doctor said, and how it ended. */
export interface Diagnosis {
  status: number | null;
  /** What is wrong. */
  findings: Finding[];
  milliseconds: number;
}

/** The lab, and who works in it. */
export class Clinic {
  readonly lab: Lab;
  readonly folder: string;
  /** Configurations that the doctor is shown. */
  readonly files: string[] = [];
  readonly #holder: Program;

  private constructor(lab: Lab, folder: string, holder: Program) {
    this.lab = lab;
    this.folder = folder;
    this.#holder = holder;
  }

  static async open(label: string, offloads: "default" | "equal" = "default"): Promise<Clinic> {
    requireStackLibrary();
    const lab = createLab({ label, stack: "gazelle", offloads });
    const folder = join(temporaryFolder(), label);
    mkdirSync(join(folder, "netns"), { recursive: true });
    const namespaces = [lab.serverNamespace, lab.clientNamespace];
    const holder = startProgram({
      namespace: lab.serverNamespace,
      role: "client",
      command: "unshare",
      argumentList: [
        ...["--mount", "--propagation", "slave", "bash", "-c", ownRun, "holder"],
        ...[join(folder, "netns"), ...namespaces],
      ],
    });
    try {
      await untilSaid(holder, "ready");
    } catch (error) {
      lab.remove();
      throw error;
    }
    return new Clinic(lab, folder, holder);
  }

  /** The words that run a command with our /run. */
  #admitted(...command: string[]): { command: string; argumentList: string[] } {
    const holder = `/proc/${this.#holder.pid}`;
    return {
      command: "nsenter",
      argumentList: [`--mount=${holder}/ns/mnt`, `--root=${holder}/root`, "--", ...command],
    };
  }

  /** Writes a configuration of a program; with `isShown`, the doctor sees it. */
  configuration(name: string, text: string, isShown = true): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    if (isShown) this.files.push(path);
    return path;
  }

  /** Starts an accelerated program, or one with other variables. */
  start(words: readonly string[], file: string, name: string): Program {
    return startProgram({
      namespace: this.lab.serverNamespace,
      role: "server",
      ...this.#admitted(...words),
      environment: { ...preloadEnvironment(), GAZELLE_BIND_PROCNAME: name, LSTACK_CONF_PATH: file },
    });
  }

  /** Starts patient.py on the stack, and waits until it listens. */
  async startPatient(
    options: ConfigurationOptions,
    address: string = addresses.server,
    mac: string = addresses.serverMac,
  ): Promise<Program> {
    const usual = stackConfiguration(this.lab.serverInterface, options);
    const text = usual.replace(addresses.server, address).replace(addresses.serverMac, mac);
    const file = this.configuration(`patient-${address}.conf`, text);
    const script = inRoot("test", "ctl", "doctor", "patient.py");
    const program = this.start(["python3", script, address, String(patientPort)], file, "python3");
    await untilSaid(program, "ready");
    // It has a stack, and says so, when it first waits for a connection.
    const prefix = /unix_prefix="(.*)"/.exec(text)?.[1] ?? "";
    const run = join("/proc", String(this.#holder.pid), "root", "run");
    const socket = join(run, "gazelle", `${prefix}${program.pid}.sock`);
    assert.ok(await waitUntil(() => existsSync(socket), patienceMs), `no ${socket}`);
    return program;
  }

  /** Starts an ltran on further devices, and waits until it serves. */
  async startLtran(prefix: string, options: Readonly<Record<string, string>>): Promise<Program> {
    const path = writeLtranConf(this.lab, prefix, options);
    const program = startProgram({
      namespace: this.lab.serverNamespace,
      role: "server",
      ...this.#admitted(process.execPath, inRoot("ctl", "bin", "ltran.mjs"), "-c", path),
    });
    await untilSaid(program, "ready");
    return program;
  }

  #visitor(habit: string, words: readonly string[]) {
    return {
      namespace: this.lab.clientNamespace,
      role: "client",
      command: "python3",
      argumentList: [
        inRoot("test", "ctl", "doctor", "visitor.py"),
        ...[habit, addresses.server, String(patientPort), ...words],
      ],
    } as const;
  }

  /** Lets visitor.py do what it does, to its end. */
  async visit(habit: string, ...words: string[]): Promise<void> {
    await runProgram(this.#visitor(habit, words));
  }

  /** Lets it begin and stay. */
  async stay(habit: string, ...words: string[]): Promise<void> {
    await untilSaid(startProgram(this.#visitor(habit, words)), "ready");
  }

  /** Asks the doctor. */
  async ask(): Promise<Diagnosis> {
    const files = this.files.flatMap((file) => ["--conf", file]);
    const begun = Date.now();
    const program = startProgram({
      namespace: this.lab.serverNamespace,
      role: "client",
      ...this.#admitted(process.execPath, inRoot("ctl", "bin", "gazelle.mjs"), "doctor", "--json", ...files),
    });
    const { status, stdout, stderr } = await program.ended;
    assert.equal(stderr, "");
    const all = JSON.parse(stdout.toString()) as Finding[];
    const findings = all.filter(({ ok, what }) => !ok && !ELSEWHERE.test(what));
    return { status, findings, milliseconds: Date.now() - begun };
  }

  close(): void {
    this.lab.remove();
  }
}
