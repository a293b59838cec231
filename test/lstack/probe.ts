/** An accelerated program that tells what it sees of itself (probe.py), over any port. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type ConfigurationOptions, stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { type Program, type ProgramResult, runProgram, startProgram } from "../../scripts/lab/program.js";
import { waitForServer } from "../../scripts/lab/readiness.js";
import { repositoryRoot, requireStackLibrary } from "../../scripts/lab/repository.js";
import { connectTap } from "../../scripts/lab/tap.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";

export const port = 7_007;

/** One thread as the probe sees it. */
interface ThreadState {
  name: string;
  cpus: string;
  blocked: string;
}

/** What the probe says about its process. */
export interface ProcessState {
  own: Record<string, ThreadState>;
  handlers: Record<string, string>;
  /** Names of threads that the program did not make. */
  others: string[];
}

/** Where and how to run the probe. */
export interface ProbeOptions {
  label: string;
  configuration: ConfigurationOptions;
  /** `default`: the client sends super-frames. */
  offloads?: "default" | "equal";
  /** In place of the environment of the configuration. */
  environment?: Readonly<Record<string, string>>;
  /** What stands in front of the program, for instance setpriv with its arguments. */
  wrapper?: readonly string[];
}

/** The probe's file, where every user can read it. */
export function probeFile(): string {
  mkdirSync(temporaryFolder(), { recursive: true });
  const file = join(temporaryFolder(), "probe.py");
  cpSync(join(repositoryRoot, "test", "lstack", "probe.py"), file);
  return file;
}

/** Starts the probe in an existing lab. */
export function startProbe(lab: Lab, options: ProbeOptions): Program {
  requireStackLibrary();
  const environment = options.environment ?? stackEnvironment(lab, ["python3"], options.configuration);
  const python = ["/usr/bin/python3", probeFile(), addresses.server, String(port)];
  const [command = "", ...argumentList] = [...(options.wrapper ?? []), ...python];
  return startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command,
    argumentList,
    environment,
  });
}

/** A probe that accepts connections, in a lab of its own or in a given one. */
export class Probe {
  readonly lab: Lab;
  readonly program: Program;

  private constructor(lab: Lab, program: Program) {
    this.lab = lab;
    this.program = program;
  }

  static async start(options: ProbeOptions, lab = createProbeLab(options)): Promise<Probe> {
    const program = startProbe(lab, options);
    const probe = new Probe(lab, program);
    try {
      if (options.configuration.driver === "tap") await connectTap(lab, program);
      await waitForServer(lab, program, port);
    } catch (error) {
      await probe.stop();
      throw error;
    }
    return probe;
  }

  /** Sends one line over a connection of its own and returns the answer. */
  async ask(line: string): Promise<string> {
    const script = `exec 3<>/dev/tcp/${addresses.server}/${port}; echo ${line} >&3; read -r x <&3; echo "$x"`;
    return (await this.client("bash", ["-c", script])).stdout.toString().trimEnd();
  }

  async state(): Promise<ProcessState> {
    return JSON.parse(await this.ask("state")) as ProcessState;
  }

  /** What the process said of itself before its first use of the network. */
  stateAtStart(): ProcessState {
    return JSON.parse(this.program.output().split("\n")[0] ?? "") as ProcessState;
  }

  client(command: string, argumentList: readonly string[]): Promise<ProgramResult> {
    return runProgram({ namespace: this.lab.clientNamespace, role: "client", command, argumentList });
  }

  /** Lets the program return from its main function. */
  async quit(): Promise<ProgramResult> {
    await this.ask("quit");
    return this.program.ended;
  }

  async stop(): Promise<void> {
    await this.program.stop();
    this.lab.remove();
  }
}

/** The lab for a probe. */
export function createProbeLab(options: ProbeOptions): Lab {
  const offloads = options.offloads ?? (options.configuration.port === "dpdk" ? "equal" : "default");
  return createLab({ label: options.label, stack: "gazelle", offloads });
}

/** Writes a configuration as it stands, for what the lab's own does not cover. */
export function writeConfiguration(name: string, lines: readonly string[]): string {
  const file = join(temporaryFolder(), `${name}.conf`);
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

/** The program ended with status 1 and said why, once, in one message that has all of `parts`. */
export function assertRefused(result: ProgramResult, parts: readonly RegExp[]): void {
  assert.equal(result.status, 1, result.stderr);
  assert.equal(result.stderr.match(/^gazelle: /gm)?.length, 1, result.stderr);
  for (const part of parts) assert.match(result.stderr, part);
}
