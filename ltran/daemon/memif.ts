/**
 * Clients that are not Gazelle's: DPDK's net_memif, VPP and others that speak memif version 2. As memif tells
 * no address, memif_clients says which one an interface has; its MAC address is that of the bond.
 */
import { closeSync } from "node:fs";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import { addressBytes, mappedIpv4 } from "./addresses.js";
import { admit, checkPeer, type Instance, type Peer } from "./admission.js";
import { BoundedLog } from "./bounded-log.js";
import { Closing } from "./closing.js";
import { type DaemonConfig, firstMac, isShared } from "./config.js";
import { Entrance, REMEDY } from "./entrance.js";
import type { Forwarder, Vport } from "./forwarder.js";
import type { KernelDevice } from "./kernel-device.js";
import type { Say } from "./log.js";
import {
  type MemifAddRegion,
  type MemifAddRing,
  MemifError,
  type MemifInit,
  type MemifMessage,
  MemifType,
  readMemif,
  writeAck,
  writeConnected,
  writeDisconnect,
  writeHello,
} from "./memif-message.js";
import type { Register } from "./message.js";
import { errorName, type Native, type Received } from "./native.js";
import type { Place } from "./place.js";
import { refusalOf } from "./refusal.js";
import { isEventfd, type Registered } from "./registrar.js";

const BACKLOG = 16;
const NAME = "ltran";
/** A client that is not connected after this time is hung up on, in milliseconds. */
const PATIENCE_MS = 2_000;
/** Connections beyond those that memif_clients names. */
const SPARE_CONNECTIONS = 16;
/** Most bytes that one client may have mapped. */
const REGION_MOST = 64 << 20;

interface Ring extends MemifAddRing {
  /** Its consumer's eventfd. */
  fd: number;
}

interface Connection {
  fd: number;
  peer: Peer;
  timer: NodeJS.Timeout | null;
  /** What it said so far. */
  init: MemifInit | null;
  region: (MemifAddRegion & { fd: number }) | null;
  toServer: Ring | null;
  toClient: Ring | null;
  registered: Registered | null;
}

function checkRing(ring: MemifAddRing): void {
  const isSound = ring.region === 0 && ring.index === 0 && ring.privateHeader === 0;
  if (!isSound) throw new MemifError("One ring each way in region 0, without private headers");
  if (ring.slots < 2 || ring.slots > dispatch.VPORT_SLOTS_MAX) throw new MemifError("Too many slots");
}

