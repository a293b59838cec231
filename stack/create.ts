import { BUILD_HASH } from "../build/generated/build-hash";
import { Reassembly } from "./ip/reassembly";
import { LOOP_FRAME_SIZE } from "./link/loop";
import { Neighbour } from "./link/neighbours";
import { Buffer } from "./memory/buffer";
import { Call, call } from "./memory/call";
import { BUFFER_SIZE, CALL, REGION_MAGIC, REGION_SIZE_MIN, ROOT } from "./memory/map";
import { PoolId, poolLayOut } from "./memory/pool";
import { PORTS_END } from "./memory/port";
import { Root, root } from "./memory/root";
import { aligned, powerOfTwoAtLeast, tableLayOut } from "./memory/tables";
import { mix } from "./random/random";
import { Socket } from "./socket/socket";
import { Interest, WaitSet } from "./socket/waitset";
import { Tcb } from "./tcp/tcb";
import { wheelReset } from "./timer/wheel";

/**
 * Bytes of region that are meant to serve one connection, its buffers included: this decides how many fit.
 */
const BYTES_PER_CONNECTION: u32 = 8192;
const CONNECTIONS_MAX: u32 = 1 << 19;
const REASSEMBLED_SIZE: u32 = 65536 + 4096;

/** Draws every key and the generator's state from the 32 bytes in the call area, and forgets those. */
function takeSeed(): void {
  const r = root();
  const c = call();
  r.random0 = mix(c.seed0) | 1;
  r.random1 = mix(c.seed1 ^ 1);
  r.isnKey0 = mix(c.seed2);
  r.isnKey1 = mix(c.seed3);
  r.portKey0 = mix(c.seed2 ^ 0x706f7274);
  r.portKey1 = mix(c.seed3 ^ 0x706f7274);
  r.cookieKey0 = mix(c.seed2 ^ 0x636f6f6b);
  r.cookieKey1 = mix(c.seed3 ^ 0x636f6f6b);
  r.tableKey = mix(c.seed0 ^ c.seed1 ^ 0x68617368);
  memory.fill(CALL, 0, offsetof<Call>());
}

function layOutTables(connections: u32): usize {
  const r = root();
  let at = aligned(PORTS_END);
  const buckets = powerOfTwoAtLeast(connections);
  r.connections = at;
  r.connectionMask = buckets - 1;
  at = tableLayOut(at, buckets);
  r.listenerMask = 1023;
  r.listeners = at;
  at = tableLayOut(at, 1024);
  r.datagramMask = 1023;
  r.datagrams = at;
  at = tableLayOut(at, 1024);
  r.bindMask = 4095;
  r.binds = at;
  at = tableLayOut(at, 4096);
  r.neighbourMask = 1023;
  r.neighbours = at;
  at = tableLayOut(at, 1024);
  r.reassembled = at;
  at += REASSEMBLED_SIZE;
  r.loopFrame = at;
  r.injected = at + LOOP_FRAME_SIZE;
  return r.injected + REASSEMBLED_SIZE;
}

/**
 * Lays a new region of `size` bytes out (the shell gives it zeroed), at time `now` in microseconds, with 32
 * bytes of entropy in the call area. Answers 0, or -1 when the region is too small.
 */
export function regionCreate(size: u32, now: u64): i32 {
  if (size < REGION_SIZE_MIN) return -1;
  memory.fill(ROOT, 0, offsetof<Root>());
  const r = root();
  r.magic = REGION_MAGIC;
  r.buildHash = BUILD_HASH;
  r.size = size;
  r.now = now;
  takeSeed();
  wheelReset(now);

  const connections = min(size / BYTES_PER_CONNECTION, CONNECTIONS_MAX);
  let at = layOutTables(connections);
  at = aligned(poolLayOut(PoolId.socket, at, offsetof<Socket>(), connections + connections / 8));
  at = aligned(poolLayOut(PoolId.tcb, at, offsetof<Tcb>(), connections + connections / 4));
  at = aligned(poolLayOut(PoolId.interest, at, offsetof<Interest>(), connections * 2));
  at = aligned(poolLayOut(PoolId.waitSet, at, offsetof<WaitSet>(), connections / 8 + 64));
  at = aligned(poolLayOut(PoolId.neighbour, at, offsetof<Neighbour>(), min(connections, 4096)));
  at = aligned(poolLayOut(PoolId.reassembly, at, offsetof<Reassembly>(), min(connections / 4, 1024)));
  // One buffer's worth is left over so that the aligned data area surely fits.
  const buffers = (size - <u32>at - BUFFER_SIZE) / (<u32>offsetof<Buffer>() + BUFFER_SIZE);
  r.bufferData = aligned(poolLayOut(PoolId.buffer, at, offsetof<Buffer>(), buffers));
  return 0;
}

/** Takes an existing region as it is; writes nothing. Answers 0, or -1 when it is another build's or size. */
export function regionAttach(size: u32): i32 {
  const r = root();
  return r.magic == REGION_MAGIC && r.buildHash == BUILD_HASH && r.size == size ? 0 : -1;
}
