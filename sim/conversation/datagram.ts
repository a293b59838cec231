import {
  EAGAIN,
  ECONNREFUSED,
  ENOBUFS,
  EPOLLERR,
  EPOLLIN,
  SOCK_DGRAM,
} from "../../build/generated/node/system.js";
import type { Address } from "../host.js";
import type { Machine } from "../machine.js";
import { read32, write32 } from "../wire/frame.js";
import { Conversation, type World } from "./conversation.js";

/** Who asks whom, and how much. */
export interface DatagramSetting {
  client: Machine;
  server: Machine;
  startAt: number;
  /** Payload bytes of each request and of its reply, at least DATAGRAM_HEADER. */
  exchanges: readonly { request: number; reply: number }[];
  /**
   * First wait for a reply before the request is sent again; it doubles up to 32 times as much. Microseconds.
   */
  retryAfter: number;
  /** Nobody listens: the client must learn that from an ICMP error. */
  refused: boolean;
}

/** Bytes of a datagram of this workload that say what it is: number of the exchange, size of the reply. */
export const DATAGRAM_HEADER = 8;
const TRIES_MAX = 200;
const PATTERN_STEP = 104729;

/** No room for a datagram at the moment: it is as good as lost. */
function isShortage(answer: number): boolean {
  return answer === -EAGAIN || answer === -ENOBUFS;
}

/** Requests and replies in datagrams of every size, sent again until they are answered. */
export class DatagramConversation extends Conversation {
  private clientHandle = -1;
  private clientKey = 0;
  private serverHandle = -1;
  private serverKey = 0;
  private readonly port: number;
  private current = 0;
  private tries = 0;
  private finished = false;

  constructor(
    name: string,
    world: World,
    private readonly setting: DatagramSetting,
    private readonly number: number,
  ) {
    super(name, world);
    this.port = world.freePort();
  }

  start(): void {
    const { setting } = this;
    if (!setting.refused) setting.server.later(0, () => this.openServer());
    setting.client.later(setting.startAt, () => this.openClient());
  }

  private openServer(): void {
    const { server } = this.setting;
    this.serverHandle = this.socket(server);
    server.bind(this.serverHandle, this.port);
    this.serverKey = server.watch(this.serverHandle, EPOLLIN, () => this.serve());
  }

  private openClient(): void {
    const { client, server } = this.setting;
    this.clientHandle = this.socket(client);
    const done = client.connect(this.clientHandle, { ip: server.ip, port: this.port });
    if (done !== 0) this.broken(`connect of a datagram socket answered ${done}`);
    this.clientKey = client.watch(this.clientHandle, EPOLLIN, (events) => this.clientReady(events));
    this.ask();
  }

  private socket(machine: Machine): number {
    const handle = machine.host.doors.socketOpen(4, SOCK_DGRAM);
    if (handle < 0) this.broken(`no datagram socket: ${handle}`);
    return handle;
  }

  /** The payload of a datagram: header, and pattern bytes that nothing else in the run has at this place. */
  private payload(exchange: number, size: number, replySize: number): Uint8Array {
    const bytes = new Uint8Array(size);
    bytes.set(this.world.pattern.slice(this.offset(exchange, replySize > 0), size));
    write32(bytes, 0, exchange);
    write32(bytes, 4, replySize);
    return bytes;
  }

  private offset(exchange: number, isRequest: boolean): number {
    return (this.number * 1000 + exchange * 2 + Number(isRequest)) * PATTERN_STEP;
  }

  private ask(): void {
    const { client, exchanges, retryAfter } = this.setting;
    const exchange = exchanges[this.current];
    if (exchange === undefined || this.finished) return;
    if (++this.tries > TRIES_MAX && !this.world.tolerant) this.broken(`no reply after ${TRIES_MAX} requests`);
    client.host.clearEndpoint();
    const payload = this.payload(this.current, exchange.request, exchange.reply);
    const sent = client.host.send(this.clientHandle, payload);
    if (sent === -ECONNREFUSED) this.refusedNow();
    else if (sent < 0 && !isShortage(sent) && !this.world.tolerant) this.broken(`send answered ${sent}`);
    const waitingFor = this.current;
    const wait = retryAfter * 2 ** Math.min(5, this.tries - 1);
    client.later(wait, () => {
      if (this.current === waitingFor) this.ask();
    });
  }

  private refusedNow(): void {
    if (!this.setting.refused && !this.world.tolerant) this.broken("the server's port is said to be closed");
    if (this.setting.refused) this.finish();
  }

  private clientReady(events: number): void {
    const { client, exchanges } = this.setting;
    if ((events & EPOLLERR) !== 0) {
      const error = client.host.doors.socketError(this.clientHandle);
      if (error === ECONNREFUSED) this.refusedNow();
      else if (error !== 0 && !this.world.tolerant) this.broken(`the client's socket has errno ${error}`);
    }
    while (!this.finished) {
      const data = client.host.recv(this.clientHandle, 65536);
      if (typeof data === "number") return;
      const number = data.length >= DATAGRAM_HEADER ? read32(data, 0) : -1;
      const exchange = exchanges[number];
      const right = exchange !== undefined && this.isRight(data, this.payload(number, exchange.reply, 0));
      if (!right && !this.world.tolerant) this.broken(`a reply of ${data.length} bytes is wrong`);
      // Anything else is the late reply to a request that was sent twice.
      if (!right || number !== this.current) continue;
      this.world.progress(data.length);
      this.current++;
      this.tries = 0;
      if (this.current === exchanges.length) this.finish();
      else this.ask();
    }
  }

  private isRight(data: Uint8Array, expected: Uint8Array): boolean {
    return data.length === expected.length && Buffer.compare(data, expected) === 0;
  }

  private serve(): void {
    const { server, exchanges } = this.setting;
    while (this.serverHandle >= 0) {
      const data = server.host.recv(this.serverHandle, 65536);
      if (typeof data === "number") return;
      const from: Address = server.host.endpoint();
      const number = data.length >= DATAGRAM_HEADER ? read32(data, 0) : -1;
      const exchange = exchanges[number];
      const right =
        exchange !== undefined && this.isRight(data, this.payload(number, exchange.request, exchange.reply));
      if (!right || exchange === undefined) {
        if (!this.world.tolerant) this.broken(`a request of ${data.length} bytes is wrong`);
        continue;
      }
      this.world.progress(data.length);
      server.host.setEndpoint(from);
      const sent = server.host.send(this.serverHandle, this.payload(number, exchange.reply, 0));
      server.host.clearEndpoint();
      if (sent < 0 && !isShortage(sent) && !this.world.tolerant)
        this.broken(`the reply's send answered ${sent}`);
    }
  }

  private finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.world.progress(0);
    const { client, server } = this.setting;
    client.forget(this.clientKey);
    client.host.doors.socketClose(this.clientHandle, client.host.now);
    if (this.serverHandle >= 0) server.later(0, () => this.closeServer());
  }

  private closeServer(): void {
    const { server } = this.setting;
    server.forget(this.serverKey);
    server.host.doors.socketClose(this.serverHandle, server.host.now);
    this.serverHandle = -1;
  }

  isDone(): boolean {
    return this.finished && this.serverHandle < 0;
  }

  describe(): string {
    const { exchanges, refused } = this.setting;
    const why = refused ? ", nobody there" : "";
    return `${this.current} of ${exchanges.length} exchanges, ${this.tries} tries${why}`;
  }

  abandon(): void {
    this.setting.client.run(() => this.finish());
  }
}
