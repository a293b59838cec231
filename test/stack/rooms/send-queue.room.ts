import { TX_ETHERNET, txAppend, txComplete, txDone, txReserve } from "../../../stack/link/transmit";
import { Buffer } from "../../../stack/memory/buffer";
import { PoolId, pool, poolLayOut } from "../../../stack/memory/pool";
import { Port, port } from "../../../stack/memory/port";
import { root } from "../../../stack/memory/root";
import {
  sendQueueAcknowledge,
  sendQueueAppend,
  sendQueueCommit,
  sendQueuePlan,
} from "../../../stack/tcp/send-queue";
import { Tcb } from "../../../stack/tcp/tcb";

const BASE: usize = 0x200000;
const TCB: usize = 0x600000;

function tcb(): Tcb {
  return changetype<Tcb>(TCB);
}

/** A connection with nothing sent, and `ports` ports. */
export function open(ports: u32): void {
  const end = poolLayOut(PoolId.buffer, BASE, offsetof<Buffer>(), 100);
  root().bufferData = (end + 63) & ~(<usize>63);
  root().ports = ports;
  for (let i: u32 = 0; i < ports; i++) {
    memory.fill(changetype<usize>(port(i)), 0, offsetof<Port>());
    port(i).id = i;
  }
  memory.fill(TCB, 0, offsetof<Tcb>());
}

/** Queues `length` bytes. */
export function write(length: u32): void {
  sendQueueCommit(tcb(), sendQueuePlan(tcb(), length));
}

/** A frame on port `id` with the bytes from the first one on. */
export function send(id: u32, length: u32): void {
  const slot = txReserve(port(id));
  sendQueueAppend(tcb(), slot, tcb().sndUna, length);
  slot.headerLength = <u16>TX_ETHERNET;
  txComplete(port(id), slot);
}

/** A frame on port `id` without any of them. */
export function sendOther(id: u32): void {
  const slot = txReserve(port(id));
  txAppend(slot, TCB, 1);
  slot.headerLength = <u16>TX_ETHERNET;
  txComplete(port(id), slot);
}

export function acknowledge(sequence: u32): void {
  sendQueueAcknowledge(tcb(), sequence);
}

/** Port `id` has sent `count` frames. */
export function done(id: u32, count: u32): void {
  txDone(port(id), count);
}

export function used(): u32 {
  return pool(PoolId.buffer).used;
}
