/** Checksummed traffic of a kernel client with an accelerated Redis, in the background of a test. */
import assert from "node:assert/strict";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import type { Lab } from "../../scripts/lab/lab.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";
import type { LoadReport } from "../apps/checked-load.js";
import { livingConnections, redisPort } from "./accelerated.js";

const connectTimeoutMs = 5_000;

/** A running load. */
export class CheckedTraffic {
  readonly program: Program;
  readonly #connections: number;
  readonly #address: string;

  private constructor(program: Program, address: string, connections: number) {
    this.program = program;
    this.#address = address;
    this.#connections = connections;
  }

  /** Starts it and waits until its connections stand. */
  static async start(lab: Lab, address: string, connections: number): Promise<CheckedTraffic> {
    const script = inRoot("build", "node", "test", "apps", "checked-load.js");
    const program = startProgram({
      namespace: lab.clientNamespace,
      role: "client",
      command: process.execPath,
      argumentList: [script, address, String(redisPort), String(connections)],
    });
    const traffic = new CheckedTraffic(program, address, connections);
    await waitUntil(() => traffic.ports().length >= connections, connectTimeoutMs);
    traffic.assertRuns();
    return traffic;
  }

  /** The local ports of its connections. */
  ports(): number[] {
    if (this.program.result() !== undefined) return [];
    const connections = livingConnections(this.program.pid, this.#address);
    return connections.map(({ localPort }) => localPort).sort((first, second) => first - second);
  }

  /** All connections stand. */
  assertRuns(): void {
    assert.equal(this.program.result(), undefined, this.program.output());
    assert.equal(this.ports().length, this.#connections, "connections of the checked traffic");
  }

  /** Ends it; what it did. Fails when a byte was wrong or a connection ended. */
  async finish(): Promise<LoadReport> {
    this.assertRuns();
    const { status } = await this.program.stop();
    assert.equal(status, 0, this.program.output());
    return JSON.parse(this.program.output()) as LoadReport;
  }
}
