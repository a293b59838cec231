/** The registration socket: connections, what they may do, and what their end means. */
import { closeSync, readlinkSync } from "node:fs";
import { admit, checkGeometry, checkPeer, type Instance, type Peer, withMac } from "./admission.js";
import { BoundedLog } from "./bounded-log.js";
import { Closing } from "./closing.js";
import { type DaemonConfig, isShared } from "./config.js";
import { Entrance, REMEDY } from "./entrance.js";
import type { Forwarder, Vport } from "./forwarder.js";
import { Introducer } from "./introducer.js";
import type { KernelDevice } from "./kernel-device.js";
import type { Say } from "./log.js";
import { type Register, readRegister, writeRefusal, writeWelcome } from "./message.js";
import { errorName, type Native, type Received } from "./native.js";
import type { Place } from "./place.js";
import { rateShare } from "./rate-share.js";
import { refusalOf, refusals } from "./refusal.js";

const BACKLOG = 128;
/** A client that has not said what it wants after this time is hung up on, in milliseconds. */
const PATIENCE_MS = 2_000;
/** Connections that have not registered: of all users, and of one. */
const UNDECIDED_MOST = 64;
const UNDECIDED_PER_USER = 16;

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
  readonly #say: Say;
  readonly #log: BoundedLog;
  readonly #kernel: KernelDevice;
  readonly #connections = new Map<number, Connection>();
  readonly #instances: Instance[];
  readonly #closing = new Closing();
  readonly #introducer: Introducer;
  readonly #entrance: Entrance;

  /** `instances` are those of all who are registered, by whatever protocol. */
  constructor(
    native: Native,
    config: DaemonConfig,
    forwarder: Forwarder,
    kernel: KernelDevice,
    instances: Instance[],
    say: Say,
  ) {
    this.#kernel = kernel;
    this.#instances = instances;
    this.#native = native;
    this.#config = config;
    this.#forwarder = forwarder;
    this.#say = say;
    this.#log = new BoundedLog(say);
    this.#entrance = new Entrance(native, this.#log, {
      enter: (fd, peer) => this.#admitConnection(fd, peer),
      turnAway: (fd) => this.#turnAway(fd),
    });
    const clients = () => [...this.#connections.values()].filter(({ registered }) => registered !== null);
    this.#introducer = new Introducer(native, config, forwarder, clients);
  }

  /** Listens. @throws Error when another ltran does, or the file cannot be made. */
  async listen(place: Place): Promise<void> {
    await this.#entrance.listen(place.client, BACKLOG, isShared(this.#config));
  }

  /** Clients that were turned away as descriptors were short. */
  get turnedAway(): number {
    return this.#entrance.turnedAway;
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

  /** The rings of a vport are dead: its client registers again, if it can. */
  broken(id: number): void {
    const connection = [...this.#connections.values()].find(({ registered }) => registered?.vport.id === id);
    if (connection === undefined) return;
    const { pid, uid } = connection.peer;
    this.#log.say(`process ${pid} of user ${uid} broke its ring: it is hung up on`);
    this.#end(connection);
  }

  /** A descriptor became readable. */
  readable(fd: number): void {
    if (this.#entrance.readable(fd)) return;
    const connection = this.#connections.get(fd);
    // An event of a connection that ended may still have been on its way.
    if (connection !== undefined) this.#receive(connection);
  }

  /**
   * Ends every connection and stops to listen. Vports stay as they are: their flows would be reset, and the
   * module may have trapped.
   */
  close(): void {
    this.#entrance.close();
    this.#log.end();
    this.#introducer.close();
    for (const { fd, timer } of this.#connections.values()) {
      if (timer !== null) clearTimeout(timer);
      closeSync(fd);
    }
    this.#connections.clear();
  }

  /** The next message or the end of a connection that nobody would notice is not waited for. */
  #await(connection: Connection): void {
    if (!this.#entrance.watch(connection.fd)) this.#end(connection);
  }

  #turnAway(fd: number): void {
    this.#native.send(fd, writeRefusal(refusals.unable("no descriptors are left", REMEDY)));
    closeSync(fd);
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

  #register(connection: Connection, { data, fds, isCut }: Received): void {
    const wanted = withMac(readRegister(data), this.#config);
    const [memory, toClient, toLtran] = fds;
    if (isCut !== 0 && fds.length < 3) throw refusals.unable("no descriptors are left", REMEDY);
    const areThree = memory !== undefined && toClient !== undefined && toLtran !== undefined;
    if (!areThree || fds.length > 3 || !isEventfd(toLtran)) {
      throw refusals.descriptors(`there are ${fds.length}`);
    }
    checkGeometry(wanted);
    const instance = admit(wanted, connection.peer, this.#config, this.#instances);
    const isNew = !this.#instances.includes(instance);
    const all = isNew ? [...this.#instances, instance] : this.#instances;
    const limit = rateShare(this.#config.rateLimit, connection.peer.pid, all);
    const files = { memory, toClient, toLtran, pid: connection.peer.pid };
    const vport = this.#forwarder.openVport(wanted, files, limit);
    connection.registered = { instance, wanted, vport };
    // They are the forwarder's; the first one is memory, as it could be mapped.
    fds.length = 0;
    closeSync(memory);
    instance.stacks.add(wanted.stackIndex);
    if (isNew) {
      this.#instances.push(instance);
      this.#limit(connection.peer.pid);
      this.#kernel.acquire(instance);
    }
    this.#welcome(connection, connection.registered);
    const { pid } = connection.peer;
    this.#say(`process ${pid} has registered its stack ${wanted.stackIndex}: port ${vport.id}`, "debug");
    this.#introducer.opened(connection);
  }

  /** The stacks of a process have come to be more, or fewer: each may send another part of its limit. */
  #limit(pid: number): void {
    const limit = rateShare(this.#config.rateLimit, pid, this.#instances);
    for (const { instance, vport } of this.registered()) {
      if (instance.peer.pid === pid) this.#forwarder.limit(vport, limit);
    }
  }

  #welcome(connection: Connection, { wanted, vport }: Registered): void {
    const sent = this.#native.send(connection.fd, writeWelcome(this.#forwarder.welcome(wanted, vport.id)));
    if (connection.timer !== null) clearTimeout(connection.timer);
    connection.timer = null;
    // A client that is gone already shows its end next.
    if (sent < 0) this.#log.say(`process ${connection.peer.pid} does not take its answer`);
  }

  #refuse(connection: Connection, error: unknown): void {
    const refusal = refusalOf(error);
    const { pid, uid } = connection.peer;
    this.#native.send(connection.fd, writeRefusal(refusal));
    this.#log.say(`process ${pid} of user ${uid} refused: ${refusal.message}`);
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
    this.#say(
      `process ${instance.peer.pid} is gone with its stack ${wanted.stackIndex}: port ${vport.id}`,
      "debug",
    );
    instance.stacks.delete(wanted.stackIndex);
    if (instance.stacks.size > 0) return;
    this.#instances.splice(this.#instances.indexOf(instance), 1);
    this.#limit(instance.peer.pid);
    this.#kernel.release(instance);
  }
}
