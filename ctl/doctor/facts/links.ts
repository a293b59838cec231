/** Network devices of the kernel, as `ip` and `ethtool` tell. */
import { json, output, text } from "./command.js";
import type { Direction, Link, Neighbour } from "./facts.js";
import { namespacePaths, within } from "./namespaces.js";

/** What `ip -json -details -statistics address show` says of a device. */
interface IpLink {
  ifindex: number;
  ifname: string;
  /** The other end, in this namespace: its name. */
  link?: string;
  /** The other end, in another namespace: its index there, and the namespace's number here. */
  link_index?: number;
  link_netnsid?: number;
  flags: string[];
  mtu: number;
  master?: string;
  address?: string;
  linkinfo?: { info_kind?: string };
  addr_info?: { local?: string }[];
  stats64?: Record<"rx" | "tx", Record<string, number>>;
  xdp?: { prog?: { id?: number } };
}

function direction(counts: Record<string, number> | undefined, room: string): Direction {
  return {
    packets: counts?.packets ?? 0,
    errors: counts?.errors ?? 0,
    dropped: counts?.dropped ?? 0,
    missed: counts?.[room] ?? 0,
  };
}

/** Devices of a namespace; null when they cannot be listed. */
function list(namespace: string): IpLink[] | null {
  const [command, ...args] = within(namespace, "ip", "-json", "-details", "-statistics", "address", "show");
  return json<IpLink[]>(command, ...args);
}

function offloadsOf(namespace: string, device: string): Map<string, boolean> {
  const [command, ...args] = within(namespace, "ethtool", "-k", device);
  const lines = (output(command, ...args) ?? "").matchAll(/^([\w-]+): (on|off)/gm);
  return new Map([...lines].map((match) => [match[1] ?? "", match[2] === "on"]));
}

function neighbour(link: IpLink, namespace: string): Neighbour {
  return { name: link.ifname, namespace, mtu: link.mtu, isUp: link.flags.includes("UP") };
}

function portsOf(bridge: string, among: readonly IpLink[], namespace: string): Neighbour[] {
  return among.filter(({ master }) => master === bridge).map((link) => neighbour(link, namespace));
}

function toLink(link: IpLink): Link {
  const numaNode = text(`/sys/class/net/${link.ifname}/device/numa_node`).trim();
  return {
    name: link.ifname,
    index: link.ifindex,
    mac: link.address ?? "",
    mtu: link.mtu,
    isUp: link.flags.includes("UP"),
    hasCarrier: link.flags.includes("LOWER_UP"),
    kind: link.linkinfo?.info_kind ?? "",
    addresses: (link.addr_info ?? []).flatMap(({ local }) => (local === undefined ? [] : [local])),
    received: direction(link.stats64?.rx, "missed_errors"),
    sent: direction(link.stats64?.tx, "carrier_errors"),
    xdpProgram: link.xdp?.prog?.id ?? 0,
    numaNode: numaNode === "" ? -1 : Number(numaNode),
    offloads: new Map(),
    peer: null,
    bridged: [],
  };
}

/** Where the other end of a veth is: its devices, its namespace, and which of them it is. */
interface Other {
  link: IpLink;
  all: IpLink[];
  namespace: string;
}

function otherEnd(link: IpLink, here: IpLink[], paths: ReadonlyMap<number, string>): Other | null {
  if (link.linkinfo?.info_kind !== "veth") return null;
  const found = (among: IpLink[], namespace: string, isIt: (other: IpLink) => boolean) => {
    const other = among.find(isIt);
    return other === undefined ? null : { link: other, all: among, namespace };
  };
  if (link.link !== undefined) return found(here, "", ({ ifname }) => ifname === link.link);
  const namespace = paths.get(link.link_netnsid ?? -1);
  const among = namespace === undefined ? null : list(namespace);
  if (namespace === undefined || among === null) return null;
  return found(among, namespace, ({ ifindex }) => ifindex === link.link_index);
}

/** Looks closer at a device that is used: its offloads, its other end, its bridge. */
function examine(link: Link, raw: IpLink, here: IpLink[], paths: ReadonlyMap<number, string>): Link {
  const other = otherEnd(raw, here, paths);
  const master = other?.link.master;
  const bridged = link.kind === "bridge" ? portsOf(link.name, here, "") : [];
  const behind =
    other === null || master === undefined ? [] : portsOf(master, other.all, other.namespace).slice(0, 32);
  return {
    ...link,
    offloads: offloadsOf("", link.name),
    peer:
      other === null
        ? null
        : {
            ...neighbour(other.link, other.namespace),
            offloads: offloadsOf(other.namespace, other.link.ifname),
          },
    bridged: [...bridged, ...behind],
  };
}

/** Lists the devices and looks closer at those that `isUsed` picks. */
export function readLinks(isUsed: (link: Link) => boolean, unseen: string[]): Link[] {
  const here = list("");
  if (here === null) {
    unseen.push("network devices (`ip` is missing or failed)");
    return [];
  }
  if (output("ethtool", "--version") === null) unseen.push("offloads of devices (`ethtool` is missing)");
  const isVeth = ({ linkinfo, link }: IpLink) => linkinfo?.info_kind === "veth" && link === undefined;
  const used = here.filter((raw) => isUsed(toLink(raw)));
  const paths = used.some(isVeth) ? namespacePaths() : new Map<number, string>();
  return here.map((raw) => {
    const link = toLink(raw);
    return used.includes(raw) ? examine(link, raw, here, paths) : link;
  });
}
