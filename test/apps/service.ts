/**
 * A real server program on one of the stacks, with a kernel client at the other end of the wire.
 *
 * Every test runs once against the kernel, which shows that the test itself is right, and once on Gazelle.
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../scripts/lab/command.js";
import type { Lab, StackKind } from "../../scripts/lab/lab.js";
import { addresses, createLab, snmpCounters } from "../../scripts/lab/lab.js";
import type { ConfigurationOptions } from "../../scripts/lab/lstack-conf.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import type { Daemon } from "../../scripts/lab/ltran.js";
import { startLtran } from "../../scripts/lab/ltran.js";
import { processesIn, signalIfThere } from "../../scripts/lab/namespaces.js";
import { counter } from "../../scripts/lab/network-counters.js";
import type { Program, ProgramOptions, ProgramResult } from "../../scripts/lab/program.js";
import { runProgram, startProgram } from "../../scripts/lab/program.js";
import { waitForServer } from "../../scripts/lab/readiness.js";
import { requireStackLibrary } from "../../scripts/lab/repository.js";
import { describeFallbacks, readStackCounters } from "../../scripts/lab/stack-counters.js";
import { connectTap } from "../../scripts/lab/tap.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";

export const stacks: readonly StackKind[] = ["kernel", "gazelle"];

/** The server's address in every lab. */
export const serverAddress = addresses.server;

const readyTimeoutMs = 15_000;
const settleTimeoutMs = 3_000;
const daemonStopTimeoutMs = 5_000;

/** Which server to start. */
export interface ServiceOptions {
  /** Unique within the test file's process. */
  label: string;
  stack: StackKind;
  command: string;
  /** Arguments, given a folder of the server's own. */
  argumentList: (folder: string) => readonly string[];
  /** What GAZELLE_BIND_PROCNAME selects. */
  processNames: readonly string[];
  /** The server is ready when it accepts connections on this TCP port, or when it prints this text. */
  ready: { port: number } | { output: string };
  /** The server leaves its first process and goes on in the background. */
  daemon?: boolean;
  /** How Gazelle reaches the wire; its default port unless told otherwise. */
  configuration?: ConfigurationOptions;
  /** The server is behind an ltran of its own with these options. */
  ltran?: Readonly<Record<string, string>> | undefined;
  /** Queues of the link's ends, where they count. */
  queues?: number;
  /** What has to run before the server does. */
  prepare?: (lab: Lab) => Promise<unknown>;
  /** Which process owns the stack, when it is not the one that was started. */
  stackOwner?: (service: Service) => number;
}

/** Totals at one moment. */
interface Account {
  clientConnections: bigint;
  clientDatagrams: bigint;
  serverKernelPassiveOpens: bigint;
  serverKernelSegments: bigint;
  stackPassiveOpens: bigint;
  stackAttemptFails: bigint;
  stackSockets: bigint;
  stackDatagrams: bigint;
}

/** What the server did of its own accord while the clients ran. */
export interface Expectation {
  /** Connections the clients certainly made; without it any number but 0. */
  connections?: number;
  /**
   * The most sockets that the server makes of its own while the clients run, for instance to listen again.
   */
  ownSockets?: number;
  /** The most connections that the clients may give up before they are established, as they end. */
  abandoned?: number;
}

/** The configuration of a program behind an ltran. */
export function behindLtran(ltran: Daemon): ConfigurationOptions {
  return { port: "ltran", extraLines: [`unix_prefix="${ltran.prefix}"`] };
}

/** A server that accepts connections. */
export class Service {
  readonly #options: ServiceOptions;
  readonly lab: Lab;
  readonly folder: string;
  readonly server: Program;
  readonly ltran: Daemon | undefined;

  private constructor(options: ServiceOptions, lab: Lab, folder: string, server: Program, ltran?: Daemon) {
    this.#options = options;
    this.lab = lab;
    this.folder = folder;
    this.server = server;
    this.ltran = ltran;
  }

