/**
 * The kernel's servers at the client's end of a lab, and client programs on the stack under test against
 * them.
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../scripts/lab/command.js";
import type { Lab } from "../../scripts/lab/lab.js";
import { addresses, createLab, snmpCounters } from "../../scripts/lab/lab.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { counter } from "../../scripts/lab/network-counters.js";
import type { Program, ProgramOptions, ProgramResult } from "../../scripts/lab/program.js";
import { runProgram, startProgram, untilEnded } from "../../scripts/lab/program.js";
import { requireStackLibrary } from "../../scripts/lab/repository.js";
import type { StackCounters } from "../../scripts/lab/stack-counters.js";
import { describeFallbacks, KeptRegion } from "../../scripts/lab/stack-counters.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import type { Way } from "./each-stack.js";
import { behindLtran } from "./service.js";

/** The servers' address. */
export const peerAddress = addresses.client;

const readyTimeoutMs = 15_000;
const regionTimeoutMs = 15_000;
const settleTimeoutMs = 3_000;

/** What the peer's kernel has counted. */
interface Totals {
  connections: bigint;
  datagrams: bigint;
  localSegments: bigint;
}

/** What a client is known to do. */
export interface ClientTraffic {
  /** TCP connections it makes; any number but 0 when it is not known, unless there are datagrams. */
  connections?: number;
  /** It sends datagrams, from so many sockets. */
  datagramSockets?: number;
  /** It ends while it is still opening connections; up to so many of them may come to nothing. */
  abandoned?: number;
  /** It runs for a second at least, and its server is one that a stop would end: epoll_wait answers EINTR. */
  isSlow?: boolean;
  /** It is killed after this time; 60 s unless told otherwise. */
  timeoutMs?: number;
}

/** A lab whose servers are the kernel's. */
export class KernelPeer {
  readonly folder: string;
  readonly lab: Lab;
  readonly #servers = new Map<string, Program>();
  readonly #way: Way;
  #ltran: Daemon | undefined;

  /** @throws Error when the library is missing. */
  constructor(way: Way) {
    const stack = way === "kernel" ? way : "gazelle";
    if (stack === "gazelle") {
      requireStackLibrary();
    }
    this.#way = way;
    this.lab = createLab({ label: `clients-${way}`, stack, offloads: "default" });
    this.folder = join(temporaryFolder(), this.lab.label);
    mkdirSync(this.folder);
  }

  /** Starts what the clients' way needs: behind ltran, an ltran. */
  async prepare(): Promise<void> {
    if (this.#way === "ltran") this.#ltran = await startLtran(this.lab);
  }

  /** Starts a server; it is ready when it accepts connections on a port, or when it prints a text. */
  async serve(
    name: string,
    ready: { port: number } | { output: string },
    command: string,
    argumentList: readonly string[],
  ): Promise<void> {
    const namespace = this.lab.clientNamespace;
    const server = startProgram({ namespace, role: "server", command, argumentList });
    this.#servers.set(name, server);
    const isReady = () =>
      "port" in ready ? this.#accepts(ready.port) : server.output().includes(ready.output);
    assert.ok(await waitUntil(isReady, readyTimeoutMs), `${name} does not get ready: ${server.output()}`);
  }

  #accepts(port: number): Promise<boolean> {
    return runProgram({
      namespace: this.lab.clientNamespace,
      role: "client",
      command: "bash",
      argumentList: ["-c", `exec 3<>/dev/tcp/${peerAddress}/${port}`],
    }).then(
      () => true,
      () => false,
    );
  }

