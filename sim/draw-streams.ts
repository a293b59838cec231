import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_SNDBUF,
  SOL_SOCKET,
  TCP_CONGESTION,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  TCP_USER_TIMEOUT,
} from "../build/generated/node/system.js";
import type { Random } from "./random.js";
import type { Closing, SocketOption, StreamPlan } from "./stream-end.js";

const USER_TIMEOUT_MS = 20_000;

/** Two plans that fit each other. */
export interface PlanPair {
  client: StreamPlan;
  server: StreamPlan;
}

/** SO_KEEPALIVE with times in seconds. */
export function keepAlive(idle: number, interval: number, count: number): SocketOption[] {
  return [
    { level: SOL_SOCKET, name: SO_KEEPALIVE, value: 1 },
    { level: IPPROTO_TCP, name: TCP_KEEPIDLE, value: idle },
    { level: IPPROTO_TCP, name: TCP_KEEPINTVL, value: interval },
    { level: IPPROTO_TCP, name: TCP_KEEPCNT, value: count },
  ];
}

/** Options that make an end notice a dead path. */
export function impatience(): SocketOption[] {
  return [...keepAlive(2, 1, 6), { level: IPPROTO_TCP, name: TCP_USER_TIMEOUT, value: USER_TIMEOUT_MS }];
}

function drawOptions(random: Random): SocketOption[] {
  const options: SocketOption[] = [];
  if (random.chance(0.5)) options.push({ level: IPPROTO_TCP, name: TCP_NODELAY, value: 1 });
  if (random.chance(0.5)) {
    const name = random.pick(["reno", "cubic"]);
    options.push({ level: IPPROTO_TCP, name: TCP_CONGESTION, value: name });
  }
  if (random.chance(0.3))
    options.push({ level: SOL_SOCKET, name: SO_RCVBUF, value: random.spread(3000, 1 << 20) });
  if (random.chance(0.3))
    options.push({ level: SOL_SOCKET, name: SO_SNDBUF, value: random.spread(5000, 1 << 20) });
  return options;
}

/** A plan that sends `send` and receives `receive` bytes, first come first served. */
function drawPlan(random: Random, send: number, receive: number, closing: Closing): StreamPlan {
  return {
    sendTotal: send,
    receiveTotal: receive,
    mayHaveSent: () => send,
    writeSize: random.spread(200, 65536),
    writePause: 0,
    readSize: random.spread(1000, 65536),
    readPause: 0,
    closing,
    abortAfter: 0,
    edgeTriggered: random.chance(0.5),
    peeks: random.chance(0.1),
    options: drawOptions(random),
  };
}

/** Bytes one way, or both ways at once. */
export function drawBulk(random: Random, size: number, bothWays: boolean): PlanPair {
  const back = bothWays ? Math.ceil(size * random.unit()) : 0;
  const fromClient = random.chance(0.5);
  const forth = fromClient ? [size, back] : [back, size];
  const [clientSends = 0, serverSends = 0] = forth;
  const closings: Closing[] = ["half", "full", "together"];
  const closing = random.pick(closings);
  const other = closing === "together" ? "together" : random.pick<Closing>(["half", "full"]);
  return {
    client: drawPlan(random, clientSends, serverSends, closing),
    server: drawPlan(random, serverSends, clientSends, other),
  };
}

/** A dialogue of requests and replies of many sizes. */
export function drawDialogue(random: Random, size: number): PlanPair {
  const rounds = random.spread(2, 80);
  const requestEnds: number[] = [];
  const replyEnds: number[] = [];
  let requests = 0;
  let replies = 0;
  for (let i = 0; i < rounds; i++) {
    requests += random.spread(1, Math.max(2, (2 * size) / rounds));
    replies += random.spread(1, Math.max(2, (4 * size) / rounds));
    requestEnds.push(requests);
    replyEnds.push(replies);
  }
  const client = drawPlan(random, requests, replies, random.pick<Closing>(["half", "full", "together"]));
  const closing = client.closing === "together" ? "together" : random.pick<Closing>(["half", "full"]);
  const server = drawPlan(random, replies, requests, closing);
  // The next request follows the whole reply; a reply follows the whole request.
  client.mayHaveSent = (received) => requestEnds[countUpTo(replyEnds, received)] ?? requests;
  server.mayHaveSent = (received) => replyEnds[countUpTo(requestEnds, received) - 1] ?? 0;
  return { client, server };
}

/** How many of the rising numbers are not above `limit`. */
function countUpTo(ends: readonly number[], limit: number): number {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Bulk to a reader that takes its time, with a small receive buffer: the window closes. */
export function drawSlowReader(random: Random, size: number): PlanPair {
  const pair = drawBulk(random, size, false);
  for (const [reader, receives] of [
    [pair.client, pair.client.receiveTotal],
    [pair.server, pair.server.receiveTotal],
  ] as const) {
    if (receives === 0) continue;
    reader.readSize = Math.max(500, Math.ceil(receives / random.between(20, 200)));
    reader.readPause = random.spread(200, 100_000);
    reader.options = [
      ...reader.options.filter((option) => option.name !== SO_RCVBUF),
      { level: SOL_SOCKET, name: SO_RCVBUF, value: random.spread(3000, 60_000) },
    ];
  }
  return pair;
}

/**
 * Bulk with large buffers to a reader that takes long pauses: several of them use up the buffers of a small
 * region.
 */
export function drawHoarder(random: Random, size: number): PlanPair {
  const pair = drawBulk(random, size, random.chance(0.3));
  const large = 1 << 20;
  for (const plan of [pair.client, pair.server]) {
    plan.options = [
      { level: SOL_SOCKET, name: SO_RCVBUF, value: large },
      { level: SOL_SOCKET, name: SO_SNDBUF, value: large },
    ];
    plan.readSize = Math.max(2000, Math.ceil(plan.receiveTotal / random.between(8, 40)));
    plan.readPause = random.spread(50_000, 500_000);
    plan.writeSize = 65536;
  }
  return pair;
}

/** A connection that one side resets in mid stream; the other must notice. */
export function drawReset(random: Random, size: number): PlanPair {
  const pair = drawBulk(random, size, true);
  pair.client.closing = "half";
  pair.server.closing = "half";
  const breaker = random.chance(0.5) ? pair.client : pair.server;
  const other = breaker === pair.client ? pair.server : pair.client;
  breaker.closing = "abort";
  // The server has accepted when bytes of either side have arrived at it, and the client speaks first.
  breaker.abortAfter = Math.max(1, random.below(Math.max(1, size >> 1)));
  if (breaker === pair.client) {
    breaker.mayHaveSent = (received) => (received > 0 ? breaker.sendTotal : Math.min(breaker.sendTotal, 1));
    breaker.abortAfter += 1;
  }
  other.options = [...other.options, ...impatience()];
  return pair;
}

/** A quiet connection that keep-alive probes hold open between its few exchanges. */
export function drawIdle(random: Random): PlanPair {
  const pair = drawDialogue(random, 2000);
  for (const plan of [pair.client, pair.server]) plan.options = [...plan.options, ...keepAlive(1, 1, 9)];
  pair.client.writeSize = Math.max(1, Math.ceil(pair.client.sendTotal / 4));
  pair.client.writePause = random.between(3_000_000, 8_000_000);
  return pair;
}
