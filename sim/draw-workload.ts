import { BacklogConversation } from "./conversation/backlog.js";
import type { Conversation, World } from "./conversation/conversation.js";
import { DATAGRAM_HEADER, DatagramConversation, type DatagramSetting } from "./conversation/datagram.js";
import { RefusedConversation } from "./conversation/refused.js";
import { StreamConversation, type StreamEnding, type StreamSetting } from "./conversation/stream.js";
import {
  drawBulk,
  drawDialogue,
  drawHoarder,
  drawIdle,
  drawReset,
  drawSlowReader,
  impatience,
  type PlanPair,
} from "./draw-streams.js";
import type { Machine } from "./machine.js";
import type { Random } from "./random.js";

/** Every run moves at least this many bytes. */
export const BYTES_MIN = 1 << 20;
const PLANNED_MIN = BYTES_MIN + 65536;
const CONVERSATIONS_MIN = 3;
const CONVERSATIONS_MAX = 16;
const START_WITHIN = 200_000;

/** What a conversation that was drawn will move, in bytes that are sure to arrive. */
interface Drawn {
  conversation: Conversation;
  bytes: number;
}

/** What the workload has to suit. */
interface WorkloadConditions {
  mtu: number;
  /** The regions are as small as regions may be. */
  smallRegions: boolean;
  /** Largest datagram that has a fair chance to arrive. */
  datagramMax: number;
}

/** Draws the conversations of a run. */
export class WorkloadDrawer {
  private number = 0;

  constructor(
    private readonly random: Random,
    private readonly world: World,
    private readonly conditions: WorkloadConditions,
  ) {}

  /** Enough conversations for a run. */
  drawAll(): Conversation[] {
    const conversations: Conversation[] = [];
    let planned = 0;
    while (conversations.length < CONVERSATIONS_MAX) {
      if (planned >= PLANNED_MIN && conversations.length >= CONVERSATIONS_MIN) return conversations;
      const drawn = this.draw();
      conversations.push(drawn.conversation);
      planned += drawn.bytes;
    }
    const missing = Math.max(0, PLANNED_MIN - planned);
    if (missing > 0) conversations.push(this.bulk(missing));
    return conversations;
  }

  /** A plain transfer of `size` bytes one way. */
  bulk(size: number): Conversation {
    const pair = drawBulk(this.random, size, false);
    return this.stream("bulk", pair, "clean").conversation;
  }

  /**
   * A transfer whose sequence numbers, from `clientPort` of the first machine to the second, are about to
   * wrap around.
   */
  wrapping(clientPort: number, serverPort: number): Conversation {
    const [client, server] = this.world.machines;
    if (client === undefined || server === undefined) throw new Error("a network of less than two machines");
    const pair = drawBulk(this.random, this.random.spread(100_000, 300_000), true);
    const setting = { ...this.setting(pair, "clean"), client, server, clientPort, startAt: 0, serverPort };
    return new StreamConversation("wrap", this.world, setting, this.number++);
  }

  private draw(): Drawn {
    const { random } = this;
    const size = random.spread(20_000, 700_000);
    const kind = random.unit();
    if (kind < 0.2) return this.stream("bulk", drawBulk(random, size, false), "clean");
    if (kind < 0.38) return this.stream("both-ways", drawBulk(random, size, true), "clean");
    if (kind < 0.53) return this.stream("dialogue", drawDialogue(random, size >> 2), "clean");
    if (kind < 0.62) return this.stream("slow-reader", drawSlowReader(random, size >> 1), "clean");
    if (kind < (this.conditions.smallRegions ? 0.7 : 0.63)) return this.hoarders();
    if (kind < 0.75) return this.stream("reset", drawReset(random, size), "reset");
    if (kind < 0.78)
      return this.stream("simultaneous-open", drawBulk(random, size >> 1, true), "clean", true);
    if (kind < 0.82) return this.stream("idle", drawIdle(random), "clean");
    if (kind < 0.84) return this.cut(size);
    if (kind < 0.88) return this.backlog();
    if (kind < 0.96) return this.datagrams(false);
    if (kind < 0.975) return this.datagrams(true);
    return this.refused();
  }

  private pair(): { client: Machine; server: Machine } {
    const { random, world } = this;
    const client = random.pick(world.machines);
    const server = random.pick(world.machines.filter((machine) => machine !== client));
    return { client, server };
  }

  private setting(pair: PlanPair, ending: StreamEnding): StreamSetting {
    const { random } = this;
    return {
      ...this.pair(),
      clientPlan: pair.client,
      serverPlan: pair.server,
      ending,
      startAt: random.below(START_WITHIN),
      clientPort: 0,
      serverPort: 0,
      simultaneousOpen: false,
      mayBeRefused: false,
      cutAfter: 0,
      backlog: random.spread(1, 128),
    };
  }

