/**
 * Where hostile clients meet ltran: an ltran built with sanitizers, Redis accelerated as a neighbour on it,
 * under load from the peer at the other end of the wire, where is captured what speaks with a foreign
 * address.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { placeOf } from "../../ltran/daemon/place.js";
import type { LtranReport } from "../../ltran/daemon/report.js";
import { inBuild, inRoot } from "../../scripts/build/paths.js";
import { run, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { type Program, runProgram, startProgram } from "../../scripts/lab/program.js";
import { waitForServer } from "../../scripts/lab/readiness.js";
import { preloadEnvironment } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { type Claims, message } from "./client.js";
import { Forger } from "./hostile-frames.js";
import { instrumentedLtran } from "./instrumented.js";
import type { LoadWindow } from "./steady-load.js";

/** The attacker's address; its user may register, another one may not. */
export const hostileAddress = "10.77.0.66";
export const hostileUid = 65_534;
export const strangerUid = 65_533;
const redisPort = 6_379;
const patienceMs = 10_000;

/** One attack and what the neighbour felt of it. */
export interface Outcome {
  attack: string;
  result: string;
  neighbour: LoadWindow;
}

type Instance = LtranReport["instances"][number];

/** A hostile process. */
export class Attacker {
  readonly program: Program;
  readonly #arena: Arena;
  readonly #ltran: Daemon;

  constructor(arena: Arena, program: Program, ltran: Daemon) {
    this.#arena = arena;
    this.#ltran = ltran;
    this.program = program;
  }

  /** Waits until it has done everything. @throws Error when it ends, or takes too long. */
  async finished(timeoutMs = 2 * patienceMs): Promise<string> {
    const isDone = () => /^done$/m.test(this.program.output()) || this.program.result() !== undefined;
    assert.ok(await waitUntil(isDone, timeoutMs), `not done:\n${this.program.output()}`);
    assert.equal(this.program.result(), undefined, this.program.output());
    return this.program.output();
  }

  /** The number behind a word that it printed. */
  number(word: string): number {
    const found = new RegExp(`^${word} (\\d+)`, "m").exec(this.program.output());
    assert.ok(found, `no ${word}: ${this.program.output()}`);
    return Number(found[1]);
  }

  /** How ltran shows it. */
  async instance(): Promise<Instance> {
    const { instances } = await this.#arena.report(this.#ltran);
    const found = instances.find(({ pid }) => pid === this.program.pid);
    assert.ok(found, "it is not registered");
    return found;
  }

  /** Its drops and counters. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    const [stack] = (await this.instance()).stacks;
    assert.ok(stack);
    return { ...stack.counters, ...stack.drops, listeners: stack.listeners, flows: stack.flows };
  }

  async stop(): Promise<void> {
    this.program.signal("SIGKILL");
    await this.program.ended;
  }
}

function compileHostile(): string {
  const folder = inBuild("test-native");
  mkdirSync(folder, { recursive: true });
  const built = join(folder, "hostile");
  const parts = ["", "-client", "-registration", "-rings", "-memory", "-random"];
  const files = parts.map((part) => inRoot("test", "ltran", "native", `hostile${part}.c`));
  const warnings = ["-Wall", "-Wextra", "-Werror"];
  const options = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", `-I${inBuild("generated")}`];
  run("gcc", [...options, ...warnings, ...files, "-o", built, "-lpthread"]);
  // Where another user may run it.
  const program = join(temporaryFolder(), "hostile");
  copyFileSync(built, program);
  return program;
}

/** What is captured at the peer: frames of nobody who may send. */
function foreignFilter(): string {
  const { server, serverMac } = addresses;
  const sender = `(src host ${server} or src host ${hostileAddress})`;
  const bytes = serverMac.split(":").join("");
  const arpMac = `(arp[8:4] = 0x${bytes.slice(0, 8)} and arp[12:2] = 0x${bytes.slice(8)})`;
  return `not (ether src ${serverMac} and ${sender} and (ip or (arp and ${arpMac})))`;
}

/** Everything that takes part. */
export class Arena {
  readonly lab: Lab;
  readonly ltran: Daemon;
  readonly #redis: Program;
  readonly #load: Program;
  readonly #capture: Program;
  readonly #hostile: string;
  readonly outcomes: Outcome[] = [];
  #expected = 0;
  readonly forger = new Forger({
    mac: addresses.serverMac,
    peerMac: addresses.clientMac,
    own: hostileAddress,
    neighbour: addresses.server,
    peer: addresses.client,
  });

