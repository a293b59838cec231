// Our side of the engine benchmark: what an application does with its stack, as a module that shares the
// stack's memory. Times are microseconds.
import {
  EINPROGRESS,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  IPPROTO_TCP,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../../../build/generated/system";
import { call, callEndpoint, callEvent } from "../../../stack/memory/call";
import { RX_BURST } from "../../../stack/memory/map";
import { port, rxFrame } from "../../../stack/memory/port";
import { intAnswer } from "../../../stack/socket/option-value";
import { IPV4_HIGH, ipv4Low } from "../../../stack/wire/address";
import * as stack from "./stack";
import { EVENTS_MOST, handleAt, hostEvent, numberOf, REGION, SLOT, state } from "./state";

const MTU: u32 = 1500;
/** Half of the window that lwIP as shipped has: buffers are set to twice what is asked for. */
const BUFFER: i32 = 65535 / 2;
const BACKLOG: i32 = 4096;
const SERVER: u32 = 1;

const enum EventKind {
  Accepted,
  Connected,
  Readable,
  Writable,
}

/** Puts 10.0.0.(side + 1) and a port into the call. */
function endpoint(side: u32, portNumber: u16): void {
  const at = callEndpoint();
  at.high = IPV4_HIGH;
  at.low = ipv4Low(10 | ((side + 1) << 24));
  at.port = portNumber;
  at.version = 4;
  call().endpoint = 1;
}

/** Makes the stack of one side; false when it cannot. */
export function open(side: u32, now: u64): bool {
  call().seed0 = side + 1;
  if (stack.create(REGION, now) != 0) return false;
  stack.portOpen(0, MTU, 2 | ((<u64>side + 1) << 40), 0);
  endpoint(side, 0);
  stack.addressAdd(0, 24, now);
  const s = state();
  s.listener = -1;
  s.set = stack.waitSetOpen();
  s.now = now;
  return true;
}

/** It is `now`: timers that are due run. */
export function time(now: u64): void {
  state().now = now;
  if (now >= stack.nextDeadline()) stack.tick(now);
}

/** Takes delivered frames in. */
export function input(): void {
  const s = state();
  if (s.received > 0) stack.receive(0, s.received, s.now);
  s.received = 0;
}

/** Address of room for a frame of `length` bytes, which counts as delivered from now on. */
export function deliver(length: u32): u32 {
  const s = state();
  if (s.received == RX_BURST) input();
  const index = s.received++;
  const frame = rxFrame(port(0), index);
  frame.address = REGION + index * SLOT;
  frame.length = length;
  frame.wireLength = length;
  frame.flags = 0;
  return frame.address;
}

/** Answers the connection's number. */
function watch(handle: i32, events: u32): i32 {
  const number = numberOf(handle);
  handleAt(number).value = handle;
  stack.interestAdd(state().set, handle, number, events, number);
  return number;
}

function setOption(handle: i32, level: i32, name: i32, value: i32): void {
  const length = intAnswer(value, sizeof<i32>());
  stack.socketOptionSet(handle, level, name, length, state().now);
}

/** The window that lwIP as shipped has, and no small-segment delay, on both sides. */
function openSocket(): i32 {
  const handle = stack.socketOpen(4, SOCK_STREAM);
  setOption(handle, IPPROTO_TCP, TCP_NODELAY, 1);
  setOption(handle, SOL_SOCKET, SO_RCVBUF, BUFFER);
  setOption(handle, SOL_SOCKET, SO_SNDBUF, BUFFER);
  return handle;
}

/** Listens, on the server's side. */
export function listen(portNumber: u16): void {
  const s = state();
  s.listener = openSocket();
  endpoint(SERVER, portNumber);
  stack.socketBind(s.listener);
  stack.socketListen(s.listener, BACKLOG);
  watch(s.listener, EPOLLIN);
}

/** Connects to the server's side; the connection's number, or -1. */
export function connect(portNumber: u16): i32 {
  const handle = openSocket();
  endpoint(SERVER, portNumber);
  if (stack.socketConnect(handle, state().now) != -EINPROGRESS) return -1;
  // An edge-triggered interest in room costs nothing while there is room.
  return watch(handle, EPOLLIN | EPOLLOUT | EPOLLET);
}

/** socketSendPlan() of connection `number`: bytes with room in the spans. */
export function sendPlan(number: i32, length: u32): i32 {
  return stack.socketSendPlan(handleAt(number).value, length, 0, state().now);
}

/** socketSendCommit(): bytes sent. */
export function sendCommit(number: i32, length: u32): i32 {
  return stack.socketSendCommit(handleAt(number).value, length, 0, state().now);
}

/** socketReceivePlan(): bytes in the spans; 0 at the end of the stream. */
export function receivePlan(number: i32, length: u32): i32 {
  return stack.socketReceivePlan(handleAt(number).value, length, 0, 0, state().now);
}

/** socketReceiveCommit(): frees what was copied out. */
export function receiveCommit(number: i32, length: u32): i32 {
  return stack.socketReceiveCommit(handleAt(number).value, length, 0, state().now);
}

/** socketClose(). */
export function close(number: i32): void {
  stack.socketClose(handleAt(number).value, state().now);
}

/** Fills the transmit ring; answers how many frames wait. */
export function output(): u32 {
  return stack.output(0, state().now);
}

function addEvent(index: u32, connection: i32, kind: EventKind): void {
  const event = hostEvent(index);
  event.connection = connection;
  event.kind = kind;
}

function acceptAll(from: u32): u32 {
  const s = state();
  let count = from;
  while (count < EVENTS_MOST) {
    const handle = stack.socketAccept(s.listener, s.now);
    if (handle < 0) break;
    addEvent(count++, watch(handle, EPOLLIN | EPOLLET), EventKind.Accepted);
  }
  return count;
}

/** What happened since the last call: a count of events from hostEvents() on. */
export function events(): u32 {
  const s = state();
  const ready = stack.waitSetHarvest(s.set, EVENTS_MOST / 2);
  let count: u32 = 0;
  let accepts = false;
  for (let i = 0; i < ready; i++) {
    const event = callEvent(i);
    const number = <i32>event.data;
    const isReadable = (event.events & EPOLLIN) != 0;
    if (s.listener >= 0 && number == numberOf(s.listener)) accepts = true;
    else addEvent(count++, number, isReadable ? EventKind.Readable : EventKind.Writable);
  }
  return accepts ? acceptAll(count) : count;
}

/** Address of the first event. */
export function hostEvents(): u32 {
  return <u32>changetype<usize>(hostEvent(0));
}
