import { Port, PortFlag, port, RX_SEEN_SHIFT, RxFlag, rxFrame, TxSlot, txSlot, txSpan } from "../memory/port";
import { root } from "../memory/root";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { VIRTIO_NET_HEADER, virtioNetWriteValid } from "../wire/virtio-net";
import { addressFind } from "./addresses";
import { linkInput } from "./input";
import { portTake } from "./ports";
import { txDone } from "./transmit";

/**
 * Packets to an address of the stack's own (RFC 1122, section 3.2.1.3, (g), has the same for 127/8). Behind
 * ltran they go there as all others, as another program may have the address, too. Otherwise they leave by a
 * port that leads back, whose frames are taken in by tick(): first by this stack, then, if it does not want
 * them, by the other ones of the process.
 */

/** Bytes of an IP packet on that port. */
const MTU: u32 = 1500;
/** Where a frame is put together, with room for a virtio-net header in front. */
const FRAME_AT: usize = 16;
/** Bytes of memory that this needs, Root.loopFrame. */
export const LOOP_FRAME_SIZE: u32 = 2048;

function loopOpen(wire: Port): Port {
  const id = portTake(PortFlag.txChecksum, min(MTU, wire.mtu), wire.mac, 0);
  if (id < 0) return changetype<Port>(0);
  const p = port(id);
  p.interfaceIndex = wire.interfaceIndex;
  root().loop = <u32>id + 1;
  root().loopWire = wire.id;
  return p;
}

/** The port that packets to an own address leave by, made when it is missing; null (0): there is no room. */
export function selfPort(high: u64, low: u64): Port {
  const wire = addressFind(high, low).port;
  if (wire.ring != 0) return wire;
  const loop = root().loop;
  return loop != 0 ? port(loop - 1) : loopOpen(wire);
}

/** Whether a packet that came by port `p` may be from an own address. */
export function mayBeOurs(p: Port): bool {
  const r = root();
  // ltran takes care that such a packet comes from a program with this address; so did who handed it over.
  return p.ring != 0 || r.seenBefore != 0 || p.id + 1 == r.loop;
}

/** Copies a frame into one piece of memory; its bytes. */
function gather(slot: TxSlot, to: usize): u32 {
  let length: u32 = 0;
  for (let i: u32 = 0; i < slot.spanCount; i++) {
    const span = txSpan(slot, i);
    assert(length + span.length <= MTU + ETHERNET_HEADER);
    memory.copy(to + length, <usize>span.address, span.length);
    length += span.length;
  }
  return length;
}

/** The frame at `frame` goes to the next stack, as if it had come by the wire. */
function handOn(frame: usize, length: u32): void {
  const wire = port(root().loopWire);
  const skipped = (wire.flags & PortFlag.vnetHeader) != 0 ? VIRTIO_NET_HEADER : 0;
  if (skipped != 0) virtioNetWriteValid(frame - skipped);
  const rx = rxFrame(wire, 0);
  rx.address = <u32>frame - skipped;
  rx.length = length + skipped;
  rx.wireLength = rx.length;
  rx.flags = RxFlag.checksumGood | (1 << RX_SEEN_SHIFT);
}

/**
 * Takes in what waits for us, up to the first frame that goes to the process' next stack: 1, then it is the
 * first received frame of the wire.
 */
export function loopInput(): u32 {
  const r = root();
  if (r.loop == 0) return 0;
  const p = port(r.loop - 1);
  const frame = r.loopFrame + FRAME_AT;
  for (let left = p.txTail - p.txHead; left > 0; left--) {
    const length = gather(txSlot(p, p.txHead), frame);
    txDone(p, 1);
    r.mayFollow = r.stackCount > 1 ? r.stackCount - 1 : 0;
    r.handedOn = 0;
    linkInput(p, frame, length, length, RxFlag.checksumGood);
    r.mayFollow = 0;
    if (r.handedOn == 0) continue;
    handOn(frame, length);
    return 1;
  }
  return 0;
}

/** When loopInput() is due: at once, or u64.MAX_VALUE. */
export function loopDeadline(): u64 {
  const r = root();
  if (r.loop == 0) return u64.MAX_VALUE;
  const p = port(r.loop - 1);
  return p.txTail != p.txHead ? r.now : u64.MAX_VALUE;
}
