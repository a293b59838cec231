import { CALL_OPTION } from "../memory/call";
import { HASH_KEY } from "../memory/map";
import { root } from "../memory/root";
import { sipHash } from "../random/siphash";
import { isIpv4 } from "../wire/address";
import { toeplitz } from "./toeplitz";

/**
 * Receive-side scaling: the device hashes addresses and ports of what it receives with a key of ours, and
 * the last bits of the hash choose an entry of its table (RETA), which names the queue: entry i that of stack
 * i modulo their number. A stack that chooses a port so knows where the answers will arrive.
 */

/** For IPv6 with ports 40 bytes are needed; some devices want 52. */
const HASH_KEY_SIZE: u32 = 52;
/** Key and eight bytes to read behind its end. */
const HASH_KEY_ROOM: u32 = 64;

/** Eight bytes of a key. */
@unmanaged
class KeyPart {
  value: u64;
}

/**
 * Draws a key for the process' stacks and writes it to CALL_OPTION; answers its length in bytes. Unlike the
 * well known ones it does not let a peer find out which of its ports lead to one queue, and does not hash
 * both directions alike.
 */
export function hashKeyDraw(): u32 {
  const r = root();
  for (let at: u32 = 0; at < HASH_KEY_ROOM; at += 8) {
    const part = changetype<KeyPart>(CALL_OPTION + at);
    part.value = sipHash(r.portKey0, r.portKey1, HASH_KEY, at, 0, 0, 0);
  }
  return HASH_KEY_SIZE;
}

/** The device spreads by the key at CALL_OPTION and a table of `entries`, a power of two. */
export function hashKeyTake(entries: u32): void {
  memory.copy(HASH_KEY, CALL_OPTION, HASH_KEY_ROOM);
  root().hashEntries = entries;
}

/** What all but the local port adds to the hash of a packet from a remote endpoint. */
export function answerHash(
  localHigh: u64,
  localLow: u64,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
): u32 {
  if (root().hashEntries == 0) return 0;
  const local = bswap<u64>(localLow);
  const remote = bswap<u64>(remoteLow);
  if (isIpv4(localHigh, localLow)) {
    const addresses = toeplitz(HASH_KEY, 0, remote, 32) ^ toeplitz(HASH_KEY, 32, local, 32);
    return addresses ^ toeplitz(HASH_KEY, 64, remotePort, 16);
  }
  const from = toeplitz(HASH_KEY, 0, bswap<u64>(remoteHigh), 64) ^ toeplitz(HASH_KEY, 64, remote, 64);
  const to = toeplitz(HASH_KEY, 128, bswap<u64>(localHigh), 64) ^ toeplitz(HASH_KEY, 192, local, 64);
  return from ^ to ^ toeplitz(HASH_KEY, 256, remotePort, 16);
}

/**
 * Whether answers to a local port arrive in this stack's queue, as far as it is known; `rest` is
 * answerHash().
 */
export function comesHome(isIpv4Packet: bool, rest: u32, port: u16): bool {
  const r = root();
  if (r.hashEntries == 0) return true;
  const hash = rest ^ toeplitz(HASH_KEY, isIpv4Packet ? 80 : 272, port, 16);
  return (hash & (r.hashEntries - 1)) % r.stackCount == r.stackIndex;
}
