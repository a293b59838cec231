import { TcpFlag } from "../../../stack/wire/tcp";
import { Address } from "../tables/address";
import { ageTouch } from "../tables/age";
import { connectionConfirm, connectionCount, connectionEnd, connectionEnter } from "../tables/connection";
import {
  Flow,
  FlowFlag,
  FlowState,
  flowFind,
  flowHas,
  flowMake,
  flowSet,
  flowSetMac,
  flowState,
} from "../tables/flow";
import { listenerHasRoom, listenerOf } from "../tables/listener";
import { Vport, VportState, vport } from "../tables/vport";
import { Frame } from "./frame";

/** Following TCP connections by their headers, as far as dispatch needs it (RFC 9293, section 3.3.2). */

function has(f: Frame, flag: TcpFlag): bool {
  return (f.tcpFlags & flag) != 0;
}

function after(a: u32, b: u32): bool {
  return <i32>(a - b) > 0;
}

/** A FIN of either side; with both the connection is closing. */
function closeSide(flow: Flow, side: FlowFlag): void {
  flowSet(flow, side);
  if (flowHas(flow, FlowFlag.finLocal) && flowHas(flow, FlowFlag.finRemote)) {
    connectionEnter(flow, FlowState.closing);
  }
}

/** A segment towards the owner of a flow. */
export function trackIn(flow: Flow, f: Frame): void {
  ageTouch(flow);
  if (has(f, TcpFlag.rst)) {
    // Only one with the expected number ends a connection (RFC 5961, section 3.2); the owner says so itself.
    if (f.sequence == flow.rcvNxt) connectionEnter(flow, FlowState.closing);
    return;
  }
  if (has(f, TcpFlag.syn)) return;
  const completes =
    has(f, TcpFlag.ack) && flowHas(flow, FlowFlag.answered) && f.acknowledgement == flow.sndNxt;
  if (flowState(flow) == <u32>FlowState.tentative && completes) connectionEnter(flow, FlowState.unconfirmed);
  if (has(f, TcpFlag.fin)) closeSide(flow, FlowFlag.finRemote);
}

/** Numbers and state of a flow, by what its owner sends. */
function advance(flow: Flow, v: Vport, f: Frame, mac: u64): void {
  const end = f.sequence + f.space;
  if (!flowHas(flow, FlowFlag.answered) || after(end, flow.sndNxt)) flow.sndNxt = end;
  flowSet(flow, FlowFlag.answered);
  if (has(f, TcpFlag.ack)) flow.rcvNxt = f.acknowledgement;
  flowSetMac(flow, mac);
  ageTouch(flow);
  if (!has(f, TcpFlag.syn)) connectionConfirm(flow, v);
  if (has(f, TcpFlag.fin)) closeSide(flow, FlowFlag.finLocal);
}

/** A flow for a segment that its owner sends and that none is known for; null (0): none is made. */
function learn(v: Vport, f: Frame): Flow {
  const none = changetype<Flow>(0);
  if (has(f, TcpFlag.rst)) return none;
  const isAnswer = has(f, TcpFlag.syn) && has(f, TcpFlag.ack);
  if (isAnswer) {
    // The answer to a request that a listener got without a flow may stay without one, too.
    const l = listenerOf(v, changetype<Address>(v.address), <u8>f.protocol, f.sourcePort);
    if (changetype<usize>(l) != 0 && !listenerHasRoom(l)) return none;
  }
  const state = isAnswer ? FlowState.tentative : FlowState.unconfirmed;
  const flow = flowMake(
    v,
    <u8>f.protocol,
    f.sourcePort,
    f.destinationHigh,
    f.destinationLow,
    f.destinationPort,
    state,
  );
  if (changetype<usize>(flow) != 0) connectionCount(flow);
  return flow;
}

/**
 * A segment that vport `v` sends to hardware address `mac`; false when it belongs to a connection of another
 * vport, and may not be sent.
 */
export function trackOut(v: Vport, f: Frame, mac: u64): bool {
  const a = changetype<Address>(v.address);
  const remoteHigh = f.destinationHigh;
  const remoteLow = f.destinationLow;
  let flow = flowFind(a, <u8>f.protocol, f.sourcePort, remoteHigh, remoteLow, f.destinationPort);
  if (changetype<usize>(flow) != 0 && <u32>flow.owner != v.id) {
    const isOver =
      vport(flow.owner).state != VportState.open ||
      (flowState(flow) == <u32>FlowState.closing && has(f, TcpFlag.syn));
    if (!isOver) return false;
    connectionEnd(flow);
    flow = changetype<Flow>(0);
  }
  // A connection begins where one has closed.
  if (changetype<usize>(flow) != 0 && flowState(flow) == <u32>FlowState.closing && has(f, TcpFlag.syn)) {
    connectionEnd(flow);
    flow = changetype<Flow>(0);
  }
  if (changetype<usize>(flow) == 0) flow = learn(v, f);
  if (changetype<usize>(flow) == 0) return true;
  if (has(f, TcpFlag.rst)) connectionEnd(flow);
  else advance(flow, v, f, mac);
  return true;
}
