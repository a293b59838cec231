/** The process ltran: from a checked configuration to its clean end. */
import type { Server } from "node:net";
import type { LtranConfig } from "../../ctl/ltran-config.js";
import type { Instance } from "./admission.js";
import { type DaemonConfig, daemonConfig, isShared } from "./config.js";
import { type Commands, plain, serveControl } from "./control.js";
import { DeviceMtus } from "./device-mtu.js";
import { Forwarder } from "./forwarder.js";
import { KernelDevice } from "./kernel-device.js";
import { Log, type Say } from "./log.js";
import { MemifServer } from "./memif.js";
import { loadNative, type Native, NativeEvent } from "./native.js";
import { hadPredecessor, leave, type Place, placeOf, useFolder } from "./place.js";
import { type Registered, Registrar } from "./registrar.js";
import { showInstances } from "./report.js";
import { firstPlace, Tables } from "./tables.js";

/** The exit status after a trap of the forwarding module: EX_SOFTWARE of sysexits.h. */
const TRAPPED = 70;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What has begun, for its end. */
interface Running {
  native: Native;
  registrar: Registrar;
  memif: MemifServer;
  control: Server;
  kernel: KernelDevice;
  mtus: DeviceMtus;
  place: Place;
  /** The paths of its sockets. */
  claimed: string[];
}

function sayLinks(forwarder: Forwarder, say: Say, changed: number): void {
  for (let nic = 0; nic < forwarder.nicCount; nic++) {
    if ((changed & (1 << nic)) === 0) continue;
    const { device, isUp } = forwarder.nicFacts(nic);
    say(`the link of ${device} is ${isUp ? "up" : "down"}`);
  }
}

/** How often to look whether frames were cut off. */
const LOOK_MS = 1_000;

/** Says once what to do when frames arrive cut off, for devices where something can be done. */
function watchTruncation(forwarder: Forwarder, say: Say): void {
  const nics = Array.from({ length: forwarder.nicCount }, (_, nic) => forwarder.nicFacts(nic));
  const texts = nics.map(({ truncation }) => truncation).filter((text) => text !== "");
  if (texts.length === 0) return;
  const timer = setInterval(() => {
    if (forwarder.dropped("truncated") === 0) return;
    clearInterval(timer);
    for (const text of texts) say(text);
  }, LOOK_MS);
  timer.unref();
}

/** Ends on a signal, on `quit`, or with the forwarder: the exit status. */
class Ending {
  readonly promise: Promise<number>;
  readonly end: (status: number) => void;

  constructor() {
    let settle: (status: number) => void = () => undefined;
    this.promise = new Promise((resolve) => {
      settle = resolve;
    });
    this.end = settle;
  }
}

/** What the control socket can be asked. */
function commands(
  config: DaemonConfig,
  forwarder: Forwarder,
  clients: Parameters<typeof showInstances>[2],
  log: Log,
  ending: Ending,
): Commands {
  const began = process.hrtime.bigint();
  const tables = new Tables(forwarder, () => clients.registered());
  const page = (read: (first: number) => object) => (words: readonly string[]) => {
    const first = firstPlace(words);
    return first === null ? null : read(first);
  };
  return {
    quit: plain(() => {
      // The answer leaves first.
      setImmediate(() => ending.end(0));
      return { pid: process.pid };
    }),
    instances: plain(() => ({ ...showInstances(config, forwarder, clients, began), logLevel: log.level })),
    flows: page((first) => tables.flows(first)),
    listeners: page((first) => tables.listeners(first)),
    loglevel: (words) => {
      const [level = "", ...rest] = words;
      return rest.length === 0 && log.setLevel(level) ? { logLevel: log.level } : null;
    },
  };
}

async function begin(config: DaemonConfig, ending: Ending, log: Log): Promise<Running> {
  const { say } = log;
  const place = placeOf(config.prefix);
  useFolder(place, isShared(config));
  const isSuccessor = hadPredecessor(place);
  const native = loadNative();
  const forwarder = new Forwarder(native, config);
  const kernel = new KernelDevice(native, config, forwarder, say);
  const instances: Instance[] = [];
  const registrar = new Registrar(native, config, forwarder, kernel, instances, say);
  const memif = new MemifServer(native, config, forwarder, kernel, instances, say);
  const clients = {
    registered: () => [...registrar.registered(), ...memif.registered()],
    ringsOf: (stack: Registered) => registrar.ringsOf(stack),
    turnedAway: () => registrar.turnedAway + memif.turnedAway,
  };
  const control = await serveControl(place.control, commands(config, forwarder, clients, log, ending));
  const mtus = new DeviceMtus(native, place);
  const claimed = [place.control];
  try {
    mtus.apply(
      config.bonds.flatMap(({ devices }) => devices),
      config.mtu,
    );
    forwarder.openNics();
    kernel.open();
    native.events((event, value) => {
      if (event === NativeEvent.readable) {
        registrar.readable(value);
        memif.readable(value);
      } else if (event === NativeEvent.link) sayLinks(forwarder, say, value);
      else if (event === NativeEvent.noted) {
        registrar.noted();
        for (let id = forwarder.nextBroken(); id !== null; id = forwarder.nextBroken()) {
          registrar.broken(id);
          memif.broken(id);
        }
      } else if (event === NativeEvent.trap) {
        const rest = "the next ltran finds all connections again";
        say(`the forwarding module failed (trap ${value}); ${rest}`, "error");
        forwarder.trapped();
        ending.end(TRAPPED);
      }
    }, config.miimon);
    forwarder.start(isSuccessor);
    if (memif.isWanted) {
      await memif.listen(place);
      claimed.push(place.memif);
    }
    await registrar.listen(place);
    claimed.push(place.client);
    watchTruncation(forwarder, say);
  } catch (error) {
    mtus.restore();
    // To claim the next socket may have failed: it is not ours.
    leave(place, claimed);
    control.close();
    kernel.close();
    native.stop();
    throw error;
  }
  return { native, registrar, memif, control, kernel, mtus, place, claimed };
}

/** Nothing is forwarded any more when clients learn of the end: no peer is reset, the next ltran goes on. */
function finish({ native, registrar, memif, control, kernel, mtus, place, claimed }: Running): void {
  // Before another ltran can start, which would read what this one still has to restore.
  mtus.restore();
  // The socket of clients tells the next ltran that there are programs which look for it.
  const isWanted = registrar.registered().length > 0;
  leave(place, isWanted ? claimed.filter((path) => path !== place.client) : claimed);
  control.close();
  kernel.close();
  native.stop();
  registrar.close();
  memif.close();
}

/**
 * Runs ltran until a signal, `gazellectl ltran quit`, or a failure ends it. `path` is the configuration's,
 * for messages. Resolves to the exit status.
 */
export async function runLtran(config: LtranConfig, path: string): Promise<number> {
  const ending = new Ending();
  const log = new Log();
  for (const signal of SIGNALS) process.on(signal, () => ending.end(0));
  let running: Running;
  try {
    running = await begin(daemonConfig(config), ending, log);
  } catch (error) {
    log.say(error instanceof Error ? error.message : String(error), "error");
    return 1;
  }
  log.say(`ready (${path})`);
  const status = await ending.promise;
  finish(running);
  return status;
}
