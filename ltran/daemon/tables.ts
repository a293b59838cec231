/** Pages of the forwarder's tables, for `gazellectl ltran show -t`: a million flows are not read at once. */
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import * as layout from "../../build/generated/node/layout.js";
import { ENUMS } from "../../build/generated/node/structs.js";
import { addressText } from "../../ctl/gazellectl/address-text.js";
import { readObject, type StructName, type View } from "../../ctl/struct.js";
import type { Forwarder } from "./forwarder.js";
import type { Registered } from "./registrar.js";

/** Places of a pool that are looked at for one answer: so long the forwarding thread may have to wait. */
const PLACES_MOST = 512;
/** Highest place that can be asked for. */
const FIRST_MOST = 2 ** 31;

interface Page<Name extends StructName> {
  objects: View<Name>[];
  /** Places looked at, from the first that was asked for. */
  looked: number;
  /** Places that were ever used, and objects that are in use. */
  places: number;
  used: number;
}

function readPage<Name extends StructName>(
  forwarder: Forwarder,
  pool: number,
  name: Name,
  first: number,
): Page<Name> {
  const header = forwarder.read(dispatch.POOLS + pool * layout.POOL_SIZE, layout.POOL_SIZE);
  const [base, stride, places, used] = [
    header.readUInt32LE(layout.POOL_BASE),
    header.readUInt32LE(layout.POOL_STRIDE),
    header.readUInt32LE(layout.POOL_TOUCHED),
    header.readUInt32LE(layout.POOL_USED),
  ];
  const looked = Math.max(0, Math.min(PLACES_MOST, places - first));
  if (looked === 0) return { objects: [], looked, places, used };
  const block = forwarder.read(base + first * stride, looked * stride);
  const objects = Array.from({ length: looked }, (_, i) => readObject(name, block, i * stride));
  return { objects, looked, places, used };
}

/** Whose a vport is. */
interface Owner {
  pid: number;
  stack: number;
}

/** Reads the tables; who owns what is the registrars' to say. */
export class Tables {
  readonly #forwarder: Forwarder;
  readonly #registered: () => readonly Registered[];

  constructor(forwarder: Forwarder, registered: () => readonly Registered[]) {
    this.#forwarder = forwarder;
    this.#registered = registered;
  }

  #owners(): (vport: number) => Owner | null {
    const all = this.#registered().map(({ vport, instance, wanted }) => {
      return [vport.id, { pid: instance.peer.pid, stack: wanted.stackIndex }] as const;
    });
    const byVport = new Map(all);
    return (vport) => byVport.get(vport) ?? null;
  }

  /** An address by its number. */
  #addresses(): (id: number) => string {
    const known = new Map<number, string>();
    return (id) => {
      const text = known.get(id) ?? this.#address(id);
      known.set(id, text);
      return text;
    };
  }

  #address(id: number): string {
    const header = this.#forwarder.read(
      dispatch.POOLS + dispatch.POOL_ADDRESS * layout.POOL_SIZE,
      layout.POOL_SIZE,
    );
    if (id >= header.readUInt32LE(layout.POOL_TOUCHED)) return "?";
    const stride = header.readUInt32LE(layout.POOL_STRIDE);
    const block = this.#forwarder.read(header.readUInt32LE(layout.POOL_BASE) + id * stride, stride);
    const { high, low } = readObject("Address", block, 0);
    return addressText(high, low);
  }

  /** Connections, and peers of datagram sockets, from place `first` on. */
  flows(first: number): object {
    const page = readPage(this.#forwarder, dispatch.POOL_FLOW, "Flow", first);
    const [owner, address] = [this.#owners(), this.#addresses()];
    const states = Object.keys(ENUMS.FlowState);
    const rows = page.objects
      .filter(({ protocol }) => protocol !== 0)
      .map((flow) => ({
        ...(owner(flow.owner) ?? { pid: null, stack: null }),
        vport: flow.owner,
        protocol: flow.protocol,
        local: address(Number(flow.link >> 48n)),
        localPort: flow.localPort,
        remote: addressText(flow.remoteHigh, flow.remoteLow),
        remotePort: flow.remotePort,
        state: states[flow.marks & dispatch.FLOW_STATE] ?? "?",
      }));
    return { first, looked: page.looked, places: page.places, used: page.used, rows };
  }

  /** Listeners, and bindings of datagram sockets, from place `first` on. */
  listeners(first: number): object {
    const page = readPage(this.#forwarder, dispatch.POOL_LISTENER, "Listener", first);
    const [owner, address] = [this.#owners(), this.#addresses()];
    const rows = page.objects
      .filter(({ protocol, holders }) => protocol !== 0 && holders > 0)
      .map((listener) => ({
        ...(owner(listener.owner) ?? { pid: null, stack: null }),
        vport: listener.owner,
        protocol: listener.protocol,
        address: address(listener.addressId),
        port: listener.port,
        backlog: listener.backlog,
        connections: listener.connections,
      }));
    return { first, looked: page.looked, places: page.places, used: page.used, rows };
  }
}

/** The only argument of these commands, or null when it is none. */
export function firstPlace(words: readonly string[]): number | null {
  const [word = "", ...rest] = words;
  if (rest.length > 0 || !/^\d{1,10}$/.test(word)) return null;
  return Number(word) < FIRST_MOST ? Number(word) : null;
}