/** Serves clients of memif_clients from their first message to their end. */
export class MemifServer {
  readonly #native: Native;
  readonly #config: DaemonConfig;
  readonly #forwarder: Forwarder;
  readonly #kernel: KernelDevice;
  readonly #instances: Instance[];
  readonly #log: BoundedLog;
  readonly #connections = new Map<number, Connection>();
  readonly #closing = new Closing();
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
    this.#native = native;
    this.#config = config;
    this.#forwarder = forwarder;
    this.#kernel = kernel;
    this.#instances = instances;
    this.#log = new BoundedLog(say);
    this.#entrance = new Entrance(native, this.#log, {
      enter: (fd, peer) => this.#begin(fd, peer),
      turnAway: (fd) => this.#turnAway(fd),
    });
  }

  /** Whether there may be clients at all. */
  get isWanted(): boolean {
    return this.#config.memifClients.size > 0;
  }

  /** Listens. @throws Error when another ltran does, or the file cannot be made. */
  async listen(place: Place): Promise<void> {
    await this.#entrance.listen(place.memif, BACKLOG, isShared(this.#config));
  }

  /** Clients that were turned away as descriptors were short. */
  get turnedAway(): number {
    return this.#entrance.turnedAway;
  }

  /** Everybody that is connected. */
  registered(): Registered[] {
    return [...this.#connections.values()].flatMap(({ registered }) =>
      registered === null ? [] : [registered],
    );
  }

  /** The rings of a vport are dead: its client connects again, if it can. */
  broken(id: number): void {
    const connection = [...this.#connections.values()].find(({ registered }) => registered?.vport.id === id);
    if (connection !== undefined) this.#refuse(connection, new MemifError("The ring is broken"));
  }

  /** A descriptor became readable, one of ours perhaps. */
  readable(fd: number): void {
    if (this.#entrance.readable(fd)) return;
    const connection = this.#connections.get(fd);
    if (connection !== undefined) this.#receive(connection);
  }

  /** Ends every connection and stops to listen; vports stay as they are, as with the registrar's. */
  close(): void {
    this.#log.end();
    this.#entrance.close();
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
    this.#native.send(fd, writeDisconnect(`No descriptors are left; ${REMEDY}`));
    closeSync(fd);
  }

  #begin(fd: number, peer: Peer): void {
    const most = this.#config.memifClients.size + SPARE_CONNECTIONS;
    if (this.#connections.size >= most || this.#closing.isBusy(peer.uid)) {
      closeSync(fd);
      return;
    }
    const nothing = { init: null, region: null, toServer: null, toClient: null, registered: null };
    const connection: Connection = { fd, peer, timer: null, ...nothing };
    connection.timer = setTimeout(() => this.#end(connection), PATIENCE_MS);
    this.#connections.set(fd, connection);
    try {
      checkPeer(peer, this.#config, process.geteuid?.() ?? 0);
      this.#answer(connection, writeHello(NAME, dispatch.VPORT_SLOTS_MAX));
      this.#await(connection);
    } catch (error) {
      this.#refuse(connection, error);
    }
  }

  #answer({ fd }: Connection, message: Uint8Array): void {
    // A client that is gone already shows its end next.
    this.#native.send(fd, message);
  }

  #receive(connection: Connection): void {
    const received = this.#native.receive(connection.fd);
    const { size, fds } = received;
    let kept: number | undefined;
    try {
      if (size > 0) kept = this.#take(connection, received);
    } catch (error) {
      this.#refuse(connection, error);
      return;
    } finally {
      const rest = fds.filter((fd) => fd !== kept);
      this.#closing.close(rest, connection.peer.uid);
    }
    const isEnd = size === 0 || (size < 0 && errorName(size) !== "EAGAIN");
    if (isEnd) this.#end(connection);
    else if (this.#connections.has(connection.fd)) this.#await(connection);
  }

  /** Does what a message says; answers the descriptor that is needed further. */
  #take(connection: Connection, { data, fds }: Received): number | undefined {
    const message = readMemif(data);
    if (message.type === MemifType.disconnect) {
      this.#end(connection);
      return undefined;
    }
    if (connection.registered !== null) throw new MemifError("Already connected");
    if (message.type === MemifType.init) {
      const isKnown = connection.init === null && this.#config.memifClients.has(message.id);
      if (!isKnown) throw new MemifError("ID not found");
      connection.init = message;
    } else {
      this.#takeMemory(connection, message, fds[0] ?? -1);
    }
    if (message.type === MemifType.connect) this.#connect(connection);
    else this.#answer(connection, writeAck());
    const isKept = message.type === MemifType.addRegion || message.type === MemifType.addRing;
    return isKept ? fds[0] : undefined;
  }

  #takeMemory(connection: Connection, message: MemifMessage, fd: number): void {
    if (connection.init === null) throw new MemifError("Unexpected message");
    if (message.type === MemifType.addRegion) {
      const isSound = message.index === 0 && message.size > 0 && message.size <= REGION_MOST;
      if (fd < 0 || connection.region !== null || !isSound) throw new MemifError("Invalid region");
      connection.region = { ...message, fd };
    }
    if (message.type === MemifType.addRing) {
      checkRing(message);
      if (fd < 0 || !isEventfd(fd)) throw new MemifError("Missing interrupt fd");
      const which = message.isToServer ? "toServer" : "toClient";
      if (connection[which] !== null) throw new MemifError("Invalid ring index");
      connection[which] = { ...message, fd };
    }
  }

  #connect(connection: Connection): void {
    const { init, region, toServer, toClient, peer } = connection;
    if (init === null || region === null || toServer === null || toClient === null) {
      throw new MemifError("Region or ring is missing");
    }
    if (toServer.slots !== toClient.slots) throw new MemifError("Rings must have the same size");
    const others = [...this.#connections.values()].filter(({ registered }) => registered !== null);
    if (others.some((other) => other.init?.id === init.id)) throw new MemifError("Already connected");
    const wanted = this.#wanted(init, region.size, toServer.slots, peer);
    const instance = admit(wanted, peer, this.#config, this.#instances);
    // DPDK seals against shrinking only, and touches its buffers one by one. One rule serves all clients, if
    // ltran, to which the rest is charged then, does here what theirs do themselves.
    this.#native.seal(region.fd, region.size);
    const files = { memory: region.fd, toClient: toClient.fd, toLtran: toServer.fd, pid: null };
    const rings = { take: toServer.offset, put: toClient.offset };
    const vport = this.#forwarder.openVport(wanted, files, this.#config.rateLimit, rings);
    // The forwarder has the other two from now on.
    closeSync(region.fd);
    connection.region = null;
    connection.toServer = null;
    connection.toClient = null;
    connection.registered = { instance, wanted, vport };
    instance.stacks.add(0);
    this.#instances.push(instance);
    this.#kernel.acquire(instance);
    if (connection.timer !== null) clearTimeout(connection.timer);
    connection.timer = null;
    this.#answer(connection, writeConnected(NAME));
  }

  /** What a Gazelle client would have registered with. */
  #wanted({ id, name }: MemifInit, regionSize: number, slots: number, peer: Peer): Register {
    const address = addressBytes(this.#config.memifClients.get(id) ?? "");
    return {
      pid: peer.pid,
      stackIndex: 0,
      stackCount: 1,
      slots,
      bufferSize: 0,
      features: 0,
      regionSize,
      mac: firstMac(this.#config),
      address,
      ipv4: mappedIpv4(address),
      // No process has two interfaces with one address.
      processKey: BigInt(id),
      name: `memif ${id}: ${name}`,
      prefixLength: 32,
      vlan: 0,
    };
  }

  #refuse(connection: Connection, error: unknown): void {
    const { message } = error instanceof MemifError ? error : refusalOf(error);
    const { pid, uid } = connection.peer;
    this.#answer(connection, writeDisconnect(message));
    this.#log.say(`memif client of process ${pid} of user ${uid} refused: ${message}`);
    this.#end(connection);
  }

  #end(connection: Connection): void {
    const { fd, peer, timer, registered, region, toServer, toClient } = connection;
    if (!this.#connections.delete(fd)) return;
    if (timer !== null) clearTimeout(timer);
    const kept = [region, toServer, toClient].flatMap((part) => (part === null ? [] : [part.fd]));
    this.#closing.close(kept, peer.uid);
    if (registered !== null) this.#forget(registered.instance, registered.vport);
    closeSync(fd);
  }

  #forget(instance: Instance, vport: Vport): void {
    this.#forwarder.closeVport(vport);
    this.#instances.splice(this.#instances.indexOf(instance), 1);
    this.#kernel.release(instance);
  }
}