  #totals(): Totals {
    const peer = snmpCounters(this.lab.clientNamespace);
    const local = snmpCounters(this.lab.serverNamespace);
    return {
      connections: counter(peer, "Tcp.PassiveOpens"),
      datagrams: counter(peer, "Udp.InDatagrams"),
      localSegments:
        counter(local, "Tcp.OutSegs") + counter(local, "Tcp.InSegs") + counter(local, "Udp.OutDatagrams"),
    };
  }

  /**
   * Runs a client against a server and asserts that its connections reached the peer; on Gazelle also that
   * the client's stack made every one of them, that no socket fell back, and that the kernel at the client's
   * end took no part.
   */
  async accounted(
    server: string,
    command: string,
    argumentList: readonly string[],
    traffic: ClientTraffic = {},
  ): Promise<ProgramResult> {
    const before = this.#totals();
    const options: ProgramOptions = {
      namespace: this.lab.serverNamespace,
      role: "client",
      command,
      argumentList,
      environment: stackEnvironment(
        this.lab,
        [command],
        this.#ltran === undefined ? { port: "packet" } : behindLtran(this.#ltran),
      ),
      workingFolder: this.folder,
      timeoutMs: traffic.timeoutMs,
    };
    const { result, counters } = await this.#runHeld(server, options, traffic.isSlow !== true);
    let problem = "";
    const matches = await waitUntil(() => {
      problem = compare(before, this.#totals(), traffic, counters);
      return problem === "";
    }, settleTimeoutMs);
    assert.ok(matches, problem);
    return result;
  }

  /**
   * Runs a client to its end, and reads what its stack counted when it has ended. Unless the client is slow,
   * the server is stopped until we hold the client's region: no client ends without an answer, so none is too
   * quick for us.
   */
  async #runHeld(
    name: string,
    options: ProgramOptions,
    isStopped: boolean,
  ): Promise<{ result: ProgramResult; counters: StackCounters | undefined }> {
    if (this.lab.stack === "kernel") {
      return { result: await runProgram(options), counters: undefined };
    }
    const server = this.#servers.get(name);
    assert.ok(server, `there is no server ${name}`);
    if (isStopped) {
      server.signal("SIGSTOP");
    }
    const client = startProgram(options);
    let region: KeptRegion | undefined;
    try {
      const isHeld = () => {
        region = client.result() === undefined ? KeptRegion.of(client.pid) : undefined;
        return region !== undefined || client.result() !== undefined;
      };
      await waitUntil(isHeld, regionTimeoutMs, 5);
    } finally {
      if (isStopped) {
        server.signal("SIGCONT");
      }
    }
    const result = await untilEnded(client, options);
    assert.ok(region, `${options.command} never had a stack`);
    return { result, counters: region.finish() };
  }

  /** Ends the servers and removes the lab. */
  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
    await this.#ltran?.program.stop();
    this.lab.remove();
  }
}

/** What is wrong with the numbers; empty when all is well. */
function compare(
  before: Totals,
  after: Totals,
  traffic: ClientTraffic,
  counters: StackCounters | undefined,
): string {
  const made = after.connections - before.connections;
  const { connections, datagramSockets = 0, abandoned = 0 } = traffic;
  const isExpected = connections === undefined ? made > 0n : made === BigInt(connections);
  if (!isExpected && (connections !== undefined || datagramSockets === 0)) {
    return `${made} connections were made instead of ${connections ?? "some"}`;
  }
  if (counters === undefined) {
    return "";
  }
  if (after.localSegments !== before.localSegments) {
    return "the kernel at the client's end handled segments";
  }
  const { socketsAccelerated: sockets, tcpActiveOpens: opens, udpOut } = counters;
  const tcpSockets = sockets - BigInt(datagramSockets);
  if (opens !== made || tcpSockets < made || tcpSockets > made + BigInt(abandoned)) {
    return `of ${made} connections the stack opened ${opens}, and made ${tcpSockets} sockets for them`;
  }
  const arrived = after.datagrams - before.datagrams;
  if (datagramSockets > 0 ? udpOut === 0n || udpOut !== arrived : udpOut !== 0n) {
    return `of ${udpOut} datagrams of the stack ${arrived} arrived`;
  }
  return describeFallbacks(counters);
}
