/** The registration socket: connections, what they may do, and what their end means. */
import { chmodSync, closeSync, readlinkSync } from "node:fs";
import { admit, checkGeometry, checkPeer, type Instance, type Peer, withMac } from "./admission.js";
import { BoundedLog } from "./bounded-log.js";
import { Closing } from "./closing.js";
import { type DaemonConfig, isShared } from "./config.js";
import type { Forwarder, Vport } from "./forwarder.js";
import { Introducer } from "./introducer.js";
import type { KernelDevice } from "./kernel-device.js";
import { type Register, readRegister, writeRefusal, writeWelcome } from "./message.js";
import { errorName, type Native, type Received } from "./native.js";
import { claim, type Place, temporaryName } from "./place.js";
import { Refusal, refusals } from "./refusal.js";

const BACKLOG = 128;
/** A client that has not said what it wants after this time is hung up on, in milliseconds. */
const PATIENCE_MS = 2_000;
/** Connections that have not registered: of all users, and of one. */
const UNDECIDED_MOST = 64;
const UNDECIDED_PER_USER = 16;
/** Connections taken in one turn of Node's loop. */
const ACCEPTS_MOST = 32;

/** A registered stack. */
export interface Registered {
  instance: Instance;
  wanted: Register;
  vport: Vport;
}

/** A client's connection; its end is the client's. */
export interface Connection {
  fd: number;
  peer: Peer;
  timer: NodeJS.Timeout | null;
  /** null before it has registered, and when it has ended. */
  registered: Registered | null;
}

/** Other files could make the forwarder wait when it asks whether they are readable. */
export function isEventfd(fd: number): boolean {
  return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[eventfd]";
}

/** Serves clients from their first message to their end. */
export class Registrar {
  readonly #native: Native;
  readonly #config: DaemonConfig;
  readonly #forwarder: Forwarder;
  readonly #log: BoundedLog;
  readonly #kernel: KernelDevice;
  readonly #connections = new Map<number, Connection>();
  readonly #instances: Instance[];
  readonly #closing = new Closing();
  readonly #introducer: Introducer;
  #listener = -1;