  private stream(name: string, pair: PlanPair, ending: StreamEnding, simultaneousOpen = false): Drawn {
    const number = this.number++;
    const setting = { ...this.setting(pair, ending), simultaneousOpen };
    const conversation = new StreamConversation(`${name}#${number}`, this.world, setting, number);
    const sure = ending === "clean" ? pair.client.sendTotal + pair.server.sendTotal : 0;
    return { conversation, bytes: sure };
  }

  /** The path dies in mid stream: both ends must notice by themselves. */
  private cut(size: number): Drawn {
    const { random } = this;
    const pair = drawBulk(random, size, true);
    for (const plan of [pair.client, pair.server]) {
      plan.closing = "half";
      plan.options = [...plan.options, ...impatience()];
      // Slow enough that the transfer is surely under way when the path dies.
      plan.writeSize = Math.min(plan.writeSize, 2000);
      plan.writePause = 400_000;
      plan.sendTotal = Math.max(plan.sendTotal, 400_000);
      plan.mayHaveSent = () => plan.sendTotal;
    }
    pair.client.receiveTotal = pair.server.sendTotal;
    pair.server.receiveTotal = pair.client.sendTotal;
    const number = this.number++;
    const setting = { ...this.setting(pair, "cut"), cutAfter: random.between(8_000_000, 20_000_000) };
    return { conversation: new StreamConversation(`cut#${number}`, this.world, setting, number), bytes: 0 };
  }

  /**
   * Several connections of one pair of machines that together keep more bytes than a small region has
   * buffers.
   */
  private hoarders(): Drawn {
    const { random } = this;
    const first = this.number;
    const count = random.between(4, 8);
    const machines = this.pair();
    const startAt = random.below(START_WITHIN);
    let bytes = 0;
    const settings = Array.from({ length: count }, () => {
      const pair = drawHoarder(random, random.between(300_000, 700_000));
      bytes += pair.client.sendTotal + pair.server.sendTotal;
      return { ...this.setting(pair, "clean"), ...machines, startAt };
    });
    this.number += count;
    const port = this.world.freePort();
    const plan = { port, backlog: 16, pause: 0, options: [] };
    const name = `hoarders#${first}`;
    const group = new BacklogConversation(name, this.world, machines.server, plan, settings, first);
    return { conversation: group, bytes };
  }

  private backlog(): Drawn {
    const { random } = this;
    const first = this.number;
    const count = random.between(10, 60);
    const server = random.pick(this.world.machines);
    const clients = this.world.machines.filter((machine) => machine !== server);
    const startAt = random.below(START_WITHIN);
    let bytes = 0;
    const settings = Array.from({ length: count }, () => {
      const pair = drawDialogue(random, random.spread(50, 1000));
      // The handshake's last ACK can be lost without a trace when cookies are sent: then only the client
      // knows of the connection, and it must be the one who speaks first. In a dialogue it is.
      bytes += pair.client.sendTotal + pair.server.sendTotal;
      const setting = this.setting(pair, "clean");
      return { ...setting, client: random.pick(clients), server, startAt, mayBeRefused: true };
    });
    this.number += count;
    const plan = {
      port: this.world.freePort(),
      backlog: random.between(1, 4),
      pause: random.spread(100, 20_000),
      options: [],
    };
    const name = `backlog#${first}`;
    const group = new BacklogConversation(name, this.world, server, plan, settings, first);
    return { conversation: group, bytes };
  }

  private datagrams(refused: boolean): Drawn {
    const { random, conditions } = this;
    const size = () => {
      const large = random.chance(0.5) ? conditions.datagramMax : conditions.mtu;
      return random.spread(DATAGRAM_HEADER, large);
    };
    const exchanges = Array.from({ length: refused ? 1 : random.between(3, 25) }, () => ({
      request: size(),
      reply: size(),
    }));
    const setting: DatagramSetting = {
      ...this.pair(),
      startAt: random.below(START_WITHIN),
      exchanges,
      retryAfter: 400_000,
      refused,
    };
    const number = this.number++;
    const name = `${refused ? "datagram-refused" : "datagrams"}#${number}`;
    return { conversation: new DatagramConversation(name, this.world, setting, number), bytes: 0 };
  }

  private refused(): Drawn {
    const { random } = this;
    const { client, server } = this.pair();
    const nobody = random.chance(0.4);
    const to = nobody ? "10.0.0.200" : server.ip;
    const name = `refused#${this.number++}`;
    const startAt = random.below(START_WITHIN);
    return { conversation: new RefusedConversation(name, this.world, client, to, startAt, nobody), bytes: 0 };
  }
}