  /** @throws Error when the library is missing or the server does not get ready. */
  static async start(options: ServiceOptions): Promise<Service> {
    if (options.stack === "gazelle") {
      requireStackLibrary();
    }
    const asked = options.configuration ?? { port: "packet" };
    // DPDK's af_packet driver cuts off frames longer than its slots, so the peer must not send any.
    const offloads = asked.port === "dpdk" ? "equal" : "default";
    const { label, stack, queues } = options;
    const lab = createLab({ label, stack, offloads, ...(queues !== undefined && { queues }) });
    const folder = join(temporaryFolder(), options.label);
    mkdirSync(folder, { recursive: true });
    await options.prepare?.(lab);
    const ltran = options.ltran && (await startLtran(lab, options.ltran));
    const configuration = ltran === undefined ? asked : behindLtran(ltran);
    const server = startProgram({
      namespace: lab.serverNamespace,
      role: "server",
      command: options.command,
      argumentList: options.argumentList(folder),
      environment: stackEnvironment(lab, options.processNames, configuration),
      workingFolder: folder,
    });
    const service = new Service(options, lab, folder, server, ltran);
    try {
      if (configuration.driver === "tap") {
        await connectTap(lab, server);
      }
      await service.#waitUntilReady();
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  async #waitUntilReady(): Promise<void> {
    const { ready, daemon } = this.#options;
    if ("port" in ready) {
      await waitForServer(this.lab, this.server, ready.port, daemon);
    } else if (!(await waitUntil(() => this.server.output().includes(ready.output), readyTimeoutMs))) {
      throw new Error(`the server did not print "${ready.output}":\n${this.server.output().slice(-4_000)}`);
    }
  }

  /** Runs a client program to its end; anything but exit status 0 throws. */
  client(
    command: string,
    argumentList: readonly string[],
    { input, timeoutMs }: Pick<ProgramOptions, "input" | "timeoutMs"> = {},
  ): Promise<ProgramResult> {
    const { clientNamespace: namespace } = this.lab;
    return runProgram({
      namespace,
      role: "client",
      command,
      argumentList,
      input,
      timeoutMs,
      workingFolder: this.folder,
    });
  }

  /** Starts a client program that runs until it is told to end. */
  startClient(command: string, argumentList: readonly string[]): Program {
    const { clientNamespace: namespace } = this.lab;
    return startProgram({ namespace, role: "client", command, argumentList, workingFolder: this.folder });
  }

  /** The server's processes: everything at its end but ltran. */
  processes(): number[] {
    return processesIn(this.lab.serverNamespace).filter((pid) => pid !== this.ltran?.program.pid);
  }

  #account(): Account {
    const client = snmpCounters(this.lab.clientNamespace);
    const server = snmpCounters(this.lab.serverNamespace);
    const onStack = this.#options.stack === "gazelle";
    const owner = this.#options.stackOwner?.(this) ?? this.server.pid;
    const stack = onStack ? readStackCounters(owner) : undefined;
    return {
      clientConnections: counter(client, "Tcp.ActiveOpens") - counter(client, "Tcp.AttemptFails"),
      clientDatagrams: counter(client, "Udp.OutDatagrams"),
      serverKernelPassiveOpens: counter(server, "Tcp.PassiveOpens"),
      serverKernelSegments: counter(server, "Tcp.InSegs") + counter(server, "Tcp.OutSegs"),
      stackPassiveOpens: stack?.tcpPassiveOpens ?? 0n,
      stackAttemptFails: stack?.tcpAttemptFails ?? 0n,
      stackSockets: stack?.socketsAccelerated ?? 0n,
      stackDatagrams: stack?.udpIn ?? 0n,
    };
  }

  /**
   * Runs `clients` and asserts that every connection they made was served by the stack under test and by
   * nothing else: on Gazelle accelerated sockets = connections, fall-backs = 0 and a server kernel that saw
   * nothing.
   */
  async accounted<T>(clients: () => Promise<T>, expected: Expectation = {}): Promise<T> {
    const before = this.#account();
    const result = await clients();
    let problem = "";
    const matches = await waitUntil(() => {
      problem = this.#compare(before, this.#account(), expected);
      return problem === "";
    }, settleTimeoutMs);
    assert.ok(matches, problem);
    return result;
  }

  #compare(
    before: Account,
    after: Account,
    { connections, ownSockets = 0, abandoned = 0 }: Expectation,
  ): string {
    const made = after.clientConnections - before.clientConnections;
    if (connections === undefined ? made === 0n : made !== BigInt(connections)) {
      return `the clients made ${made} connections instead of ${connections ?? "some"}`;
    }
    const byKernel = after.serverKernelPassiveOpens - before.serverKernelPassiveOpens;
    if (this.#options.stack === "kernel") {
      const isRight = byKernel <= made && byKernel + BigInt(abandoned) >= made;
      return isRight ? "" : `the kernel accepted ${byKernel} of ${made} connections`;
    }
    const segments = after.serverKernelSegments - before.serverKernelSegments;
    if (byKernel !== 0n || segments !== 0n) {
      return `the server's kernel accepted ${byKernel} connections and handled ${segments} segments`;
    }
    const accepted = after.stackPassiveOpens - before.stackPassiveOpens;
    const sockets = after.stackSockets - before.stackSockets;
    const failed = after.stackAttemptFails - before.stackAttemptFails;
    const isRight = sockets >= accepted && sockets <= accepted + BigInt(ownSockets);
    return accepted + failed === made && failed <= BigInt(abandoned) && isRight
      ? this.fallbackProblem()
      : `of ${made} connections the stack accepted ${accepted}, ${failed} were reset by the client before, ` +
          `and made ${sockets} sockets for them`;
  }

  /** Empty when no socket of the server ever fell back to the kernel. */
  fallbackProblem(): string {
    const owner = this.#options.stackOwner?.(this) ?? this.server.pid;
    return describeFallbacks(readStackCounters(owner));
  }

  /**
   * As `accounted`, for datagrams: every one the clients sent reached a socket of the stack under test, on
   * which the server has `sockets` of them in all.
   */
  async accountedDatagrams<T>(sockets: number, clients: () => Promise<T>): Promise<T> {
    const before = this.#account();
    const result = await clients();
    if (this.#options.stack === "gazelle") {
      const after = this.#account();
      const sent = after.clientDatagrams - before.clientDatagrams;
      assert.ok(sent > 0n, "the client sent nothing");
      assert.equal(after.stackDatagrams - before.stackDatagrams, sent, "datagrams delivered by the stack");
      assert.equal(after.stackSockets, BigInt(sockets), "accelerated sockets");
      assert.equal(this.fallbackProblem(), "");
    }
    return result;
  }

  /** Ends the server and removes its lab. */
  async stop(): Promise<void> {
    await this.server.stop();
    if (this.#options.daemon === true) {
      for (const pid of this.processes()) {
        signalIfThere(pid, "SIGTERM");
      }
      await waitUntil(() => this.processes().length === 0, daemonStopTimeoutMs);
    }
    await this.ltran?.program.stop();
    this.lab.remove();
  }
}