  /** `instances` are those of all who are registered, by whatever protocol. */
  constructor(
    native: Native,
    config: DaemonConfig,
    forwarder: Forwarder,
    kernel: KernelDevice,
    instances: Instance[],
    say: (text: string) => void,
  ) {
    this.#kernel = kernel;
    this.#instances = instances;
    this.#native = native;
    this.#config = config;
    this.#forwarder = forwarder;
    this.#log = new BoundedLog(say);
    const clients = () => [...this.#connections.values()].filter(({ registered }) => registered !== null);
    this.#introducer = new Introducer(native, config, forwarder, clients);
  }

  /** Listens. @throws Error when another ltran does, or the file cannot be made. */
  async listen(place: Place): Promise<void> {
    const temporary = temporaryName(place.client);
    this.#listener = this.#native.listen(temporary, BACKLOG);
    if (this.#listener < 0) throw new Error(`cannot listen at ${place.client}`);
    // With others allowed anybody may connect: who may not register is told so.
    chmodSync(temporary, isShared(this.#config) ? 0o666 : 0o600);
    await claim(temporary, place.client);
    if (!this.#watch(this.#listener)) throw new Error(`cannot listen at ${place.client}`);
  }

  /** Everything that is registered. */
  registered(): Registered[] {
    return [...this.#connections.values()].flatMap(({ registered }) =>
      registered === null ? [] : [registered],
    );
  }

  /** The addresses to which a registered stack has rings of its own. */
  ringsOf(stack: Registered): number[] {
    const connection = [...this.#connections.values()].find(({ registered }) => registered === stack);
    return connection === undefined ? [] : this.#introducer.ringsOf(connection);
  }

  /** Clients that talk to each other were noted. */
  noted(): void {
    this.#introducer.noted();
  }

  /** A descriptor became readable. */
  readable(fd: number): void {
    if (fd === this.#listener) {
      this.#accept();
      return;
    }
    const connection = this.#connections.get(fd);
    // An event of a connection that ended may still have been on its way.
    if (connection !== undefined) this.#receive(connection);
  }

  /**
   * Ends every connection and stops to listen. Vports stay as they are: their flows would be reset, and the
   * module may have trapped.
   */
  close(): void {
    if (this.#listener >= 0) closeSync(this.#listener);
    this.#listener = -1;
    this.#log.end();
    this.#introducer.close();
    for (const { fd, timer } of this.#connections.values()) {
      if (timer !== null) clearTimeout(timer);
      closeSync(fd);
    }
    this.#connections.clear();
  }

  #watch(fd: number): boolean {
    const answer = this.#native.watch(fd);
    if (answer < 0) this.#log.say(`cannot watch a connection (${errorName(answer)})`);
    return answer >= 0;
  }

  /** The next message or the end of a connection that nobody would notice is not waited for. */
  #await(connection: Connection): void {
    if (!this.#watch(connection.fd)) this.#end(connection);
  }

  #accept(): void {
    for (let count = 0; count < ACCEPTS_MOST; count++) {
      const { fd, ...peer } = this.#native.accept(this.#listener);
      if (fd < 0) break;
      this.#admitConnection(fd, peer);
    }
    this.#watch(this.#listener);
  }

  #admitConnection(fd: number, peer: Peer): void {
    const undecided = [...this.#connections.values()].filter(({ registered }) => registered === null);
    const ofUser = undecided.filter((other) => other.peer.uid === peer.uid).length;
    const isBusy = this.#closing.isBusy(peer.uid);
    if (undecided.length >= UNDECIDED_MOST || ofUser >= UNDECIDED_PER_USER || isBusy) {
      closeSync(fd);
      return;
    }
    const connection: Connection = { fd, peer, timer: null, registered: null };
    connection.timer = setTimeout(() => this.#end(connection), PATIENCE_MS);
    this.#connections.set(fd, connection);
    try {
      checkPeer(peer, this.#config, process.geteuid?.() ?? 0);
      this.#await(connection);
    } catch (error) {
      this.#refuse(connection, error);
    }
  }

  #receive(connection: Connection): void {
    const message = this.#native.receive(connection.fd);
    let isTaken = false;
    try {
      if (message.size > 0) {
        this.#take(connection, message);
        isTaken = true;
      }
    } catch (error) {
      this.#refuse(connection, error);
      return;
    } finally {
      if (!isTaken) this.#closing.close(message.fds, connection.peer.uid);
    }
    const isEnd = message.size === 0 || (message.size < 0 && errorName(message.size) !== "EAGAIN");
    if (isEnd) this.#end(connection);
    else this.#await(connection);
  }

  /** Takes a message, and with it its descriptors: they are the forwarder's then, or closed. */
  #take(connection: Connection, message: Received): void {
    if (connection.registered === null) {
      this.#register(connection, message);
      return;
    }
    const { uid } = connection.peer;
    if (this.#closing.isBusy(uid) || !this.#introducer.take(connection, message)) {
      throw refusals.message();
    }
    // The peer has its own now.
    this.#closing.close(message.fds, uid);
  }

  #register(connection: Connection, { data, fds }: Received): void {
    const wanted = withMac(readRegister(data), this.#config);
    const [memory, toClient, toLtran] = fds;
    const areThree = memory !== undefined && toClient !== undefined && toLtran !== undefined;
    if (!areThree || fds.length > 3 || !isEventfd(toLtran)) {
      throw refusals.descriptors(`there are ${fds.length}`);
    }
    checkGeometry(wanted);
    const instance = admit(wanted, connection.peer, this.#config, this.#instances);
    const { packets, megabits } = this.#config.rateLimit;
    const share = (limit: number) => Math.ceil(limit / instance.stackCount);
    const limit = { packets: share(packets), megabits: share(megabits) };
    const files = { memory, toClient, toLtran, pid: connection.peer.pid };
    const vport = this.#forwarder.openVport(wanted, files, limit);
    connection.registered = { instance, wanted, vport };
    instance.stacks.add(wanted.stackIndex);
    if (!this.#instances.includes(instance)) {
      this.#instances.push(instance);
      this.#kernel.acquire(instance);
    }
    // It is memory, as it could be mapped.
    closeSync(memory);
    this.#welcome(connection, connection.registered);
    this.#introducer.opened(connection);
  }

  #welcome(connection: Connection, { wanted, vport }: Registered): void {
    const sent = this.#native.send(connection.fd, writeWelcome(this.#forwarder.welcome(wanted, vport.id)));
    if (connection.timer !== null) clearTimeout(connection.timer);
    connection.timer = null;
    // A client that is gone already shows its end next.
    if (sent < 0) this.#log.say(`process ${connection.peer.pid} does not take its answer`);
  }

  #refuse(connection: Connection, error: unknown): void {
    if (!(error instanceof Refusal)) throw error;
    const { pid, uid } = connection.peer;
    this.#native.send(connection.fd, writeRefusal(error));
    this.#log.say(`process ${pid} of user ${uid} refused: ${error.message}`);
    this.#end(connection);
  }

  #end(connection: Connection): void {
    const { fd, timer, registered } = connection;
    if (!this.#connections.delete(fd)) return;
    if (timer !== null) clearTimeout(timer);
    connection.registered = null;
    if (registered !== null) {
      this.#forget(registered);
      this.#introducer.closed(connection, registered.instance.ipv4, registered.wanted.stackIndex);
    }
    closeSync(fd);
  }

  #forget({ instance, wanted, vport }: Registered): void {
    this.#forwarder.closeVport(vport);
    instance.stacks.delete(wanted.stackIndex);
    if (instance.stacks.size > 0) return;
    this.#instances.splice(this.#instances.indexOf(instance), 1);
    this.#kernel.release(instance);
  }
}
