import { ECONNRESET, EHOSTUNREACH, EPIPE, ETIMEDOUT } from "../../build/generated/node/system.js";
import { Acceptor } from "../acceptor.js";
import type { Machine } from "../machine.js";
import { type Outcome, StreamEnd, type StreamOwner, type StreamPlan } from "../stream-end.js";
import { Conversation, type World } from "./conversation.js";

/** How a connection shall end: `clean` on both sides, `reset` by one of them, or with its path `cut`. */
export type StreamEnding = "clean" | "reset" | "cut";

/** Who opens the connection, and from where. */
export interface StreamSetting {
  client: Machine;
  server: Machine;
  clientPlan: StreamPlan;
  serverPlan: StreamPlan;
  ending: StreamEnding;
  /** Virtual time at which it begins, in microseconds. */
  startAt: number;
  /** 0: the stack chooses. */
  clientPort: number;
  /** 0: any. */
  serverPort: number;
  /** Both ends connect to each other at the same moment. */
  simultaneousOpen: boolean;
  /**
   * The listener may be so busy that the handshake is never completed on its side: the client may get an
   * error.
   */
  mayBeRefused: boolean;
  /** For `cut`: when the path dies, after the start. */
  cutAfter: number;
  backlog: number;
}

const RESET_ERRORS: readonly number[] = [ECONNRESET, EPIPE, ETIMEDOUT];
const CUT_ERRORS: readonly number[] = [ETIMEDOUT, EHOSTUNREACH];
const PATTERN_STEP = 7919;

/** One connection between two ends. */
export class StreamConversation extends Conversation implements StreamOwner {
  readonly client: StreamEnd;
  readonly server: StreamEnd;
  private readonly acceptor: Acceptor | undefined;
  private ownAcceptor: Acceptor | undefined;
  private exchanges = 0;
  private done = false;
  private refused = false;

  constructor(
    name: string,
    world: World,
    private readonly setting: StreamSetting,
    number: number,
    acceptor?: Acceptor,
  ) {
    super(name, world);
    const there = { pattern: world.pattern, offset: 2 * number * PATTERN_STEP };
    const back = { pattern: world.pattern, offset: (2 * number + 1) * PATTERN_STEP };
    this.client = new StreamEnd(`${name} client`, setting.client, setting.clientPlan, there, back, this);
    this.server = new StreamEnd(`${name} server`, setting.server, setting.serverPlan, back, there, this);
    this.acceptor = acceptor;
  }

  start(): void {
    const { setting } = this;
    if (setting.simultaneousOpen) {
      this.openFromBothSides();
      return;
    }
    const { serverPort } = setting;
    const port = this.acceptor?.plan.port ?? (serverPort === 0 ? this.world.freePort() : serverPort);
    const plan = { port, backlog: setting.backlog, pause: 0, options: setting.serverPlan.options };
    const acceptor = this.acceptor ?? new Acceptor(setting.server, plan);
    if (this.acceptor === undefined) setting.server.later(0, () => acceptor.open());
    setting.client.later(setting.startAt, () => {
      const local = this.client.connect(acceptor.address(), setting.clientPort);
      if (typeof local === "number") this.broken(`connect answered ${local}`);
      acceptor.announce(local, this.server);
      if (setting.ending === "cut") this.cutLater(local.port, acceptor.plan.port);
    });
    if (this.acceptor === undefined) this.ownAcceptor = acceptor;
  }

  private openFromBothSides(): void {
    const { client, server, startAt } = this.setting;
    const near = this.world.freePort();
    const far = this.world.freePort();
    const open = (end: StreamEnd, from: number, to: { ip: string; port: number }) => {
      const local = end.connect(to, from);
      if (typeof local === "number") this.broken(`connect answered ${local}`);
    };
    client.later(startAt, () => open(this.client, near, { ip: server.ip, port: far }));
    server.later(startAt, () => open(this.server, far, { ip: client.ip, port: near }));
  }

  private cutLater(clientPort: number, serverPort: number): void {
    const { client, server, cutAfter } = this.setting;
    const number = (ip: string) => ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    const ends = [`${number(client.ip)}:${clientPort}`, `${number(server.ip)}:${serverPort}`].sort();
    client.later(cutAfter, () => this.world.blockFlow(`6 ${ends[0]} ${ends[1]}`));
  }

  toleratesDamage(): boolean {
    return this.world.tolerant;
  }

  progress(_end: StreamEnd, bytes: number): void {
    this.world.progress(bytes);
  }

  exchanged(): void {
    if (++this.exchanges < 2) return;
    // Both ends close at the same moment: their FINs cross.
    for (const end of [this.client, this.server]) end.machine.later(0, () => end.closeNow());
  }

  ended(end: StreamEnd, outcome: Outcome): void {
    this.world.progress(0);
    const other = end === this.client ? this.server : this.client;
    const failed = typeof outcome === "number" && other === this.server && !other.isOpen();
    if (failed && (this.world.tolerant || this.setting.mayBeRefused)) {
      this.refused = true;
      other.abandon();
    }
    if (!this.world.tolerant && !this.refused) this.judge(end, outcome);
    if (other.outcome === undefined) return;
    this.done = true;
    const acceptor = this.ownAcceptor;
    if (acceptor !== undefined) acceptor.machine.later(0, () => acceptor.close());
    if (!this.world.tolerant && !this.refused) this.judgeBoth();
  }

  private judge(end: StreamEnd, outcome: Outcome): void {
    const { ending } = this.setting;
    if (typeof outcome !== "number") {
      if (outcome === "finished" && ending !== "clean") this.broken(`${end.name} ended without an error`);
      return;
    }
    const allowed = ending === "reset" ? RESET_ERRORS : ending === "cut" ? CUT_ERRORS : [];
    if (!allowed.includes(outcome)) this.broken(`${end.name} ended with errno ${outcome}`);
  }

  private judgeBoth(): void {
    if (this.setting.ending !== "clean") return;
    if (this.client.sent !== this.server.received || this.server.sent !== this.client.received) {
      this.broken("the ends do not agree on what was sent");
    }
  }

  isDone(): boolean {
    return this.done;
  }

  describe(): string {
    return `${this.client.describe()}; ${this.server.describe()}`;
  }

  abandon(): void {
    for (const end of [this.client, this.server]) end.machine.run(() => end.abandon());
    this.done = true;
    const acceptor = this.ownAcceptor;
    if (acceptor !== undefined) acceptor.machine.run(() => acceptor.close());
  }
}
