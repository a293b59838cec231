/** Redis as a client of ltran. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, type Lab } from "../../scripts/lab/lab.js";
import type { Daemon } from "../../scripts/lab/ltran.js";
import { type Program, runProgram, startProgram } from "../../scripts/lab/program.js";
import { preloadEnvironment } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";

const port = "6379";
const patienceMs = 10_000;

/** A Redis at an address of its own behind ltran. */
export class Redis {
  readonly program: Program;
  readonly address: string;
  readonly #lab: Lab;

  private constructor(lab: Lab, program: Program, address: string) {
    this.#lab = lab;
    this.program = program;
    this.address = address;
  }

  /** Starts it and waits until it answers. */
  static async start(lab: Lab, ltran: Daemon, address: string): Promise<Redis> {
    const folder = mkdtempSync(join(temporaryFolder(), "redis-"));
    const configuration = join(folder, "lstack.conf");
    const lines = [
      "use_ltran = 1",
      `host_addr = "${address}"`,
      `mask_addr = "${addresses.mask}"`,
      `unix_prefix = "${ltran.prefix}"`,
    ];
    writeFileSync(configuration, `${lines.join("\n")}\n`);
    const program = startProgram({
      namespace: lab.serverNamespace,
      role: "server",
      command: "redis-server",
      argumentList: ["--bind", address, "--port", port, "--protected-mode", "no", "--save", ""],
      environment: {
        ...preloadEnvironment(),
        GAZELLE_BIND_PROCNAME: "redis-server",
        LSTACK_CONF_PATH: configuration,
      },
      workingFolder: folder,
    });
    const redis = new Redis(lab, program, address);
    if (!(await waitUntil(async () => (await redis.command("PING")) === "PONG", patienceMs))) {
      throw new Error(`Redis does not answer at ${address}:\n${program.output()}\n${ltran.program.output()}`);
    }
    return redis;
  }

  /** Runs redis-cli in the client's namespace; what it printed. */
  async command(...words: string[]): Promise<string> {
    const result = await startProgram({
      namespace: this.#lab.clientNamespace,
      role: "client",
      command: "timeout",
      argumentList: ["5", "redis-cli", "-h", this.address, "-p", port, "--raw", ...words],
    }).ended;
    return result.stdout.toString().trimEnd();
  }

  /** Counts with so many requests over so many connections; the counter is `counter:__rand_int__`. */
  count(requests: number, connections: number, more: readonly string[] = []): Promise<void> {
    return this.#load(requests, connections, ["-t", "incr", ...more]);
  }

  /** Sets values of so many bytes. */
  set(requests: number, connections: number, bytes: number): Promise<void> {
    return this.#load(requests, connections, ["-t", "set", "-d", String(bytes)]);
  }

  async #load(requests: number, connections: number, more: readonly string[]): Promise<void> {
    const load = ["-c", String(connections), "-n", String(requests), "-q", ...more];
    await runProgram({
      namespace: this.#lab.clientNamespace,
      role: "client",
      command: "redis-benchmark",
      argumentList: ["-h", this.address, "-p", port, ...load],
    });
  }

  /** What count() counted. */
  async counted(): Promise<number> {
    return Number(await this.command("GET", "counter:__rand_int__"));
  }
}
