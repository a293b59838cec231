/**
 * A lab: two network namespaces joined by a veth pair, a server's and a client's.
 *
 * The client's end always has its address in the kernel. The server's end has one only when the kernel
 * serves; when Gazelle serves, its address is known to `lstack.conf` alone.
 */
import { onCleanUp } from "./cleanup.js";
import {
  createNamespace,
  removeNamespace,
  removeStaleNamespaces,
  runInside,
  setSysctls,
} from "./namespaces.js";
import type { InterfaceCounters, SnmpCounters } from "./network-counters.js";
import { parseInterfaceCounters, parseSnmp } from "./network-counters.js";

/** Which TCP/IP stack serves. */
export type StackKind = "kernel" | "gazelle";

/** `default`: veth as the kernel makes it. `equal`: no checksum and segmentation offload, at both ends. */
type Offloads = "default" | "equal";

/** What differs between labs. */
export interface LabOptions {
  /** Distinguishes the labs of one process; becomes part of the namespaces' names. */
  label: string;
  stack: StackKind;
  offloads: Offloads;
  /** Queues of both ends, each way; what the kernel makes unless told otherwise. */
  queues?: number;
}

/** Addresses are the same in every lab: namespaces keep them apart. */
export const addresses = {
  server: "10.77.0.1",
  client: "10.77.0.2",
  mask: "255.255.255.0",
  prefixLength: 24,
  serverMac: "02:67:7a:00:00:01",
  clientMac: "02:67:7a:00:00:02",
} as const;

/**
 * Without these a new connection per request measures how the client runs out of ports: 28,000 connections
 * are in TIME_WAIT after a second or two.
 */
export const clientSysctls = {
  "net.ipv4.tcp_tw_reuse": "1",
  "net.ipv4.tcp_max_tw_buckets": "256",
  "net.ipv4.ip_local_port_range": "1024 65535",
} as const;

/** A server that is still starting does not answer ARP; the next try should not be a second away. */
const fastNeighbourRetry = { "net.ipv4.neigh.client0.retrans_time_ms": "50" } as const;

/** A connection of a client must not have the port that the next server is about to bind. */
const reservedPorts = { "net.ipv4.ip_local_reserved_ports": "5201,6379,8000,11111-11211" } as const;

const equalOffloads = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"];

/** A running lab. Its namespaces vanish at the end of the process or with `remove`. */
export interface Lab extends LabOptions {
  serverNamespace: string;
  clientNamespace: string;
  serverInterface: string;
  clientInterface: string;
  remove: () => void;
}

/** Makes the namespaces, the veth pair, addresses, kernel parameters and offloads of a lab. */
export function createLab(options: LabOptions): Lab {
  removeStaleNamespaces();
  const serverNamespace = `gz-${process.pid}-${options.label}-s`;
  const clientNamespace = `gz-${process.pid}-${options.label}-c`;
  const remove = onCleanUp(() => {
    removeNamespace(clientNamespace);
    removeNamespace(serverNamespace);
  });
  const lab: Lab = {
    ...options,
    serverNamespace,
    clientNamespace,
    serverInterface: "server0",
    clientInterface: "client0",
    remove,
  };
  createNamespace(serverNamespace);
  createNamespace(clientNamespace);
  connectNamespaces(lab);
  setSysctls(clientNamespace, { ...clientSysctls, ...fastNeighbourRetry, ...reservedPorts });
  if (options.offloads === "equal") {
    runInside(serverNamespace, "ethtool", "-K", lab.serverInterface, ...equalOffloads);
    runInside(clientNamespace, "ethtool", "-K", lab.clientInterface, ...equalOffloads);
  }
  return lab;
}

function connectNamespaces(lab: Lab): void {
  const { serverNamespace, clientNamespace, serverInterface, clientInterface } = lab;
  const count = String(lab.queues);
  const queues = lab.queues === undefined ? [] : ["numtxqueues", count, "numrxqueues", count];
  const serverEnd = ["name", serverInterface, "address", addresses.serverMac, ...queues];
  const place = ["netns", clientNamespace];
  const clientEnd = ["name", clientInterface, "address", addresses.clientMac, ...queues, ...place];
  runInside(serverNamespace, "ip", "link", "add", ...serverEnd, "type", "veth", "peer", ...clientEnd);
  addAddress(clientNamespace, clientInterface, addresses.client);
  if (lab.stack === "kernel") {
    addAddress(serverNamespace, serverInterface, addresses.server);
  }
  runInside(serverNamespace, "ip", "link", "set", serverInterface, "up");
  runInside(clientNamespace, "ip", "link", "set", clientInterface, "up");
}

function addAddress(namespace: string, device: string, address: string): void {
  runInside(namespace, "ip", "address", "add", `${address}/${addresses.prefixLength}`, "dev", device);
}

/** Moves a device from the server's namespace to the client's and gives it the client's addresses. */
export function moveClientAddress(lab: Lab, device: string): void {
  const { serverNamespace, clientNamespace } = lab;
  runInside(serverNamespace, "ip", "link", "set", device, "netns", clientNamespace);
  runInside(clientNamespace, "ip", "address", "flush", "dev", lab.clientInterface);
  runInside(clientNamespace, "ip", "link", "set", lab.clientInterface, "down");
  runInside(clientNamespace, "ip", "link", "set", device, "address", addresses.clientMac);
  addAddress(clientNamespace, device, addresses.client);
  runInside(clientNamespace, "ip", "link", "set", device, "up");
  setSysctls(clientNamespace, { [`net.ipv4.neigh.${device}.retrans_time_ms`]: "50" });
  lab.clientInterface = device;
}

/** The addresses the kernel holds on an interface, IPv4 and IPv6. */
export function kernelAddresses(namespace: string, device: string): string[] {
  const answer = runInside(namespace, "ip", "-json", "address", "show", "dev", device).toString();
  const links = JSON.parse(answer) as { addr_info: { local: string }[] }[];
  return links.flatMap((link) => link.addr_info.map((entry) => entry.local));
}

/** /proc/net/snmp of a namespace. */
export function snmpCounters(namespace: string): SnmpCounters {
  return parseSnmp(runInside(namespace, "cat", "/proc/net/snmp").toString());
}

/** Bytes and frames of one interface of a namespace. */
export function interfaceCounters(namespace: string, device: string): InterfaceCounters {
  const answer = runInside(namespace, "ip", "-json", "-stats", "link", "show", "dev", device);
  return parseInterfaceCounters(answer.toString());
}
