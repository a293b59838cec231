/**
 * One process of the hammer: a client or a server that produces and consumes frames whose lengths and
 * contents follow from their number, in random bursts. The state lies at fixed places of its own linear
 * memory.
 */
import { clientTake, clientTakePublish, clientTransmit, clientTransmitPublish } from "../../../ring/client";
import {
  RingEnd,
  ringAvailable,
  ringAwaitRoom,
  ringAwake,
  ringHasRoom,
  ringPending,
  ringRoomFound,
  ringSleep,
  ringWantsKick,
  ringWantsRoomKick,
} from "../../../ring/end";
import { regionAttach, regionLayOut, regionSize } from "../../../ring/region";
import {
  serverHold,
  serverPeek,
  serverPut,
  serverPutPublish,
  serverRelease,
  serverTake,
  serverTakePublish,
} from "../../../ring/server";
import { spanAt } from "../../../ring/span";

@unmanaged
class Process {
  isClient: u32;
  /** Frames to send and to receive, and done. */
  goal: u32;
  sent: u32;
  received: u32;
  random: u64;
  /** Number of the first frame that was not what it should be, plus 1; and what was answered for it. */
  wrong: u32;
  answer: i32;
  /** Held frames, oldest first: `heldCount` entries at HELD. */
  heldCount: u32;
  wantsRoom: u32;
  /**
   * Frames that may be sent beyond those received: then nothing but its answer wakes a side. 0: any number.
   */
  window: u32;
}

/** A peeked frame that is checked later. */
@unmanaged
class Held {
  ticket: u32;
  number: u32;
  length: u32;
  head: u32;
  spanCount: u32;
  reserved: u32;
}

const PROCESS: usize = 0x10000;
const SEND_END: usize = 0x10100;
const RECEIVE_END: usize = 0x10200;
const SPANS: usize = 0x10400;
const MARKS: usize = 0x11000;
const HELD: usize = 0x20000;
const HELD_STRIDE: usize = 512;
const HELD_MAX: u32 = 16;
const HELD_HEADS: usize = 0x30000;
const HEAD_MAX: u32 = 256;
const SEND_FRAME: usize = 0x100000;
const RECEIVE_FRAME: usize = 0x120000;
const REGION: usize = 0x200000;
const FRAME_LIMIT: u32 = 65567;
/** What a turn answers. */
const TURN_MOVED: u32 = 1;
const TURN_KICK: u32 = 2;
const TURN_DONE: u32 = 4;
const TURN_BROKEN: u32 = 8;

function process(): Process {
  return changetype<Process>(PROCESS);
}

function sendEnd(): RingEnd {
  return changetype<RingEnd>(SEND_END);
}

function receiveEnd(): RingEnd {
  return changetype<RingEnd>(RECEIVE_END);
}

function held(index: u32): Held {
  return changetype<Held>(HELD + <usize>index * HELD_STRIDE);
}

function heldSpans(entry: Held): usize {
  return changetype<usize>(entry) + offsetof<Held>();
}

