import { Call, call } from "../../stack/memory/call";
import { PORTS_MAX } from "../../stack/memory/map";
import { poolBegin } from "../../stack/memory/pool";
import { Port, port } from "../../stack/memory/port";
import { aligned, powerOfTwoAtLeast, tableLayOut } from "../../stack/memory/tables";
import { mix } from "../../stack/random/random";
import { BondMode } from "./bond/member";
import { bondJoin, bondMake } from "./bond/mode";
import { CALL, DISPATCH_SIZE_MIN, ROOT, TABLES, VPORTS_MAX } from "./memory/map";
import { PoolOf, poolOf } from "./memory/pools";
import { Root, root } from "./memory/root";
import { Address } from "./tables/address";
import { Flow } from "./tables/flow";
import { FRAGMENT_PLACES, Fragmented } from "./tables/fragment";
import { Listener } from "./tables/listener";

/** Flows for each listener or binding that there is room for. */
const FLOWS_PER_LISTENER: u32 = 16;
const LISTENERS_LEAST: u32 = 4096;
const ADDRESS_BUCKETS: u32 = 512;
/** Bytes of a flow, with its place in the table, and its part of the listeners. */
const BYTES_PER_FLOW: u32 = 64 + 8 + 5;

/** Draws every key from the 32 bytes in the call area, and forgets those. */
function takeSeed(): void {
  const r = root();
  const c = call();
  r.tableKey = mix(c.seed0 ^ c.seed1 ^ 0x68617368);
  r.choiceKey0 = mix(c.seed2);
  r.choiceKey1 = mix(c.seed3);
  memory.fill(CALL, 0, offsetof<Call>());
}

/**
 * Lays a new region of `size` bytes out (given zeroed), at time `now` in microseconds, with 32 bytes of
 * entropy in the call area. Answers 0, or -1 when the region is too small.
 */
export function regionCreate(size: u32, now: u64): i32 {
  if (size < DISPATCH_SIZE_MIN) return -1;
  assert(offsetof<Flow>() == 64);
  memory.fill(ROOT, 0, offsetof<Root>());
  const r = root();
  r.size = size;
  r.now = now;
  r.bondMode = BondMode.activeBackup;
  bondMake();
  takeSeed();
  const fixed: u32 =
    VPORTS_MAX * offsetof<Address>() * 2 +
    ADDRESS_BUCKETS * 4 +
    FRAGMENT_PLACES * offsetof<Fragmented>() +
    LISTENERS_LEAST * (<u32>offsetof<Listener>() + 8) +
    4096;
  const flows = (size - <u32>TABLES - fixed) / BYTES_PER_FLOW;
  const listeners = max(LISTENERS_LEAST, flows / FLOWS_PER_LISTENER);
  let at = aligned(TABLES);
  r.flowMask = powerOfTwoAtLeast(flows) - 1;
  r.flows = at;
  at = tableLayOut(at, r.flowMask + 1);
  r.listenerMask = powerOfTwoAtLeast(listeners) - 1;
  r.listeners = at;
  at = tableLayOut(at, r.listenerMask + 1);
  r.addressMask = ADDRESS_BUCKETS - 1;
  r.addresses = at;
  at = tableLayOut(at, ADDRESS_BUCKETS);
  r.fragments = at;
  memory.fill(at, 0, FRAGMENT_PLACES * offsetof<Fragmented>());
  at = aligned(at + FRAGMENT_PLACES * offsetof<Fragmented>());
  at = aligned(poolBegin(poolOf(PoolOf.address), at, offsetof<Address>(), VPORTS_MAX));
  at = aligned(poolBegin(poolOf(PoolOf.listener), at, offsetof<Listener>(), listeners));
  at = poolBegin(poolOf(PoolOf.flow), at, offsetof<Flow>(), flows);
  assert(at <= size);
  return 0;
}

/** Adds a NIC; its number, or -1 when there are too many. */
export function nicBegin(flags: u32, mtu: u32, mac: u64, segmentationMax: u32): i32 {
  const r = root();
  if (r.nics >= PORTS_MAX || r.kernel != 0) return -1;
  const id = r.nics++;
  portBegin(id, flags, mtu, mac, segmentationMax);
  bondJoin(id);
  return <i32>id;
}

/** Lays port number `id` out. */
export function portBegin(id: u32, flags: u32, mtu: u32, mac: u64, segmentationMax: u32): void {
  const p = port(id);
  memory.fill(changetype<usize>(p), 0, offsetof<Port>());
  p.id = id;
  p.flags = flags;
  p.mtu = mtu;
  p.mac = mac;
  p.linkUp = 1;
  p.segmentationMax = segmentationMax;
}
