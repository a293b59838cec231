/** Programs that reach the network through an ltran, and the kernel's view of their connections. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, type Lab } from "../../scripts/lab/lab.js";
import { type Program, runProgram, startProgram } from "../../scripts/lab/program.js";
import { preloadEnvironment, requireStackLibrary } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";

/** How long a server may take until it accepts connections. */
const readyTimeoutMs = 10_000;

/** Redis' port everywhere in these tests. */
export const redisPort = 6_379;

/** Where an accelerated program is and how its stack is configured. */
export interface Accelerated {
  /** The unix_prefix of its ltran. */
  prefix: string;
  address: string;
  /** The hardware address of its bond; that of the lab's server when left out. */
  mac?: string;
  /** Further lines of lstack.conf. */
  extraLines?: readonly string[];
}

/** Writes the lstack.conf of a program behind an ltran; the environment that makes `command` use it. */
export function ltranEnvironment(command: string, options: Accelerated): Record<string, string> {
  requireStackLibrary();
  const file = join(temporaryFolder(), `lstack-${options.prefix}${options.address}.conf`);
  const lines = [
    "use_ltran=1",
    `unix_prefix="${options.prefix}"`,
    `host_addr="${options.address}"`,
    `mask_addr="${addresses.mask}"`,
    `gateway_addr="${addresses.client}"`,
    `devices="${options.mac ?? addresses.serverMac}"`,
    ...(options.extraLines ?? []),
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return { ...preloadEnvironment(), GAZELLE_BIND_PROCNAME: basename(command), LSTACK_CONF_PATH: file };
}

/** Starts an accelerated program at the server's end of a lab. */
export function startAccelerated(
  lab: Lab,
  command: string,
  argumentList: readonly string[],
  options: Accelerated,
): Program {
  return startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command,
    argumentList,
    environment: ltranEnvironment(command, options),
    workingFolder: temporaryFolder(),
  });
}

/** Arguments of a redis-server that keeps nothing. */
export function redisArguments(address: string): string[] {
  const folder = join(temporaryFolder(), `redis-${address}`);
  mkdirSync(folder, { recursive: true });
  const bind = ["--bind", address, "--port", String(redisPort), "--protected-mode", "no"];
  return [...bind, "--save", "", "--dir", folder];
}

/** Starts an accelerated redis-server and waits until it is ready. */
export async function startRedis(lab: Lab, options: Accelerated): Promise<Program> {
  const program = startAccelerated(lab, "redis-server", redisArguments(options.address), options);
  const isReady = () => /Ready to accept/.test(program.output()) || program.result() !== undefined;
  await waitUntil(isReady, readyTimeoutMs);
  if (program.result() !== undefined) throw new Error(`redis-server ended:\n${program.output()}`);
  return program;
}

/** What redis-cli prints at the client's end of a lab; "" when it reaches nobody. */
export async function askRedis(lab: Lab, host: string, ...words: string[]): Promise<string> {
  const answer = await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "sh",
    argumentList: ["-c", 'timeout 2 redis-cli -h "$@" || true', "sh", host, ...words],
  });
  return answer.stdout.toString().trim();
}

/** A connection as the kernel has it; the numbers of states are those of /proc/net/tcp. */
export interface KernelConnection {
  remote: string;
  localPort: number;
  remotePort: number;
  state: number;
}

/** States in which the kernel waits for the other side: ESTABLISHED, SYN_RECV, FIN_WAIT1, CLOSE_WAIT ... */
const livingStates: ReadonlySet<number> = new Set([1, 3, 4, 8, 9, 11]);

function dotted(hexadecimal: string): string {
  return [...Buffer.from(hexadecimal, "hex")].reverse().join(".");
}

/** The kernel's TCP connections in the namespace of a process. */
export function kernelConnections(pid: number): KernelConnection[] {
  const lines = readFileSync(`/proc/${pid}/net/tcp`, "latin1").trim().split("\n").slice(1);
  return lines.map((line) => {
    const [, local = "", remote = "", state = ""] = line.trim().split(/\s+/);
    const [, localPort = "0"] = local.split(":");
    const [address = "", remotePort = "0"] = remote.split(":");
    return {
      remote: dotted(address),
      localPort: Number.parseInt(localPort, 16),
      remotePort: Number.parseInt(remotePort, 16),
      state: Number.parseInt(state, 16),
    };
  });
}

/** The connections with `address` for whose end the kernel, in the namespace of `pid`, has seen nothing. */
export function livingConnections(pid: number, address: string): KernelConnection[] {
  return kernelConnections(pid).filter(({ remote, state }) => remote === address && livingStates.has(state));
}
