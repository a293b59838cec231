/**
 * Checksummed traffic with an accelerated server in the background of a test, by a client of the kernel's or
 * an accelerated one.
 */
import assert from "node:assert/strict";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import type { Lab } from "../../scripts/lab/lab.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";
import type { LoadReport } from "../apps/checked-load.js";
import { type Accelerated, livingConnections, redisPort, startAccelerated } from "./accelerated.js";

const connectTimeoutMs = 5_000;

/** What talks to whom; Redis, from the kernel, unless told otherwise. */
export interface TrafficOptions {
  /** A web server with the files of apps/checked-files.ts at this port. */
  httpPort?: number;
  /** The client is accelerated, at the server's end of the lab. */
  accelerated?: Accelerated;
}

/** A running load. */
export class CheckedTraffic {
  readonly program: Program;
  readonly #connections: number;
  readonly #address: string;
  readonly #isAccelerated: boolean;

  private constructor(program: Program, address: string, connections: number, isAccelerated: boolean) {
    this.program = program;
    this.#address = address;
    this.#connections = connections;
    this.#isAccelerated = isAccelerated;
  }

  /** Starts it and waits until its connections stand. */
  static async start(
    lab: Lab,
    address: string,
    connections: number,
    { httpPort, accelerated }: TrafficOptions = {},
  ): Promise<CheckedTraffic> {
    const name = httpPort === undefined ? "checked-load.js" : "checked-fetch.js";
    const script = inRoot("build", "node", "test", "apps", name);
    const argumentList = [script, address, String(httpPort ?? redisPort), String(connections)];
    const program =
      accelerated === undefined
        ? startProgram({
            namespace: lab.clientNamespace,
            role: "client",
            command: process.execPath,
            argumentList,
          })
        : startAccelerated(lab, process.execPath, argumentList, accelerated);
    const traffic = new CheckedTraffic(program, address, connections, accelerated !== undefined);
    const isOver = () => /connected/.test(program.output()) || program.result() !== undefined;
    await waitUntil(isOver, connectTimeoutMs);
    traffic.assertRuns();
    return traffic;
  }

  /** The local ports of its connections, of a client of the kernel's. */
  ports(): number[] {
    if (this.program.result() !== undefined) return [];
    const connections = livingConnections(this.program.pid, this.#address);
    return connections.map(({ localPort }) => localPort).sort((first, second) => first - second);
  }

  /**
   * All connections stand: those of the kernel's client are counted, the others end with the first of theirs.
   */
  assertRuns(): void {
    assert.equal(this.program.result(), undefined, this.program.output());
    assert.match(this.program.output(), /connected/, `traffic with ${this.#address}`);
    if (this.#isAccelerated) return;
    assert.equal(this.ports().length, this.#connections, `connections of the traffic with ${this.#address}`);
  }

  /** Ends it; what it did. Fails when a byte was wrong or a connection ended. */
  async finish(): Promise<LoadReport> {
    this.assertRuns();
    // It reads all keys once more, which takes as long as it takes: the test's own time is the limit.
    this.program.signal("SIGTERM");
    const { status, stdout } = await this.program.ended;
    assert.equal(status, 0, this.program.output());
    return JSON.parse(stdout.toString()) as LoadReport;
  }
}
