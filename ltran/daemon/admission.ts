/** Who may register: the rules, without any effect. */
import { networkInterfaces } from "node:os";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import { addressText, ipv4Number, isHostOf, macText } from "./addresses.js";
import { bondByMac, type DaemonConfig, firstMac } from "./config.js";
import type { Register } from "./message.js";
import { refusals } from "./refusal.js";

/** Most stacks of one process. */
const STACKS_MOST = 32;
const PAGE = 4096;
/** Most bytes that one client may have mapped. */
const REGION_MOST = 64 << 20;

/** Who is at the other end of a connection, as the kernel says. */
export interface Peer {
  pid: number;
  uid: number;
  gid: number;
}

/** A process that is registered: what others must not take from it. */
export interface Instance {
  key: bigint;
  peer: Peer;
  /** Its address, and that as a number if it is of IPv4. */
  address: string;
  ipv4: number | null;
  mac: bigint;
  vlan: number;
  stackCount: number;
  name: string;
  /** The indexes of its stacks that are registered. */
  stacks: Set<number>;
}

function includes(ranges: DaemonConfig["allowUids"], id: number): boolean {
  return ranges.some(({ first, last }) => id >= first && id <= last);
}

/** Whether a user may register at all. @throws Refusal when not. */
export function checkPeer(peer: Peer, config: DaemonConfig, ownUid: number): void {
  const { uid, gid } = peer;
  if (uid === 0 || uid === ownUid) return;
  if (includes(config.allowUids, uid) || includes(config.allowGids, gid)) return;
  throw refusals.credentials(uid, gid);
}

/** Whether a stack may have its address at all, whoever it is. @throws Refusal when not. */
function checkAddress({ address, ipv4 }: Register, config: DaemonConfig): void {
  if (ipv4 !== null) {
    checkIpv4(ipv4, addressText(address), config);
    return;
  }
  if (config.subnet6 === null) throw refusals.noIpv6(addressText(address));
  if (!isHostOf(address, config.subnet6)) throw refusals.subnet(addressText(address), config.subnet6);
}

function checkIpv4(ipv4: number, text: string, config: DaemonConfig): void {
  const hosts = 2 ** config.subnetHostBits;
  const network = ipv4Number(config.subnet);
  const host = ipv4 - network;
  // A network of two addresses has neither a broadcast address nor one of its own (RFC 3021).
  const isHost = hosts === 2 ? host === 0 || host === 1 : host > 0 && host < hosts - 1;
  if (!isHost) throw refusals.subnet(text, `${config.subnet}/${32 - config.subnetHostBits}`);
}

/** With address_uids, an address is for the users that it names there, and for root. */
function checkOwner(address: string, { uid }: Peer, { addressUids }: DaemonConfig): void {
  if (addressUids.length === 0 || uid === 0) return;
  const owners = addressUids.filter((entry) => entry.address === address).map(({ uids }) => uids);
  if (!includes(owners, uid)) throw refusals.userAddress(address, uid);
}

/** Where the kernel has an address that it does not have from us, or null. */
function kernelOwner(address: string, config: DaemonConfig): string | null {
  const owner = Object.entries(networkInterfaces()).find(
    ([name, list]) => name !== config.kernelDevice && list?.some((entry) => entry.address === address),
  );
  return owner?.[0] ?? null;
}

/** Whether rings and buffers can be where they are said to be. @throws Refusal when not. */
export function checkGeometry({ slots, bufferSize, regionSize }: Register): void {
  const isPower = slots >= 2 && (slots & (slots - 1)) === 0;
  // The rings and their buffers fit; the module looks at the rest.
  const isSound = isPower && slots <= dispatch.VPORT_SLOTS_MAX && 2 * slots * bufferSize < regionSize;
  if (!isSound || regionSize % PAGE !== 0 || regionSize > REGION_MOST) throw refusals.geometry();
}

function checkNeighbours(wanted: Register, own: string, peer: Peer, instances: readonly Instance[]): void {
  const others = instances.filter(
    ({ address, mac, vlan }) => address === own && mac === wanted.mac && vlan === wanted.vlan,
  );
  // Whoever shares an address gets a part of its connections.
  if (others.some((other) => other.peer.uid !== peer.uid)) throw refusals.foreignAddress(own);
  const { stackIndex, stackCount } = wanted;
  if (stackCount < 1 || stackCount > STACKS_MOST || stackIndex >= stackCount) {
    throw refusals.stack(stackIndex, stackCount);
  }
}

function findInstance(wanted: Register, address: string, peer: Peer, instances: readonly Instance[]) {
  const same = instances.find(({ key, peer: { pid } }) => key === wanted.processKey && pid === peer.pid);
  if (same === undefined) return null;
  const { stackIndex, stackCount } = wanted;
  const isSame = same.address === address && same.mac === wanted.mac && same.vlan === wanted.vlan;
  const fits = isSame && same.stackCount === stackCount;
  if (!fits || same.stacks.has(stackIndex)) throw refusals.stack(stackIndex, stackCount);
  return same;
}

/** A registration without a hardware address takes the first bond's. */
export function withMac(wanted: Register, config: DaemonConfig): Register {
  return wanted.mac === 0n ? { ...wanted, mac: firstMac(config) } : wanted;
}

/**
 * The instance that a stack belongs to: one of those that are registered, or a new one (not yet among them).
 * @throws Refusal when the stack may not register.
 */
export function admit(
  wanted: Register,
  peer: Peer,
  config: DaemonConfig,
  instances: readonly Instance[],
): Instance {
  if (bondByMac(config, wanted.mac) < 0) {
    throw refusals.mac(macText(wanted.mac), config.bonds.map(({ mac }) => mac).join(", "));
  }
  checkAddress(wanted, config);
  const address = addressText(wanted.address);
  if (wanted.vlan !== 0 && !includes(config.allowVlans, wanted.vlan)) throw refusals.vlan(wanted.vlan);
  checkOwner(address, peer, config);
  checkNeighbours(wanted, address, peer, instances);
  const known = findInstance(wanted, address, peer, instances);
  if (known !== null) return known;
  const owner = kernelOwner(address, config);
  if (owner !== null) throw refusals.kernelAddress(address, owner);
  if (instances.length >= config.maxClients) throw refusals.clients(config.maxClients);
  const { processKey: key, ipv4, mac, vlan, stackCount, name } = wanted;
  return { key, peer, address, ipv4, mac, vlan, stackCount, name, stacks: new Set() };
}