/** A number that follows from another (splitmix64). */
function mix(value: u64): u64 {
  let z = value + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

function random(limit: u32): u32 {
  const p = process();
  p.random = mix(p.random);
  return <u32>((p.random >> 32) % <u64>limit);
}

/** Mostly small frames, some that need several slots, few of the largest. */
function lengthOf(number: u32): u32 {
  const value = mix(<u64>number);
  const kind = <u32>(value & 1023);
  const range: u32 = kind < 700 ? 128 : kind < 960 ? 2100 : kind < 1022 ? 9000 : FRAME_LIMIT;
  return 1 + <u32>((value >> 32) % <u64>range);
}

/** The word of a frame's contents that starts at byte `at`. */
function wordOf(seed: u64, at: u32): u64 {
  return (seed + <u64>at) * 0x9e3779b97f4a7c15;
}

function contentSeed(number: u32, fromClient: bool): u64 {
  return mix(((<u64>number) << 1) | (fromClient ? 1 : 0));
}

function fill(to: usize, length: u32, seed: u64): void {
  for (let at: u32 = 0; at < length; at += 8) store<u64>(to + <usize>at, wordOf(seed, at));
}

/** Whether `length` bytes at `from` are those of a frame from byte `at` on. */
function isRight(from: usize, length: u32, seed: u64, at: u32): bool {
  let i: u32 = 0;
  if ((at & 7) == 0) {
    for (; i + 8 <= length; i += 8) if (load<u64>(from + <usize>i) != wordOf(seed, at + i)) return false;
  }
  for (; i < length; i++) {
    const place = at + i;
    if (load<u8>(from + <usize>i) != <u8>(wordOf(seed, place & ~7) >> (8 * <u64>(place & 7)))) return false;
  }
  return true;
}

/** The region's size, for the shell to make. */
export function regionBytes(slots: u32, bufferSize: u32): u32 {
  return regionSize(slots, bufferSize);
}

/** Where the shell maps it. */
export function regionPlace(): u32 {
  return <u32>REGION;
}

/** Begins as client, which lays out the region, or as server. */
export function start(isClient: u32, goal: u32, seed: u64, slots: u32, bufferSize: u32, window: u32): u32 {
  const p = process();
  memory.fill(PROCESS, 0, offsetof<Process>());
  p.isClient = isClient;
  p.goal = goal;
  p.window = window;
  p.random = mix(seed + <u64>isClient);
  const size = regionSize(slots, bufferSize);
  const good =
    isClient != 0
      ? regionLayOut(REGION, slots, bufferSize, sendEnd(), receiveEnd())
      : regionAttach(REGION, size, slots, bufferSize, receiveEnd(), sendEnd(), MARKS);
  return good ? 1 : 0;
}

/** Cuts the frame that lies at SEND_FRAME into one to four spans. */
function cut(length: u32): u32 {
  let count: u32 = 0;
  let at: u32 = 0;
  while (at < length) {
    const rest = length - at;
    const part = count == 3 ? rest : 1 + random(rest);
    const span = spanAt(SPANS, count);
    span.address = <u32>SEND_FRAME + at;
    span.length = part;
    at += part;
    count += 1;
  }
  return count;
}

/** Whether another frame may be sent. */
function maySend(): bool {
  const p = process();
  return p.sent < p.goal && (p.window == 0 || p.sent < p.received + p.window);
}

/** Sends up to `burst` frames; answers how many. */
function produce(burst: u32): u32 {
  const p = process();
  let done: u32 = 0;
  while (done < burst && maySend()) {
    const length = lengthOf(p.sent);
    fill(SEND_FRAME, length, contentSeed(p.sent, p.isClient != 0));
    const count = cut(length);
    const went =
      p.isClient != 0 ? clientTransmit(sendEnd(), SPANS, count) : serverPut(sendEnd(), SPANS, count) == 1;
    if (!went) {
      p.wantsRoom = 1;
      break;
    }
    p.sent += 1;
    done += 1;
  }
  return done;
}

/** Checks a held frame and lets go of it. */
function settle(index: u32): void {
  const p = process();
  const entry = held(index);
  const seed = contentSeed(entry.number, true);
  let at = min<u32>(entry.head, entry.length);
  if (!isRight(HELD_HEADS + <usize>(index * HEAD_MAX), at, seed, 0)) p.wrong = entry.number + 1;
  for (let i: u32 = 0; i < entry.spanCount; i++) {
    const span = spanAt(heldSpans(entry), i);
    if (!isRight(<usize>span.address, span.length, seed, at)) p.wrong = entry.number + 1;
    at += span.length;
  }
  if (at != entry.length) p.wrong = entry.number + 1;
  serverRelease(receiveEnd(), entry.ticket);
  p.heldCount -= 1;
  // The last one takes its place: frames are released in any order.
  if (index == p.heldCount) return;
  memory.copy(changetype<usize>(entry), changetype<usize>(held(p.heldCount)), HELD_STRIDE);
  memory.copy(HELD_HEADS + <usize>(index * HEAD_MAX), HELD_HEADS + <usize>(p.heldCount * HEAD_MAX), HEAD_MAX);
}

/** Takes a frame and holds it. */
function peek(): i32 {
  const p = process();
  if (p.heldCount == HELD_MAX) settle(random(HELD_MAX));
  const entry = held(p.heldCount);
  entry.head = random(HEAD_MAX + 1);
  const length = serverPeek(
    receiveEnd(),
    HELD_HEADS + <usize>(p.heldCount * HEAD_MAX),
    entry.head,
    heldSpans(entry),
  );
  if (length <= 0) return length;
  entry.length = <u32>length;
  entry.number = p.received;
  entry.spanCount = receiveEnd().spanCount;
  entry.ticket = serverHold(receiveEnd());
  p.heldCount += 1;
  return length;
}

/** Takes up to `burst` frames and checks them; answers how many. */
function consume(burst: u32): u32 {
  const p = process();
  let done: u32 = 0;
  while (done < burst && p.received < p.goal) {
    const holds = p.isClient == 0 && random(4) == 0;
    let length: i32 = 0;
    if (holds) length = peek();
    else if (p.isClient != 0) length = clientTake(receiveEnd(), RECEIVE_FRAME, FRAME_LIMIT);
    else length = serverTake(receiveEnd(), RECEIVE_FRAME, FRAME_LIMIT);
    if (length == 0) break;
    const seed = contentSeed(p.received, p.isClient == 0);
    const isGood =
      <u32>length == lengthOf(p.received) && (holds || isRight(RECEIVE_FRAME, <u32>length, seed, 0));
    if (!isGood) {
      p.wrong = p.received + 1;
      p.answer = length;
      break;
    }
    p.received += 1;
    done += 1;
  }
  return done;
}

/** Publishes what was sent and taken; TURN_KICK when the other end is to be woken for it. */
function publish(sent: u32): u32 {
  const p = process();
  if (p.isClient != 0) {
    clientTransmitPublish(sendEnd());
    clientTakePublish(receiveEnd());
  } else {
    serverPutPublish(sendEnd());
    serverTakePublish(receiveEnd());
  }
  const forFrames = sent != 0 && ringWantsKick(sendEnd());
  return forFrames || ringWantsRoomKick(receiveEnd()) ? TURN_KICK : 0;
}

/** One turn: a random burst each way. */
export function turn(): u32 {
  const p = process();
  const sent = produce(random(40));
  const taken = consume(random(40));
  while (p.heldCount > 0 && random(3) == 0) settle(random(p.heldCount));
  let result = publish(sent);
  if (sent + taken != 0) result |= TURN_MOVED;
  if (p.wrong != 0 || sendEnd().broken != 0 || receiveEnd().broken != 0) result |= TURN_BROKEN;
  if (p.sent == p.goal && p.received == p.goal && p.heldCount == 0) result |= TURN_DONE;
  return result;
}

/** Before sleeping. 1: not now, there is something to do; 2: kick the other end, then ask again. */
export function sleep(): u32 {
  const p = process();
  // Held frames keep slots that the client may be waiting for.
  while (p.heldCount > 0) settle(random(p.heldCount));
  if (publish(0) != 0) return 2;
  ringSleep(receiveEnd());
  if (p.wantsRoom != 0) ringAwaitRoom(sendEnd());
  const canSend = maySend() && (p.wantsRoom == 0 || ringHasRoom(sendEnd(), 34));
  const canTake = p.received < p.goal && ringPending(receiveEnd());
  // Nobody kicks one who has done everything.
  const isDone = p.sent == p.goal && p.received == p.goal;
  return canSend || canTake || isDone ? 1 : 0;
}

/** After sleep(), whatever it answered. */
export function awake(): void {
  ringAwake(receiveEnd());
  if (process().wantsRoom != 0) ringRoomFound(sendEnd());
  process().wantsRoom = 0;
}

/** Number of the first wrong frame plus 1, or 0. */
export function wrong(): u32 {
  return process().wrong;
}

export function sentCount(): u32 {
  return process().sent;
}

export function receivedCount(): u32 {
  return process().received;
}

/** Frames that broke a rule, both ends. */
export function faults(): u64 {
  return sendEnd().faults + receiveEnd().faults;
}

function transmit(length: u32): bool {
  const span = spanAt(SPANS, 0);
  span.address = <u32>SEND_FRAME;
  span.length = length;
  if (process().isClient != 0) return clientTransmit(sendEnd(), SPANS, 1);
  return serverPut(sendEnd(), SPANS, 1) == 1;
}

function take(): i32 {
  if (process().isClient != 0) return clientTake(receiveEnd(), RECEIVE_FRAME, FRAME_LIMIT);
  return serverTake(receiveEnd(), RECEIVE_FRAME, FRAME_LIMIT);
}

/** Benchmark: sends up to `burst` frames of `length` bytes and publishes them. */
export function pour(length: u32, burst: u32, kicks: u32): u32 {
  let done: u32 = 0;
  while (done < burst && transmit(length)) done += 1;
  if (done == 0) return 0;
  if (process().isClient != 0) clientTransmitPublish(sendEnd());
  else serverPutPublish(sendEnd());
  if (kicks != 0 && ringWantsKick(sendEnd())) process().wrong = 1;
  return done;
}

/** Benchmark: takes up to `burst` frames and gives their slots back. */
export function drain(burst: u32): u32 {
  if (ringAvailable(receiveEnd()) == 0) return 0;
  let done: u32 = 0;
  while (done < burst && take() > 0) done += 1;
  if (process().isClient != 0) clientTakePublish(receiveEnd());
  else serverTakePublish(receiveEnd());
  return done;
}
