/**
 * The stage of the acceptance test: a host with two links, a switch where both end, and two more hosts behind
 * it; four namespaces. The host's own kernel has no address.
 */
import { onCleanUp } from "../../scripts/lab/cleanup.js";
import { addresses, type Lab } from "../../scripts/lab/lab.js";
import {
  createNamespace,
  removeNamespace,
  removeStaleNamespaces,
  runInside,
  setSysctls,
} from "../../scripts/lab/namespaces.js";

/** The links of the host, and the switch's ends of them. */
export const links = [
  { device: "server0", switchPort: "port0" },
  { device: "server1", switchPort: "port1" },
] as const;

const clientDevice = "client0";

/** A lab for each of the two other hosts, with the same server. */
export interface Stage {
  first: Lab;
  second: Lab;
  /** Takes the switch's end of one of the host's links away, or gives it back. */
  setLink: (link: number, isUp: boolean) => void;
  remove: () => void;
}

/** Addresses of the two other hosts. */
export const peers = { first: addresses.client, second: "10.77.0.200" } as const;

/** Makes the namespaces and connects them. */
export function createStage(label: string): Stage {
  removeStaleNamespaces();
  const named = (end: string) => `gz-${process.pid}-${label}-${end}`;
  const [host, bridge, first, second] = [named("s"), named("w"), named("c"), named("d")] as const;
  const all = [host, bridge, first, second];
  const remove = onCleanUp(() => {
    for (const name of all) removeNamespace(name);
  });
  for (const name of all) createNamespace(name);
  const onSwitch = (...words: string[]) => runInside(bridge, "ip", "link", ...words);
  onSwitch("add", "name", "bridge0", "type", "bridge", "forward_delay", "0");
  onSwitch("set", "bridge0", "up");
  const connect = (name: string, device: string, port: string) => {
    onSwitch("add", "name", port, "type", "veth", "peer", "name", device, "netns", name);
    onSwitch("set", port, "master", "bridge0", "up");
    runInside(name, "ip", "link", "set", device, "up");
  };
  for (const { device, switchPort } of links) connect(host, device, switchPort);
  for (const [name, port, address] of [
    [first, "port2", peers.first],
    [second, "port3", peers.second],
  ] as const) {
    connect(name, clientDevice, port);
    runInside(name, "ip", "address", "add", `${address}/${addresses.prefixLength}`, "dev", clientDevice);
    setSysctls(name, { [`net.ipv4.neigh.${clientDevice}.retrans_time_ms`]: "50" });
  }
  const lab = (clientNamespace: string): Lab => ({
    label,
    stack: "gazelle",
    offloads: "default",
    serverNamespace: host,
    clientNamespace,
    serverInterface: links[0].device,
    clientInterface: clientDevice,
    remove,
  });
  return {
    first: lab(first),
    second: lab(second),
    setLink: (link, isUp) => onSwitch("set", links[link]?.switchPort ?? "", isUp ? "up" : "down"),
    remove,
  };
}