  private constructor(lab: Lab, ltran: Daemon, hostile: string, rest: readonly [Program, Program, Program]) {
    this.lab = lab;
    this.ltran = ltran;
    this.#hostile = hostile;
    [this.#redis, this.#load, this.#capture] = rest;
  }

  static async start(label: string): Promise<Arena> {
    const hostile = compileHostile();
    const launch = instrumentedLtran();
    const lab = createLab({ label, stack: "gazelle", offloads: "default" });
    const prefix = `gz-${process.pid}-${label}-`;
    const options = { allow_uids: `"${hostileUid}"` };
    const ltran = await startLtran(lab, options, prefix, launch);
    const redis = startRedis(lab, prefix);
    await waitForServer(lab, redis, redisPort);
    const { client, server } = { client: "client", server: "server" } as const;
    const capture = startProgram({
      namespace: lab.clientNamespace,
      role: client,
      command: "tcpdump",
      argumentList: ["-n", "-e", "-l", "-i", lab.clientInterface, "-Q", "in", foreignFilter()],
    });
    assert.ok(await waitUntil(() => /listening on/.test(capture.output()), patienceMs), capture.output());
    const load = startProgram({
      namespace: lab.clientNamespace,
      role: server,
      command: process.execPath,
      argumentList: [inBuild("node", "test", "ltran", "steady-load.js"), addresses.server, String(redisPort)],
    });
    assert.ok(await waitUntil(() => load.output().startsWith("ready"), patienceMs), load.output());
    return new Arena(lab, ltran, hostile, [redis, load, capture]);
  }

  async stop(): Promise<void> {
    await this.#load.stop();
    await this.#redis.stop();
    await this.#capture.stop();
    await this.ltran.program.stop();
    this.lab.remove();
  }

  /** What ltran says of itself. */
  report(ltran = this.ltran): Promise<LtranReport> {
    return new Promise((resolve, reject) => {
      const connection = createConnection(placeOf(ltran.prefix).control);
      let text = "";
      connection.on("error", reject);
      connection.on("data", (part) => {
        text += part.toString();
        if (!text.endsWith("\n")) return;
        connection.destroy();
        resolve(JSON.parse(text) as LtranReport);
      });
      connection.write("gazelle 1 instances\n");
    });
  }

  /** Starts the hostile program. */
  launch(words: readonly string[], uid = hostileUid, ltran = this.ltran): Attacker {
    const user = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups", "--pdeathsig", "KILL"];
    const program = startProgram({
      namespace: this.lab.serverNamespace,
      role: "client",
      command: "setpriv",
      argumentList: [...user, this.#hostile, ltran.socket, ...words],
      workingFolder: "/",
    });
    return new Attacker(this, program, ltran);
  }

  /** A registration in the attacker's name; everything that is not claimed is right. */
  message(claims: Claims = {}): string {
    return message({ address: hostileAddress, key: 66n, ...claims }).toString("hex");
  }

  /** Registers and gives orders. */
  attack(orders: readonly string[], claims: Claims = {}, ltran = this.ltran): Attacker {
    return this.launch(["attack", this.message(claims), ...orders], hostileUid, ltran);
  }

  /** A second ltran on the same device, with other options, for whoever asks for it. */
  anotherLtran(options: Readonly<Record<string, string>>): Promise<Daemon> {
    const prefix = `gz-${process.pid}-${this.lab.label}-2-`;
    return startLtran(this.lab, { allow_uids: `"${hostileUid}"`, ...options }, prefix, instrumentedLtran());
  }

  /** What the neighbour's clients felt since the last time. */
  async window(): Promise<LoadWindow> {
    const lines = () => this.#load.output().split("\n").slice(1, -1);
    const before = lines().length;
    this.#load.signal("SIGUSR2");
    const isThere = () => lines().length > before || this.#load.result() !== undefined;
    assert.ok(await waitUntil(isThere, patienceMs, 5), "the load does not answer");
    assert.equal(this.#load.result(), undefined, `the neighbour's client failed:\n${this.#load.output()}`);
    return JSON.parse(lines()[before] ?? "") as LoadWindow;
  }

  /**
   * Does an attack, and asserts that ltran lives without a finding of a sanitizer, that the neighbour served
   * on without a wrong byte, and that nothing left in a foreign name. `work` answers what happened.
   */
  async scenario(attack: string, work: () => Promise<string>): Promise<void> {
    await this.window();
    const result = await work();
    await this.assertUnhurt();
    let neighbour = await this.window();
    // What was very short is over before the next request.
    for (let tries = 0; neighbour.changes === 0 && tries < 100; tries++) neighbour = await this.window();
    assert.ok(neighbour.changes > 0, "the neighbour does not answer");
    this.outcomes.push({ attack, result, neighbour });
  }

  /** Asserts that ltran lives, with the neighbour on it, and nothing was captured. */
  async assertUnhurt(): Promise<void> {
    assert.equal(this.ltran.program.result(), undefined, this.ltran.program.output());
    assert.doesNotMatch(this.ltran.program.output(), /Sanitizer|runtime error|module failed/);
    const { instances } = await this.report();
    assert.ok(instances.some(({ address }) => address === addresses.server));
    assert.deepEqual(this.captured(), []);
  }

  /** Frames that were captured at the peer. */
  captured(): string[] {
    const lines = this.#capture.output().split("\n");
    return lines.filter((line) => /^\d\d:\d\d:\d\d/.test(line)).slice(this.#expected);
  }

  /** Waits for frames that must be captured, and forgets them. */
  async captures(count: number): Promise<void> {
    assert.ok(await waitUntil(() => this.captured().length >= count, patienceMs), "nothing was captured");
    this.#expected += count;
  }

  /** Waits until only the neighbour is registered. */
  async alone(): Promise<void> {
    const isAlone = async () => (await this.report()).instances.length === 1;
    assert.ok(await waitUntil(isAlone, patienceMs), "an attacker stays registered");
  }

  /** A program at the peer's end; its failure is no failure. */
  async peer(command: string, ...argumentList: readonly string[]): Promise<string> {
    const { clientNamespace: namespace } = this.lab;
    try {
      const result = await runProgram({ namespace, role: "client", command, argumentList });
      return result.stdout.toString();
    } catch {
      return "";
    }
  }

  /** Whether the neighbour takes a new connection. */
  async isServing(): Promise<boolean> {
    const answer = await this.peer("timeout", "5", "redis-cli", "-h", addresses.server, "PING");
    return answer.trim() === "PONG";
  }
}

function startRedis(lab: Lab, prefix: string): Program {
  const file = join(temporaryFolder(), `lstack-${lab.label}.conf`);
  const lines = [
    "use_ltran=1",
    `unix_prefix="${prefix}"`,
    `host_addr="${addresses.server}"`,
    `mask_addr="${addresses.mask}"`,
    `gateway_addr="${addresses.client}"`,
    `devices="${addresses.serverMac}"`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const listen = ["--bind", addresses.server, "--port", String(redisPort), "--protected-mode", "no"];
  return startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: "redis-server",
    argumentList: [...listen, "--save", "", "--dir", temporaryFolder()],
    environment: {
      ...preloadEnvironment(),
      GAZELLE_BIND_PROCNAME: "redis-server",
      LSTACK_CONF_PATH: file,
    },
  });
}
